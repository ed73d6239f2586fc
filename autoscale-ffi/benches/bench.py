"""What Python adds to a decision on a numpy buffer of 1440 results: bench.py NS_IN_C."""

import sys
import time

import autoscale
import numpy

N, TIMES = 1440, 20
config = autoscale.Config.from_ini(
    "[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\npingdom_check_period: 10080\n"
)
policy = autoscale.Policy(config)
i = numpy.arange(N, dtype=numpy.int64)
seen = {
    "time_s": 1_700_000_000 - 60 * (N - 1 - i),
    "response_time_ms": 900.0 + i * 7919 % 100,
    "status": numpy.ones(N, dtype=numpy.uint8),
}
best = float("inf")
for _ in range(500):
    start = time.perf_counter_ns()
    for _ in range(TIMES):
        policy.decide(now=1_700_000_000, dynos=2, **seen)
    best = min(best, (time.perf_counter_ns() - start) / TIMES)
in_c = float(sys.argv[1])
print(f"python {N} {best:15.0f} ns   in C {in_c:.0f} ns: {(best - in_c) / 1000:.1f} µs more (goal: 8)")
