#!/bin/bash
# abi.sh INCLUDE WORK: compares the C interface with the one that was committed, tests/c_api/abi.xml. The header is
# made into a library with debug information, so that its types are known to the tool. A function may be added; a
# parameter, a field or a function that changes breaks older programs. Each time, the check is shown both.
#   ABI_WRITE=1: writes it anew: for a field added at the end of a struct, and, with a new ABI version, for what breaks.
set -euo pipefail
include=$(cd "$1" && pwd)
cd "$(dirname "$0")"
work=$2
if ! command -v abidiff >/dev/null; then
    echo "the comparison of interfaces: no abidiff here" >>"${LEFT_OUT:-/dev/stderr}"
    exit 0
fi

# library HEADER NAME: every function of the header, doing nothing.
library() {
    {
        # Types that are opaque stay so: a body for each function, no more.
        echo "#include \"$1\""
        gcc -E -P "$1" | tr '\n' ' ' | sed -E 's/__attribute__\(\([a-z_]+\)\)//g; s/;/;\n/g' |
            grep -E '^ *[a-z].* \*?autoscale_[a-z_]+\(' | grep -v typedef | sed -E 's/;$/ { __builtin_trap(); }/'
    } >"$work/$2.c"
    gcc -g -shared -fPIC -w -o "$work/$2.so" "$work/$2.c"
}

cp "$include/autoscale.h" "$work/now.h"
library "$work/now.h" now
if [ "${ABI_WRITE:-}" = 1 ]; then
    abidw --no-corpus-path --no-comp-dir-path --no-show-locs "$work/now.so" >abi.xml
fi

# What changed but for functions that were added; says it, and fails.
unchanged() {
    abidiff --no-show-locs --no-added-syms abi.xml "$work/$1.so"
}

unchanged now || { echo "the change above breaks programs that are built already, or adds a field: see abi.sh" && exit 1; }

# The check can fail, and does so for the right thing.
sed 's/uint32_t autoscale_abi_version(void);/&\nuint32_t autoscale_added(uint32_t n);/' "$work/now.h" >"$work/added.h"
library "$work/added.h" added
unchanged added >/dev/null || { echo "an added function does not pass" && exit 1; }
abidiff --no-show-locs abi.xml "$work/added.so" >"$work/added.diff" && { echo "an added function is not seen" && exit 1; }
grep -q "autoscale_added" "$work/added.diff"

perl -0pe 's/(autoscale_set_dry_run\(const struct autoscale \*handle,\s*)int32_t on\)/$1int64_t on)/' "$work/now.h" >"$work/changed.h"
cmp -s "$work/now.h" "$work/changed.h" && { echo "the header has no autoscale_set_dry_run to change" && exit 1; }
library "$work/changed.h" changed
unchanged changed >"$work/changed.diff" && { echo "a changed parameter passes" && exit 1; }
grep -q "autoscale_set_dry_run" "$work/changed.diff"
