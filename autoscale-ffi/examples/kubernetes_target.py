"""A Kubernetes deployment as the target, through the API's scale subresource: what `kubectl scale` does.

    kubectl proxy --port 8001 &
    python kubernetes_target.py --api http://127.0.0.1:8001 --namespace shop --deployment web \\
        --prometheus http://127.0.0.1:9090 --query '…' --seconds 3600

In a pod, --api is https://kubernetes.default.svc, and the service account's token is used.
"""

import argparse
import json
import pathlib
import ssl
import time
import urllib.request

import autoscale
from prometheus_source import Prometheus

ACCOUNT = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Deployment:
    """How many pods a deployment asks for."""

    def __init__(self, api, namespace, name):
        self.url = f"{api.rstrip('/')}/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"
        self.tls = ssl.create_default_context(cafile=ACCOUNT / "ca.crt") if api.startswith("https:") else None

    def read(self):
        return self._ask("GET")["spec"].get("replicas", 0)

    def scale(self, quantity):
        self._ask("PATCH", {"spec": {"replicas": quantity}})

    def _ask(self, method, body=None):
        request = urllib.request.Request(self.url, method=method)
        request.add_header("Accept", "application/json")
        if self.tls:
            request.add_header("Authorization", f"Bearer {(ACCOUNT / 'token').read_text()}")
        if body is not None:
            request.add_header("Content-Type", "application/merge-patch+json")
            request.data = json.dumps(body).encode()
        with urllib.request.urlopen(request, timeout=30, context=self.tls) as answer:
            return json.load(answer)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--api", required=True)
    options.add_argument("--namespace", default="default")
    options.add_argument("--deployment", required=True)
    options.add_argument("--prometheus", required=True)
    options.add_argument("--query", required=True)
    options.add_argument("--min", type=int, default=1)
    options.add_argument("--max", type=int, default=10)
    options.add_argument("--seconds", type=float, default=float("inf"))
    given = options.parse_args()
    # The name of a deployment may be longer than an app's, or have dots in it: it is told beside what happens.
    config = autoscale.Config.from_ini(
        "[HEROKU_INFOS]\napp_name: deployment\nprocess_type: pods\n"
        f"[AUTOSCALE_SETTINGS]\nmin_dynos: {given.min}\nmax_dynos: {given.max}\ncheck_frequency: 1\n"
    )
    source = Prometheus(given.prometheus, given.query)
    target = Deployment(given.api, given.namespace, given.deployment)
    end = time.monotonic() + given.seconds
    with autoscale.Autoscaler(config, metric=source, target=target) as scaler:
        while (left := end - time.monotonic()) > 0:
            for event in scaler.events(timeout=min(left, 60)):
                print(f"{given.namespace}/{given.deployment}: {event.text}", flush=True)


if __name__ == "__main__":
    main()
