#!/bin/bash
# Processes that share a database and are killed, stopped and cut off: chaos.py says what they are held to. A short form,
# straight and through pgbouncer; with --soak 100 events, and ten at the speed of the clock. Other arguments go to chaos.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/rust.sh
# With the features of the other tests: it is there already where they have run.
"${CARGO:-cargo}" build --quiet --locked --workspace --bin autoscale
chaos() { python3 tests/fleet/chaos.py "$(target_dir)/debug/autoscale" "$@"; }
case ${1:-} in
--soak)
    chaos --events 100
    chaos --events 10 --speed 1
    ;;
"")
    chaos --apps 100
    chaos --apps 100 --events 4 --pooler
    ;;
*) chaos "$@" ;;
esac
