#!/bin/sh
# Sourced at the root of the repository by everything that builds or starts what was built: puts a Rust that is new
# enough on PATH, wherever it is, and knows where cargo puts what it builds. Installs nothing; that is scripts/setup.

rust_needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
cargo_bin=${CARGO_HOME:-$HOME/.cargo}/bin

# Prints the version of a rustc, given as a command; nothing where it does not run.
rust_version() {
    { "$@" --version 2>/dev/null || :; } | sed -n 's/^rustc \([0-9.]*\).*/\1/p'
}

# Is this version, 1.N or more exact, at least the one of Cargo.toml?
rust_is_enough() {
    minor=${1#1.}
    [ -n "$1" ] && [ "${minor%%.*}" -ge "${rust_needed#1.}" ] 2>/dev/null
}

# Are both programs found on this PATH, and recent?
rust_on() {
    PATH=$1 command -v cargo >/dev/null && rust_is_enough "$(rust_version env PATH="$1" rustc)"
}

# Chooses the toolchain: the one on PATH where it is new enough; else rustup's, which a shell does not know before it is
# opened anew; else one of Ubuntu's packages with a version in their names, or another of the system's. Fails where
# there is none. A CARGO of the caller's own is taken as it is.
find_rust() {
    [ "${CARGO:-cargo}" = cargo ] || return 0
    ! rust_on "$PATH" || return 0
    for folder in "$cargo_bin" /usr/lib/rust-*/bin /usr/bin; do
        if rust_on "$folder:$PATH"; then
            PATH=$folder:$PATH
            return 0
        fi
    done
    # A default that is older stays the default.
    if rust_is_enough "$(PATH=$cargo_bin:$PATH rust_version rustup run stable rustc)"; then
        PATH=$cargo_bin:$PATH
        export RUSTUP_TOOLCHAIN=stable
        return 0
    fi
    return 1
}

# Prints the folder that cargo builds into, as a whole path: CARGO_TARGET_DIR, `build.target-dir` of cargo's
# configuration, or target.
target_dir() {
    "${CARGO:-cargo}" metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# Where there is none, what needs it says so.
find_rust || :
