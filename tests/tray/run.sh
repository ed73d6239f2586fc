#!/bin/bash
# What is no Rust in the tray: its desktop entries; and that its tree is free of GTK and X on Linux.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/rust.sh

[ "$(uname -s)" = Linux ] || { echo "the tray's desktop entries (they are for Linux)" >>"${LEFT_OUT:-/dev/null}"; exit 0; }

desktop-file-validate tray-app/desktop/*.desktop
grep -qx 'Exec=/usr/local/bin/autoscale-tray --autostart' tray-app/desktop/autoscale-tray-autostart.desktop ||
    { echo "tests/tray: the tray that starts with the desktop has a word for those who have no configuration" >&2; exit 1; }

tree=$("${CARGO:-cargo}" tree --locked --package tray-app --edges normal --prefix none --format '{p}')
grep -q '^ksni ' <<<"$tree" || { echo "tests/tray: the list of dependencies is empty or cut" >&2; exit 1; }
if found=$(grep -E '^(gtk|gdk|glib|tao|x11|xcb|libappindicator|muda|winit)' <<<"$tree"); then
    echo "tests/tray: a GUI library is in the tray's tree:" >&2
    echo "$found" >&2
    exit 1
fi
[ "$(awk '$1 == "zbus" { print $2 }' <<<"$tree" | sort -u | wc -l)" = 1 ] || { echo "tests/tray: there is more than one zbus" >&2; exit 1; }
cli=$("${CARGO:-cargo}" tree --locked --package autoscale-cli --edges normal --prefix none --format '{p}')
if grep -E '^(ksni|zbus|notify-rust|tray-icon) ' <<<"$cli"; then
    echo "tests/tray: the command line has a part of the desktop in its tree" >&2
    exit 1
fi
echo "tray: desktop entries are valid; one bus library, no GUI library"
