#!/bin/bash
# Runs the init.d script for real, in a folder of its own, as whoever runs this. The daemon is AUTOSCALE_BIN, the real
# binary (its configuration is AUTOSCALE_CONFIG, else one whose services are not there: the loop runs, its checks fail);
# without it, a stand-in. Prints a line a case and ends with a count.
set -uo pipefail

# Below nohup every process is started to ignore HUP, and a shell can't trap what it was started to ignore.
if [ -z "${HUP_IS_HEARD:-}" ] && env --default-signal=HUP true 2>/dev/null; then
    HUP_IS_HEARD=yes exec env --default-signal=HUP bash "$0" "$@"
fi

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
script=$root/autoscale-cli/deploy/init.d/heroku-autoscale
daemon=${AUTOSCALE_BIN:-$here/stand_in.sh}
dir=$(mktemp -d)
passed=0
failed=0
others=()

finish() {
    "$script" stop >/dev/null 2>&1
    for pid in "${others[@]}"; do kill "$pid" 2>/dev/null; done
    rm -rf "$dir"
}
trap finish EXIT

if [ -n "${AUTOSCALE_CONFIG:-}" ]; then
    cp "$AUTOSCALE_CONFIG" "$dir/config.ini"
else
    # Port 9 of this machine: nobody is there.
    cat >"$dir/config.ini" <<CONFIG
[HEROKU_INFOS]
api_key: none
app_name: shop
api_url: http://127.0.0.1:9
[PINGDOM_INFOS]
api_key: none
check_id: 1
api_url: http://127.0.0.1:9
CONFIG
fi
chmod 600 "$dir/config.ini"
# The real one keeps its lock there.
export HOME=$dir/home XDG_STATE_HOME=$dir/home/state
cat >"$dir/defaults" <<DEFAULTS
DAEMON=$daemon
CONFIG=$dir/config.ini
RUN_USER=
RUN_GROUP=
RUN_DIR=$dir/run
LOG_FILE=$dir/log/autoscale.log
STATE_DIRECTORY=$dir/state
START_WAIT=\${START_WAIT_OVERRIDE:-120}
STOP_WAIT=\${STOP_WAIT_OVERRIDE:-120}
DEFAULTS
export AUTOSCALE_DEFAULTS=$dir/defaults

# check NAME EXIT_CODE TEXT COMMAND…: the command ends with that code and prints that text.
check() {
    local name=$1 code=$2 text=$3 output got
    shift 3
    output=$("$@" 2>&1)
    got=$?
    if [ "$got" = "$code" ] && [[ $output == *"$text"* ]]; then
        passed=$((passed + 1))
        echo "ok   $name"
    else
        failed=$((failed + 1))
        echo "FAIL $name: exit code $got instead of $code, printed: $output"
    fi
}

# Waits for the command to succeed: two minutes, as for start and stop, on a machine that is busy.
soon() {
    for _ in $(seq 1200); do
        "$@" && return 0
        sleep 0.1
    done
    return 1
}

# A zombie that nobody has collected yet is not alive.
alive() { grep -q '^State:[[:space:]]*[A-WY]' "/proc/$1/status" 2>/dev/null; }
gone() { ! alive "$1"; }
own_pid() { cut -d' ' -f1 "$dir/run/started"; }
bystander() {
    sleep 900 &
    others+=($!)
}
stand_in() { [ -z "${AUTOSCALE_BIN:-}" ]; }

check "an unknown word is a usage error" 2 "Usage:" "$script" dance
check "status of what never ran is 3" 3 "does not run" "$script" status
check "stop of what never ran is no error" 0 "does not run" "$script" stop
check "reload of what does not run is 7" 7 "does not run" "$script" reload

mv "$dir/config.ini" "$dir/elsewhere.ini"
check "no configuration is 6" 6 "config.ini is not there" "$script" start
mv "$dir/elsewhere.ini" "$dir/config.ini"

check "start starts" 0 "started (pid" "$script" start
pid=$(own_pid)
check "the pid file names the process that runs" 0 "" test "$(cat "$dir/run/daemon/autoscale.pid")" = "$pid"
check "a second start starts nothing" 0 "already runs (pid $pid)" "$script" start
check "status says the pid" 0 "runs (pid $pid)" "$script" status
check "reload reaches the process" 0 "told to read" "$script" reload
check "and it goes on" 0 "" alive "$pid"
check "having seen the signal" 0 "" soon grep -q reloaded "$dir/log/autoscale.log"
check "restart ends the old one and starts another" 0 "started (pid" "$script" restart
check "the old one is gone" 0 "" gone "$pid"
check "the new one has another pid" 1 "" test "$(own_pid)" = "$pid"
pid=$(own_pid)
check "stop stops" 0 "stopped" "$script" stop
check "nothing is left running" 0 "" gone "$pid"
check "nor a pid file" 1 "" test -e "$dir/run/daemon/autoscale.pid"

# A process that was killed, and whose pid went to somebody else since.
"$script" start >/dev/null
pid=$(own_pid)
kill -9 "$pid"
soon gone "$pid"
check "status after kill -9 is 1" 1 "left a pid file" "$script" status
bystander
read -r _ ticks boot <"$dir/run/started"
echo "${others[-1]} $ticks $boot" >"$dir/run/started"
echo "${others[-1]}" >"$dir/run/daemon/autoscale.pid"
check "a pid handed to another process is not ours" 1 "does not run" "$script" status
check "nor is it reloaded" 7 "does not run" "$script" reload
check "nor killed" 0 "does not run" "$script" stop
check "the bystander lives" 0 "" alive "${others[-1]}"

mkdir -p "$dir/run/daemon"
echo "${others[-1]}" >"$dir/run/daemon/autoscale.pid"
check "a pid file that somebody else wrote is not believed" 0 "started (pid" "$script" restart
check "its process lives" 0 "" alive "${others[-1]}"
pid=$(own_pid)
sed -i 's/[^ ]*$/another-boot/' "$dir/run/started"
check "a record of an earlier boot is not believed" 1 "does not run" "$script" status
"$script" stop >/dev/null
check "so that what it names is left alone" 0 "" alive "$pid"
kill "$pid"
# It holds the lock of its app until then.
soon gone "$pid"

printf 'nonsense\n' >"$dir/run/started"
check "a record that is no record is not believed" 1 "does not run" "$script" status
"$script" stop >/dev/null

mkdir -m 0755 "$dir/shared-log"
sed -i "s#^LOG_FILE=.*#LOG_FILE=$dir/shared-log/autoscale.log#" "$dir/defaults"
check "a folder that is there already" 0 "started (pid" "$script" start
check "stays as it is" 0 "755" stat -c %a "$dir/shared-log"
"$script" stop >/dev/null

"$script" start >/dev/null
pid=$(own_pid)
if stand_in; then
    check "restart under a refused configuration is 6" 6 "app_name: is missing" env STAND_IN=refuse "$script" restart
else
    cp "$dir/config.ini" "$dir/good.ini"
    sed -i '/check_id/d' "$dir/config.ini"
    check "restart under a refused configuration is 6" 6 "[PINGDOM_INFOS] check_id: " "$script" restart
    mv "$dir/good.ini" "$dir/config.ini"
fi
check "and the old one goes on" 0 "runs (pid $pid)" "$script" status
"$script" stop >/dev/null

if ! stand_in; then
    sed -i '/app_name/d' "$dir/config.ini"
    check "a refused configuration is 6 and says why" 6 "[HEROKU_INFOS] app_name: " "$script" start
    check "and leaves nothing behind" 3 "does not run" "$script" status
else
    check "a refused configuration is 6 and says why" 6 "app_name: is missing" env STAND_IN=refuse "$script" start
    check "and leaves nothing behind" 3 "does not run" "$script" status
    STAND_IN=deaf "$script" start >/dev/null
    pid=$(own_pid)
    check "what does not end in time is killed" 0 "killing it" env STOP_WAIT_OVERRIDE=1 "$script" stop
    check "and gone" 0 "" gone "$pid"
fi

echo "init.d: $passed passed, $failed failed"
[ "$failed" = 0 ]
