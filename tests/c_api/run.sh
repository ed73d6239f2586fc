#!/bin/bash
# The C interface as a packager and a C program meet it: installs into a destdir, then compiles, links, runs, breaks and
# measures against that. Ends with a count; what could not be checked here is added to the file LEFT_OUT.
#   CAPI=dir     the built libraries (what `make capi` makes; made where it is missing)
#   ROUNDS=1000  rounds of start and stop
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

. scripts/rust.sh
capi=${CAPI:-$(target_dir)/capi}
left_out=${LEFT_OUT:-/dev/stderr}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/tools/check.sh
. tests/tools/check.sh

# ends_with STATUS COMMAND…: its exit status is that one.
ends_with() {
    local wanted=$1 status=0
    shift
    "$@" || status=$?
    [ "$status" = "$wanted" ] || { echo "exit status $status, not $wanted"; return 1; }
}

[ -e "$capi/libautoscale.a" ] || OUT=$capi autoscale-ffi/scripts/build || exit 1

# ── installed ────────────────────────────────────────────────────────────────────────────────────────────────────────

dest=$work/dest
lib=$dest/usr/lib
check "install into a destdir" env DESTDIR="$dest" PREFIX=/usr OUT="$capi" autoscale-ffi/scripts/install
export PKG_CONFIG_SYSROOT_DIR=$dest PKG_CONFIG_PATH=$lib/pkgconfig LD_LIBRARY_PATH=$lib
# An installed library lies where compilers look by themselves; a destdir does not.
export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
read -ra shared < <(pkg-config --cflags --libs autoscale)
read -ra static < <(pkg-config --static --cflags --libs autoscale)
# The library itself from the archive, the system's as they come.
mixed=()
for word in "${static[@]}"; do
    if [ "$word" = -lautoscale ]; then mixed+=("-Wl,-Bstatic" "$word" "-Wl,-Bdynamic"); else mixed+=("$word"); fi
done
here=tests/c_api
abi=$(sed -n 's/^#define AUTOSCALE_ABI_VERSION //p' include/autoscale.h)

soname() { readelf -d "$lib/libautoscale.so.$abi" | grep -q "SONAME.*\[libautoscale.so.$abi\]"; }
check "SONAME libautoscale.so.$abi, and a link for linking" soname
check "the link" test "$(readlink "$lib/libautoscale.so")" = "libautoscale.so.$abi"
declared() { gcc -E -P -I"$dest/usr/include" - <<<'#include <autoscale.h>' | grep -oE 'autoscale_[a-z_]+\(' | tr -d '(' | sort -u; }
exported() { nm -D --defined-only "$lib/libautoscale.so" | awk '{print $3}' | sort; }
globals() { nm -g --defined-only "$lib/libautoscale.a" | awk 'NF == 3 {print $3}' | sort; }
check "nm -D: what the header declares, and nothing else" diff <(declared) <(exported)
check "libautoscale.a: the same are global" diff <(declared) <(globals)

version=$(pkg-config --modversion autoscale)
program() { [ "$("$1")" = "$version $abi" ]; }
check "cc with pkg-config" cc $here/program.c "${shared[@]}" -o "$work/shared"
check "it runs" program "$work/shared"
check "it needs libautoscale.so.$abi" grep -q "libautoscale.so.$abi" <(readelf -d "$work/shared")
check "cc -static with pkg-config --static" cc -static $here/program.c "${static[@]}" -o "$work/static"
check "it runs" program "$work/static"
check "cc with libautoscale.a, the rest shared" cc $here/program.c "${mixed[@]}" -o "$work/mixed"
check "it runs" program "$work/mixed"
check "cmake" cmake -S $here -B "$work/cmake" -DCMAKE_PREFIX_PATH="$dest/usr"
check "cmake --build" cmake --build "$work/cmake"
check "it runs, shared" program "$work/cmake/with_shared"
check "it runs, static" program "$work/cmake/with_static"
check "another static library made with Rust" \
    rustc --edition 2024 --crate-type staticlib -C panic=unwind -o "$work/libother.a" $here/other_rust.rs
check "both in one program" cc $here/two_rust.c "$work/libother.a" "${mixed[@]}" -o "$work/two"
check "it runs" "$work/two"

# ── the header, in every dialect ─────────────────────────────────────────────────────────────────────────────────────

strict=(-pedantic -Wall -Wextra -Werror -fsyntax-only -I"$dest/usr/include")
for compiler in gcc clang; do
    if ! command -v $compiler >/dev/null; then
        echo "the header with $compiler" >>"$left_out"
        continue
    fi
    for dialect in c99 c11 c17; do
        check "$compiler -std=$dialect" $compiler -x c -std=$dialect "${strict[@]}" $here/header.c
    done
    for dialect in c++11 c++17 c++20; do
        check "$compiler -std=$dialect" $compiler -x c++ -std=$dialect "${strict[@]}" $here/header.c
    done
done
unlooked() { ! gcc -Werror -c -o /dev/null -I"$dest/usr/include" -x c - 2>/dev/null <<<'#include <autoscale.h>
void f(autoscale *h) { autoscale_pause(h); }'; }
check "a status that nobody looks at is a warning" unlooked

# ── what it does ─────────────────────────────────────────────────────────────────────────────────────────────────────

tests=("$here"/{main,pure,misuse,loop,quiet}.c)
check "the C tests compile" cc -std=gnu11 -g -O1 -Wall -Wextra -Werror -pthread "${tests[@]}" "${shared[@]}" -lm -o "$work/c_tests"
check "the C tests" timeout 1800 "$work/c_tests" "${ROUNDS:-1000}"
check "a C++ program compiles" c++ -std=c++17 -Wall -Wextra -Werror $here/exception.cpp "${shared[@]}" -o "$work/exception"
for where in loop once; do
    check "an exception out of a callback ends the process ($where)" ends_with 134 "$work/exception" $where
done

# ── what it must not do ──────────────────────────────────────────────────────────────────────────────────────────────

if command -v valgrind >/dev/null; then
    # What a static table holds (the fonts of a graph) is "possibly lost": Rust's tables are pointed into, not at.
    symbols=$(realpath "$capi/symbols" 2>/dev/null || echo "$lib")
    check "valgrind: no error, no leak" timeout 3600 env LD_LIBRARY_PATH="$symbols" valgrind --quiet --error-exitcode=9 --leak-check=full \
        --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
        --child-silent-after-fork=yes --suppressions="$here/valgrind.supp" "$work/c_tests" 15
else
    echo "the C tests under valgrind" >>"$left_out"
fi

check "the interface is the one of before" $here/abi.sh "$dest/usr/include" "$work"

examples=autoscale-ffi/examples
if [ -d $examples ]; then
    for example in decide_csv embed_loop; do
        check "example $example.c compiles" cc -std=c99 -Wall -Wextra -Werror -D_POSIX_C_SOURCE=200809L \
            $examples/$example.c "${shared[@]}" -o "$work/$example"
    done
    check "example decide_csv" diff $here/decide_csv.expected <("$work/decide_csv" $examples/shop.ini $examples/results.csv 3)
    # As long as it takes, on a busy machine too.
    scaled() {
        "$work/embed_loop" 120 >"$work/said" &
        local loop=$! status=1
        while [ "$status" != 0 ] && kill -0 "$loop" 2>/dev/null; do
            sleep 0.1
            ! grep -q 'scaled the pool to 4' "$work/said" || status=0
        done
        kill "$loop" 2>/dev/null
        wait "$loop" 2>/dev/null
        return "$status"
    }
    check "example embed_loop" scaled
fi

echo "c_api: $passed passed, $failed failed"
[ "$failed" = 0 ]
