#!/bin/bash
# What scripts/setup decides, on machines that are made of stand-ins: a PATH with nothing on it but the commands that
# every Debian has, and programs that say what they are asked. Prints a line a case and ends with a count.
# Texts with a $ are programs.
# shellcheck disable=SC2016
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
passed=0
failed=0
all=$(mktemp -d)
trap 'rm -rf "$all"' EXIT

# A machine of its own for each case. Its archive: "package version suite", the ones that are taken unasked first.
machine() {
    m=$all/$1
    mkdir -p "$m"/{bin,home,tree/scripts,usr}
    for command in awk bash cat chmod cmp cp dirname env grep mkdir mktemp rm sed sh sort tail tr uname; do
        ln -s "$(type -P $command)" "$m/bin/$command"
    done
    cp Cargo.toml "$m/tree/"
    cp scripts/setup "$m/tree/scripts/"
    # The real machine's Rust is not this one's.
    sed "s# /usr/# $m/usr/#g" scripts/rust.sh >"$m/tree/scripts/rust.sh"
    : >"$m/archive"
    program id 'echo 0'
    program uname 'echo Linux'
    # Packages become programs.
    program apt-get 'shift; echo "$*" >>"$M/asked"; [ "$1" != install ] || for package in "$@"; do
        case $package in
        gcc) echo "exit 0" >"$M/bin/cc"; chmod +x "$M/bin/cc" ;;
        curl) cp "$M/curl" "$M/bin/curl" ;;
        rustc*) package=${package%/*}; version=$(sed -n "s/^$package \([0-9.]*\).*/\1/p" "$M/archive" | sort -V | tail -n 1)
            "$M/rust" "$version" "$M/bin" ;;
        esac
    done'
    program apt-cache '[ "$1" != pkgnames ] || { sed "s/ .*//" "$M/archive" | grep "^$2"; exit 0; }
    grep "^$2 " "$M/archive" | while read -r name version suite; do
        case $1 in
        policy) echo "  Candidate: $version"; exit ;;
        madison) echo " $name | $version | http://deb.example/debian $suite amd64 Packages" ;;
        esac
    done'
    program ../rust 'mkdir -p "$2"; for name in rustc cargo; do
        printf "#!/bin/sh\necho \"$name $1 (stand-in)\"\n" >"$2/$name"; chmod +x "$2/$name"; done'
    # What https://sh.rustup.rs would be.
    program ../curl 'while [ "$1" != -o ]; do shift; done; echo "echo \"\$*\" >>$M/asked; $M/rust 1.95.0 $HOME/.cargo/bin" >"$2"'
}

# program NAME TEXT: a program of this machine.
program() {
    rm -f "$m/bin/$1"
    printf '#!/bin/bash\nM=%q\n%s\n' "$m" "$2" >"$m/bin/$1"
    chmod +x "$m/bin/$1"
}

with_cc() { program cc 'exit 0'; }
with_curl() { cp "$m/curl" "$m/bin/"; }
rustup_out_of_reach() { program ../curl 'echo "curl: (6) Could not resolve host: sh.rustup.rs" >&2; exit 6'; }
no_sudo() {
    program id 'echo 1000'
    program sudo 'exit 1'
}
inside() { (cd "$m/tree" && env -i PATH="$m/bin" HOME="$m/home" "$@" 2>&1); }

# says NAME EXIT_CODE TEXT [MODE]: `scripts/setup build` ends so, having said exactly that.
says() {
    local said code
    said=$(inside scripts/setup "${4-build}")
    code=$?
    result "$1" "$code, ${said//$m/}" "$2, $3"
}

# asks NAME TEXT: so much was asked of apt-get and rustup, after whatever says nothing about what is installed.
asks() { result "$1" "$(grep -vx update "$m/asked" 2>/dev/null)" "$2"; }

# uses NAME VERSION: a build takes the compiler of that version.
uses() { result "$1" "$(inside sh -c '. scripts/rust.sh; rustc')" "rustc $2 (stand-in)"; }

result() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
        echo "ok   $1"
    else
        failed=$((failed + 1))
        printf 'FAIL %s\n%s\n--- instead of\n%s\n' "$1" "$2" "$3"
    fi
}

needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
none="setup: needs Rust $needed or newer; this machine has none"

machine complete && with_cc && "$m/rust" "$needed.0" "$m/bin"
says "where all is there, nothing is said" 0 ""
asks "and nothing installed" ""

machine bare
says "a bare machine gets a C compiler, curl and rustup's Rust" 0 "setup: installing gcc libc6-dev
$none
setup: installing curl ca-certificates
setup: installing Rust with rustup into /home/.cargo
setup: to use it in your own shell: . /home/.cargo/env"
asks "as packages first, then by rustup" "install -y --no-install-recommends gcc libc6-dev
install -y --no-install-recommends curl ca-certificates
-y --quiet --profile minimal --no-modify-path"
uses "a build finds it, though PATH does not name it" 1.95.0
says "the second time, nothing is said" 0 ""

machine old && with_cc && with_curl && "$m/rust" 1.63.0 "$m/bin"
says "an old Rust is left alone, and rustup's comes beside it" 0 "setup: needs Rust $needed or newer; this machine has 1.63.0
setup: installing Rust with rustup into /home/.cargo
setup: to use it in your own shell: . /home/.cargo/env"
uses "a build takes the new one" 1.95.0

machine user && with_cc && with_curl && no_sudo
says "rustup needs no root" 0 "$none
setup: installing Rust with rustup into /home/.cargo
setup: to use it in your own shell: . /home/.cargo/env"

machine stale && with_cc && "$m/rust" 1.80.0 "$m/home/.cargo/bin"
program ../home/.cargo/bin/rustup 'case "$*" in
    *"toolchain install stable"*) echo "$*" >>"$M/asked"; "$M/rust" 1.95.0 "$M/stable" ;;
    "run stable "*) shift 2; PATH=$M/stable:$PATH; exec "$@" ;;
esac'
says "a rustup that is there installs its stable toolchain" 0 "$none
setup: installing rustup's stable toolchain"
asks "and nothing else" "--quiet toolchain install stable --profile minimal --no-self-update"
result "which is used, whatever its default is" "$(inside sh -c '. scripts/rust.sh; echo $RUSTUP_TOOLCHAIN')" stable

cut_off="setup: cannot reach rustup (Could not resolve host: sh.rustup.rs)"
machine packages && with_cc && with_curl && rustup_out_of_reach && with_curl
echo "rustc 1.97.1+dfsg1-1 forky/main" >"$m/archive"
says "without rustup, the distribution's Rust" 0 "$none
$cut_off
setup: installing rustc cargo"
uses "is used" 1.97.1

machine web && with_cc && rustup_out_of_reach && with_curl
printf '%s\n' "rustc 1.85.1+dfsg1-1+deb13u1 trixie/main" "rustc-web 1.96.0+dfsg1-1~deb13u1 trixie/main" >"$m/archive"
says "Debian's newer one beside its own" 0 "$none
$cut_off
setup: installing rustc-web cargo-web"

machine backports && with_cc && rustup_out_of_reach && with_curl
printf '%s\n' "rustc 1.85.1+dfsg1-1 trixie/main" "rustc 1.96.1+dfsg1-2~bpo13+1 trixie-backports/main" >"$m/archive"
says "the backports, where they are configured" 0 "$none
$cut_off
setup: installing rustc/trixie-backports cargo/trixie-backports"

machine versioned && with_cc && rustup_out_of_reach && with_curl
printf '%s\n' "rustc 1.75.0+dfsg0ubuntu1 noble/main" "rustc-1.89 1.89.0+dfsg noble/main" "rustc-1.91 1.91.1+dfsg noble/main" >"$m/archive"
says "Ubuntu's newest by its version" 0 "$none
$cut_off
setup: installing rustc-1.91 cargo-1.91"

machine hopeless && with_cc && rustup_out_of_reach && with_curl
printf '%s\n' "rustc 1.63.0+dfsg1-2 bookworm/main" "rustc-web 1.85.0+dfsg3-1 bookworm/main" >"$m/archive"
says "where all packages are too old, it says what is needed and where to get it" 1 "$none
$cut_off
setup: cannot install Rust $needed or newer: rustup failed, and the newest package here is rustc 1.85.0; install it from \
https://rustup.rs, then run this again"
asks "and installs nothing" ""

machine elsewhere && with_cc && rustup_out_of_reach && with_curl && rm "$m/bin/apt-get" "$m/bin/apt-cache"
says "the same where there is no apt-get" 1 "$none
$cut_off
setup: cannot install Rust $needed or newer: rustup failed; install it from https://rustup.rs, then run this again"

machine powerless && no_sudo
says "without root or sudo, it names the packages" 1 "setup: missing: gcc libc6-dev, which only root can \
install: sudo apt-get install gcc libc6-dev"
asks "and tries nothing" ""

machine bsd && rm "$m/bin/apt-get" "$m/bin/apt-cache"
says "and where there is no apt-get, so that one can find them" 1 "setup: missing: gcc libc6-dev (Debian's names); install \
them, then run this again"

machine sudo && no_sudo && rm "$m/bin/sudo"
program sudo '[ "$1" = -n ] || exit 1; shift; [ "$*" = true ] || echo sudo >>"$M/asked"; PATH=$M/bin exec "$@"'
program true 'exit 0'
says "with sudo it installs them" 0 "setup: installing gcc libc6-dev
$none
setup: installing curl ca-certificates
setup: installing Rust with rustup into /home/.cargo
setup: to use it in your own shell: . /home/.cargo/env"
result "through it" "$(grep -c sudo "$m/asked")" 3

tools="git shellcheck kill systemd-analyze pkg-config cmake make clang c++ valgrind abidiff pg_ctlcluster dbus-daemon desktop-file-validate"
machine tests && with_cc && "$m/rust" 1.95.0 "$m/bin" && no_sudo
packages="git shellcheck python3-venv procps systemd pkg-config cmake make clang g++ valgrind abigail-tools postgresql \
dbus-daemon desktop-file-utils"
says "what tests need is more" 1 "setup: missing: $packages, which only root can install: \
sudo apt-get install $packages" test

machine lints && with_cc && "$m/rust" 1.95.0 "$m/bin"
for tool in $tools rustup; do program "$tool" 'echo "$*" >>"$M/asked"'; done
program cargo 'exit 1'
program python3 'case "$*" in "-m venv .venv") mkdir -p .venv/bin; cp "$0" .venv/bin/python ;; esac'
mkdir "$m/tree/tests" && echo "pytest==1" >"$m/tree/tests/requirements.txt"
says "rustfmt and clippy by rustup, and .venv" 0 "setup: installing rustup's rustfmt and clippy
setup: making .venv" test
asks "which is there for a minimal toolchain" "--quiet component add rustfmt clippy"
mkdir -p "$m/usr/bin" && program ../usr/bin/rustfmt '' && program ../usr/bin/cargo-clippy ''
program rustc 'case $1 in --print) echo "$M/usr" ;; *) echo "rustc 1.95.0 (stand-in)" ;; esac'
says "once, and nothing is said then" 0 "" test

echo "setup: $passed passed, $failed failed"
[ "$failed" = 0 ]
