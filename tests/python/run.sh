#!/bin/bash
# The Python package as it is installed: the wheel goes into a fresh environment, in which the examples run, and onto the
# path of the tests.
#   CAPI=dir  the built libraries (what `make capi` makes; made where it is missing)
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/rust.sh
target=$(target_dir)
capi=${CAPI:-$target/capi}
[ -e "$capi/libautoscale.a" ] || OUT=$capi autoscale-ffi/scripts/build
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# With the features of the other tests: it is there already where they have run.
"${CARGO:-cargo}" build --quiet --locked --workspace --bin autoscale
AUTOSCALE_BINARY=$target/debug/autoscale

wheel=$(CAPI=$capi WHEELS=$work/wheels autoscale-ffi/scripts/wheel)
echo "python: $(basename "$wheel")"
.venv/bin/python -m venv "$work/fresh"
"$work/fresh/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps "$wheel"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --target "$work/site" "$wheel"

export CAPI=$capi AUTOSCALE_BINARY AUTOSCALE_HEADER=$PWD/include/autoscale.h AUTOSCALE_FRESH_PYTHON=$work/fresh/bin/python
PYTHONPATH=$work/site PYTHONDONTWRITEBYTECODE=1 .venv/bin/python -m pytest -q -p no:cacheprovider -W error tests/python "$@"
