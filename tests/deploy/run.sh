#!/bin/bash
# Checks every file that is no Rust: scripts, units, Kubernetes objects, the container's recipe, workflows; and runs the
# init.d script and the scripts behind `make`. Ends with a count. What could not be checked here is added to the file LEFT_OUT.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

deploy=autoscale-cli/deploy
left_out=${LEFT_OUT:-/dev/stderr}
bin=.venv/bin
# shellcheck source=tests/tools/check.sh
. tests/tools/check.sh
. scripts/rust.sh

# silent COMMAND…: it succeeds and has nothing to say.
silent() {
    local output
    output=$("$@" 2>&1) && [ -z "$output" ] && return 0
    echo "$output"
    return 1
}

mapfile -t scripts < <(git ls-files --cached --others --exclude-standard | while read -r file; do
    [ ! -f "$file" ] || ! head -c 64 "$file" | head -1 | grep -aqE '^#!.*[/ ](ba)?sh$' || echo "$file"
done)
check "shellcheck of ${#scripts[@]} scripts" shellcheck "${scripts[@]}"

if command -v systemd-analyze >/dev/null; then
    # The program need not be installed, nor lie in the same place.
    units=$(mktemp -d)
    trap 'rm -rf "$units"' EXIT
    for unit in autoscale.service autoscale@.service; do
        sed 's#/usr/local/bin/autoscale#/bin/true#' "$deploy/systemd/$unit" >"$units/$unit"
    done
    cp "$units/autoscale@.service" "$units/autoscale@shop.service"
    for unit in autoscale.service autoscale@shop.service; do
        check "systemd-analyze verify $unit" silent systemd-analyze verify "$units/$unit"
        # Exposure of at most 1.5 of 10; what is left is the network, which is its job.
        check "systemd-analyze security $unit" systemd-analyze security --offline=true --threshold=15 "$units/$unit"
    done
    hardening() { sed -n '/^# What it may do/,$p' "$deploy/systemd/$1"; }
    check "both units are hardened alike" diff <(hardening autoscale.service) <(hardening autoscale@.service)
else
    echo "the systemd units: no systemd-analyze here" >>"$left_out"
fi

for file in "$deploy"/kubernetes/*.yaml; do
    check "kubernetes-validate $file" "$bin/kubernetes-validate" --strict --quiet "$file"
done
check "one replica, never two at a time" "$bin/python" tests/deploy/kubernetes_rules.py "$deploy/kubernetes"
check "hadolint" "$bin/hadolint" "$deploy/container/Containerfile"
check "workflows follow their schema" "$bin/check-jsonschema" --builtin-schema vendor.github-workflows .github/workflows/*.yml
check "zizmor of the workflows" "$bin/zizmor" --offline --quiet .github/workflows

check "scripts/setup: what it installs, on machines of stand-ins" tests/deploy/setup.sh
check "scripts/test: each part runs, and is told of at the end" tests/deploy/parts.sh
check "make: whatever the target folder is" tests/deploy/target_dir.sh

if [ "$(uname -s)" = Linux ]; then
    check "init.d script, with a stand-in" tests/deploy/init_d.sh
    binary=$(target_dir)/debug/autoscale
    if [ -x "$binary" ]; then
        check "init.d script, with the real binary" env "AUTOSCALE_BIN=$binary" tests/deploy/init_d.sh
    else
        echo "the init.d script with the real binary: $binary is not built" >>"$left_out"
    fi
else
    echo "the init.d script: it needs /proc" >>"$left_out"
fi

echo "deploy: $passed passed, $failed failed"
[ "$failed" = 0 ]
