#!/bin/bash
# What scripts/test makes of parts that fail, with a stand-in for make. Prints a line a case and ends with a count.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tools/check.sh
. tests/tools/check.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/make" <<'MAKE'
#!/bin/bash
echo "$SETUP_DONE $*" >>"$ASKED"
[ "$2" != test-rust ] || echo "something that only root can do" >>"$LEFT_OUT"
[[ " $FAILING " != *" $2 "* ]]
MAKE
chmod +x "$work/make"

# ends FAILING EXIT_CODE TEXT: with these parts failing, scripts/test ends so, with this as its last lines. Seconds are
# left away.
ends() {
    local said code
    : >"$work/asked"
    said=$(ASKED=$work/asked FAILING=$1 MAKE=$work/make scripts/test)
    code=$?
    diff <(sed -n '/════ \(LEFT OUT\|make test\)/,$p' <<<"$said" | sed 's/ ([0-9]* s)$//'; echo "$code") <(echo "$3"; echo "$2")
}
asked() { diff <(cut -d' ' -f3 "$work/asked" | tr '\n' ' ') <(echo -n "$1"); }
every="build-tools setup lint test-rust test-tray test-deploy capi test-c test-python test-hostile "

left_out="════ LEFT OUT on this machine ════
  - something that only root can do
════ make test ════"
check "where all parts pass" ends "" 0 "$left_out
passed  build-tools
passed  setup
passed  lint
passed  test-rust
passed  test-tray
passed  test-deploy
passed  capi
passed  test-c
passed  test-python
passed  test-hostile
make test: 10 passed, 0 failed"
check "each ran, once" asked "$every"
check "none asks for setup itself, nor stops early" test "$(cut -d' ' -f1,2 "$work/asked" | sort -u)" = "yes --keep-going"

check "where some fail, all others run" ends "setup test-rust" 1 "$left_out
passed  build-tools
FAILED  setup
passed  lint
FAILED  test-rust
passed  test-tray
passed  test-deploy
passed  capi
passed  test-c
passed  test-python
passed  test-hostile
make test: 8 passed, 2 failed"
check "every one" asked "$every"

check "where a prerequisite fails, it is said" ends "capi" 1 "$left_out
passed  build-tools
passed  setup
passed  lint
passed  test-rust
passed  test-tray
passed  test-deploy
FAILED  capi
FAILED  test-c: not run, since capi failed
FAILED  test-python: not run, since capi failed
passed  test-hostile
make test: 7 passed, 3 failed"

check "what follows from what did not run does not run" ends "build-tools" 1 "════ make test ════
FAILED  build-tools
FAILED  setup: not run, since build-tools failed
FAILED  lint: not run, since build-tools failed
FAILED  test-rust: not run, since build-tools failed
FAILED  test-tray: not run, since build-tools failed
passed  test-deploy
FAILED  capi: not run, since build-tools failed
FAILED  test-c: not run, since capi failed
FAILED  test-python: not run, since capi failed
FAILED  test-hostile: not run, since build-tools failed
make test: 1 passed, 9 failed"
check "but what needs no Rust" asked "build-tools test-deploy "

echo "parts: $passed passed, $failed failed"
[ "$failed" = 0 ]
