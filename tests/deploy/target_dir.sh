#!/bin/bash
# That everything is built, found, packed and installed where cargo was told to build, in a copy of this repository that
# has no folder target, and gets none. A stand-in for cargo makes libraries of a few bytes, so that nothing is built twice.
# Prints a line a case and ends with a count.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tools/check.sh
. tests/tools/check.sh
. scripts/rust.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR
mkdir "$work/tree"
git ls-files --cached --others --exclude-standard | while read -r file; do [ ! -f "$file" ] || echo "$file"; done |
    xargs -d '\n' cp --parents -t "$work/tree"

cat >"$work/cargo" <<CARGO
#!/bin/bash
set -e
cargo=$(type -P cargo)
CARGO
cat >>"$work/cargo" <<'CARGO'
target=$("$cargo" metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
case $1 in
metadata) exec "$cargo" "$@" ;;
run) echo "cargo $*" ;;
build)
    mkdir -p "$target/release"
    echo 'stands for a program' | tee "$target/release/autoscale" >"$target/release/autoscale-tray"
    ;;
rustc)
    mkdir -p "$target/library"
    for word in "$@"; do case $word in native-static-libs=*) echo "-lc -lm" >"${word#*=}" ;; esac; done
    cc -x c -shared -o "$target/library/libautoscale.so" - <<<'int autoscale_abi_version(void) { return 1; }'
    cc -x c -c -o "$target/library/autoscale.o" - <<<'int autoscale_abi_version(void) { return 1; }'
    ar rcs "$target/library/libautoscale.a" "$target/library/autoscale.o"
    ;;
esac
CARGO
chmod +x "$work/cargo"

# in_tree [NAME=VALUE…] TARGET…: make, in the copy.
in_tree() { (cd "$work/tree" && env SETUP_DONE=yes CARGO="$work/cargo" DESTDIR="$work/dest" PREFIX=/usr "$@"); }

# everything CASE FOLDER [NAME=VALUE]: is built into that folder, and installed from there.
everything() {
    local name=$1 folder=$2
    shift 2
    rm -rf "$work/dest"
    check "$name: make capi wheel" in_tree "$@" make capi wheel
    check "$name: into the folder" ls "$folder/capi/libautoscale.a" "$folder/capi/libautoscale.so" "$folder"/wheels/libautoscale-*.whl
    check "$name: make install" in_tree "$@" make install
    check "$name: the programs from there" cmp "$folder/release/autoscale" "$work/dest/usr/bin/autoscale"
    check "$name: the libraries from there" cmp "$folder/capi/libautoscale.a" "$work/dest/usr/lib/libautoscale.a"
    check "$name: and nothing is in target" test ! -e "$work/tree/target"
}

everything "CARGO_TARGET_DIR" "$work/elsewhere" CARGO_TARGET_DIR="$work/elsewhere"
everything "a relative CARGO_TARGET_DIR" "$work/tree/out/here" CARGO_TARGET_DIR=out/here
mkdir "$work/tree/.cargo"
echo 'build.target-dir = "by-config"' >"$work/tree/.cargo/config.toml"
everything "build.target-dir" "$work/tree/by-config"

# Where cargo finds what it has built is its own affair. The first time it is silent for a while.
demo() { diff <(in_tree make demo tray-demo) - <<'SAID'
building, which takes some minutes the first time
cargo run --quiet --package autoscale-cli -- demo
building, which takes some minutes the first time
cargo run --quiet --package tray-app -- --sandbox
SAID
}
check "make demo, make tray-demo: run by cargo" demo

echo "target_dir: $passed passed, $failed failed"
[ "$failed" = 0 ]
