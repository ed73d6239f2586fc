#!/bin/bash
# What the test scripts share: a check that counts. Sourced by them.

passed=0
failed=0

# check NAME COMMAND…: it succeeds.
check() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok   $name"
    else
        failed=$((failed + 1))
        printf 'FAIL %s\n%s\n' "$name" "$(tail -30 <<<"$output")"
    fi
}
