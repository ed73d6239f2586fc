#!/bin/bash
# One check of the real binary against servers that answer wrongly: hunt.py says what it is held to. Each fourth way unless
# told otherwise; arguments go to hunt.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/rust.sh
# With the features of the other tests: it is there already where they have run.
"${CARGO:-cargo}" build --quiet --locked --workspace --bin autoscale
[ $# -gt 0 ] || set -- --every 4
exec python3 tests/hostile/hunt.py "$(target_dir)/debug/autoscale" "$@"
