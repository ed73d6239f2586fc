"""Decides on recorded results: what would the app have needed at each check?

    python decide_csv.py shop.ini results.csv 3      # 3 dynos at the start

A line of the CSV is time,ms,status: unix seconds, milliseconds, up, timeout, error or dropped; in the order of time. A
line of names above them is skipped, and so are lines that begin with #.
"""

import sys
from array import array

import autoscale

EVERY_S = 300  # a check each five minutes


def read_results(path):
    """The columns: times, response times, status. Arrays go to the library without a copy."""
    time_s, ms, status = array("q"), array("d"), array("B")
    first = True
    with open(path, encoding="utf-8-sig", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if line.startswith("#") or not line.strip():
                continue
            fields = [field.strip() for field in line.split(",")]
            names = first and not fields[0].isdecimal() and fields[-1].upper() not in autoscale.SampleStatus.__members__
            first = False
            if names:
                continue
            try:
                when, took, what = fields
                when, took, what = int(when), float(took or "nan"), autoscale.SampleStatus[what.upper()]
                if time_s and when < time_s[-1]:
                    raise ValueError("earlier than the line before")
                time_s.append(when)
            except (ValueError, OverflowError, KeyError) as error:
                raise ValueError(f"{path}:{number}: {line.strip()!r} is no time,ms,status: {error}") from error
            ms.append(took)
            status.append(what)
    if not time_s:
        raise ValueError(f"{path}: no results: a line of it is time,ms,status")
    return time_s, ms, status


def main(config_path, results_path, dynos):
    config = autoscale.Config.from_file(config_path)
    for warning in config.warnings:
        print(warning, file=sys.stderr)
    time_s, ms, status = read_results(results_path)
    policy = autoscale.Policy(config)
    changed_at = None
    for now in range(time_s[0] + EVERY_S, time_s[-1] + EVERY_S, EVERY_S):
        seen = sum(1 for at in time_s if at <= now)
        decision = policy.decide(
            now=now,
            dynos=dynos,
            changed_at=changed_at,
            interval=EVERY_S,
            time_s=memoryview(time_s)[:seen],
            response_time_ms=memoryview(ms)[:seen],
            status=memoryview(status)[:seen],
        )
        print(now, decision)
        if decision.target != dynos:
            dynos, changed_at = decision.target, now


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: decide_csv.py CONFIG RESULTS DYNOS")
    try:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    except (autoscale.AutoscaleError, OSError, ValueError) as error:
        sys.exit(str(error))
