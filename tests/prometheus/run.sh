#!/bin/sh
# The Prometheus source against a real server: Debian's package, installed where it is missing.
set -eu
cd "$(dirname "$0")/../.."
. scripts/rust.sh
if ! command -v prometheus >/dev/null; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo 'the program prometheus is missing: install Debian'"'"'s package prometheus' >&2
        exit 1
    fi
    apt-get update -qq
    # Its service is not wanted, nor what else it would bring.
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends prometheus
fi
out=$(mktemp)
trap 'rm -f "$out"' EXIT
"${CARGO:-cargo}" test --package autoscale-core --features sandbox --locked --test core -- \
    --ignored --exact prometheus_server::a_real_server_is_read_as_its_scrapes_were | tee "$out"
# A filter that finds nothing passes as well.
grep -q 'test result: ok. 1 passed' "$out"
