"""What the schema of Kubernetes does not ask: that no app is ever scaled by two, and that nothing runs with more rights
than it needs."""

import pathlib
import sys

import yaml


def pod_of(item):
    """The pod specification inside a workload."""
    spec = item["spec"]
    return (spec["jobTemplate"]["spec"] if item["kind"] == "CronJob" else spec)["template"]["spec"]


def problems(item):
    """What is wrong with a workload, in words."""
    spec, pod = item["spec"], pod_of(item)
    shares = any(variable["name"] == "AUTOSCALE_STATE_URL" for c in pod["containers"] for variable in c["env"])
    if item["kind"] == "Deployment":
        if not shares and (spec["replicas"] != 1 or spec["strategy"] != {"type": "Recreate"}):
            yield "a Deployment without a shared database has one replica and the strategy Recreate"
        if shares and any("persistentVolumeClaim" in volume for volume in pod["volumes"]):
            yield "replicas that share a database share no volume"
    elif spec["concurrencyPolicy"] != "Forbid":
        yield "a CronJob forbids concurrent runs"
    if not pod["securityContext"]["runAsNonRoot"] or pod["automountServiceAccountToken"]:
        yield "a pod does not run as root and has no token of the cluster"
    for container in pod["containers"]:
        rights = container["securityContext"]
        if not rights["readOnlyRootFilesystem"] or rights["allowPrivilegeEscalation"]:
            yield "a container has a read-only root and gains no rights"
        if rights["capabilities"] != {"drop": ["ALL"]}:
            yield "a container drops all capabilities"
        if ("--once" in container["args"]) != (item["kind"] == "CronJob"):
            yield "a CronJob runs once, a Deployment does not"
        for variable in container["env"]:
            if "secretKeyRef" not in variable.get("valueFrom", {}):
                yield f"{variable['name']} comes from a Secret"


def main(folder):
    """Checks every workload of the folder; the number of problems is the exit code."""
    items = [item for path in sorted(pathlib.Path(folder).glob("*.yaml")) for item in yaml.safe_load_all(path.read_text())]
    workloads = [item for item in items if item["kind"] in ("Deployment", "CronJob")]
    found = [f"{item['kind']}: {text}" for item in workloads for text in problems(item)]
    if {item["kind"] for item in workloads} != {"Deployment", "CronJob"}:
        found.append("there is a Deployment and a CronJob")
    print("\n".join(found))
    return len(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
