#!/bin/sh
# Stands in for `autoscale run` where the init.d script is tested without a build: writes the pid file, notes reloads
# in the log file, ends on TERM. STAND_IN=refuse: a bad configuration. STAND_IN=deaf: does not end on TERM.
# `check-config` says what `run` would, where it refuses.
command=$1
while [ $# -gt 0 ]; do
    case $1 in
        --pid-file) pid_file=$2 ;;
        --log-file) log_file=$2 ;;
    esac
    shift
done
if [ "${STAND_IN:-}" = refuse ]; then
    echo "config.ini:2: [HEROKU_INFOS] app_name: is missing" >&2
    exit 2
fi
[ "$command" != check-config ] || exit 0
trap 'echo reloaded >>"$log_file"' HUP
if [ "${STAND_IN:-}" = deaf ]; then
    trap 'echo deaf >>"$log_file"' TERM
else
    trap 'rm -f "$pid_file"; echo stopped >>"$log_file"; exit 0' TERM
fi
echo started >>"$log_file"
echo $$ >"$pid_file"
# Ends by itself, should a test forget it.
ticks=0
while [ "$ticks" -lt 9000 ]; do
    ticks=$((ticks + 1))
    sleep 0.1
done
