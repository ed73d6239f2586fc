#!/usr/bin/env python3
"""Records what the reference of the adaptive policy decides, as fixtures for tests/core/adaptive.rs.

    record_adaptive.py REFERENCE OUTPUT_DIR             # needs numpy
    record_adaptive.py REFERENCE OUTPUT_DIR AUTOSCALE   # records the product's own policy instead, by AUTOSCALE decide

REFERENCE is the folder of the Python program that the policy was ported from, which this repository does not hold:
simulate.py, adaptive_policy.py and traces/. Each run is a closed loop: the reference's target is
carried out by the simulator. What the reference is shown is spoilt on the way, as a service would: results come late, not
at all, twice, several in a second, as errors; a check lists only the newest ones; somebody else scales the app.

A fixture is a text file. Its first line: `interval`, `high_ms`, `slow_weight`, `boot_s`. Then one line a check:
`now dynos min max newest target result…`, where `newest` is how many of the newest results the check lists (`-`: all of
the last half hour) and each result is one that is listed from this check on: `age:ms` when it was up, `age:T` a time-out,
`age:E` an error. Ages are seconds before now.
"""
import json, os, random, subprocess, sys

bench, out = sys.argv[1], sys.argv[2]
product = sys.argv[3] if len(sys.argv) > 3 else None
sys.path.insert(0, bench)
import adaptive_policy  # noqa: E402
import simulate  # noqa: E402


class Product:
    """The policy as it is now, asked by lines; with the default settings."""

    def __init__(self, binary, interval):
        command = [binary, "decide", "--policy", "adaptive", "--interval", f"{interval:g}"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def decide(self, observation):
        self.process.stdin.write(json.dumps(observation) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["target"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Recorder:
    """The reference, its eyes clouded, and its answers written down."""

    def __init__(self, path, interval, seed, spoil, high, weight, boot, bounds):
        self.interval, self.spoil, self.bounds = interval, spoil, bounds
        self.rng = random.Random(seed)
        adaptive_policy.HIGH, adaptive_policy.SLOW_WEIGHT, adaptive_policy.BOOT = high, weight, 0.75 * boot
        self.reference = Product(product, interval) if product else adaptive_policy.Adaptive(interval)
        self.known, self.waiting, self.listed = 0.0, [], []
        self.file = open(path, "w")
        self.file.write(f"{interval:g} {high:g} {weight:g} {boot:g}\n")

    def arrive(self, now, samples):
        """Results taken since the last check, spoilt: each with the time from which it is listed."""
        rng, s = self.rng, self.spoil
        for t, ms, up in samples:
            if t <= self.known:
                continue
            up = ("timeout" if rng.random() < 0.5 else False) if not up else True
            if up is not True and rng.random() < s.get("error", 0):
                up = "error"
            if rng.random() < s.get("down", 0):
                up = rng.choice(["error", "timeout"])
            if rng.random() < s.get("missing", 0):
                continue
            at = float(int(t)) if s.get("seconds") else t
            copies = [(at, ms, up)]
            while rng.random() < s.get("dense", 0):                 # ten-second probes, several in one second
                copies.append((float(int(at - rng.choice([0, 0, 10, 20, 30]))), round(ms * rng.uniform(0.6, 1.7), 1), up))
            if rng.random() < s.get("double", 0):
                copies.append(copies[0])
            for c in copies:
                late = rng.expovariate(1 / 90.0) if rng.random() < s.get("late", 0) else 0.0
                self.waiting.append((now + late, c))
            self.known = max(self.known, t)
        new = [c for w, c in self.waiting if w <= now]
        self.waiting = [(w, c) for w, c in self.waiting if w > now]
        return new

    def decide(self, o):
        now, n, rng = o["now"], o["dynos"], self.rng
        new = self.arrive(now, o["samples"])
        self.listed = [q for q in self.listed + new if q[0] >= now - adaptive_policy.PERIOD]
        shown = sorted(self.listed, key=lambda q: q[0])
        newest = "-"
        if rng.random() < self.spoil.get("short", 0):
            # The newest by the one order of results, so that the test lists the same ones.
            kind = lambda q: "up" if q[2] is True else "error" if q[2] == "error" else "timeout"
            newest = rng.randrange(1, 12)
            shown = sorted(shown, key=lambda q: (q[0], q[1] if q[2] is True else 30000.0, kind(q)))[-newest:]
        rng.shuffle(shown)
        lo, hi = self.bounds
        if rng.random() < self.spoil.get("bounds", 0):
            hi = rng.randrange(lo, hi + 1)
        target = int(self.reference.decide({"now": now, "dynos": n, "min": lo, "max": hi, "samples": shown}))
        spelled = [f"{now - t:.10g}:" + (f"{ms:.10g}" if up is True else "E" if up == "error" else "T") for t, ms, up in new]
        self.file.write(" ".join([f"{now:g}", str(n), str(lo), str(hi), str(newest), str(target), *spelled]) + "\n")
        if rng.random() < self.spoil.get("hand", 0):
            return rng.randrange(1, 21)                             # somebody else scales it
        return target

    def close(self):
        self.file.close()
        if product:
            self.reference.close()


CLEAN = {}
MESSY = {"late": 0.15, "missing": 0.08, "double": 0.05, "short": 0.03, "error": 0.3, "seconds": True}
DENSE = {"dense": 0.7, "late": 0.1, "double": 0.05, "missing": 0.02, "seconds": True, "short": 0.02}
ROUGH = {"late": 0.3, "missing": 0.3, "double": 0.1, "short": 0.1, "error": 0.5, "down": 0.04, "hand": 0.01, "bounds": 0.02, "seconds": True}

#       name, trace, profile, seed, interval, minutes from, to, spoil, other settings
RUNS = [
    ("wc98-std", "d_wc98_jun14", "std", 0, 60, 0, 1440, CLEAN, {}),
    ("wc98-fast", "d_wc98_jun30", "fast", 1, 60, 600, 1640, CLEAN, {}),
    ("wc98-slow", "d_wc98_jun30", "slow", 2, 60, 0, 1200, MESSY, {}),
    ("nasa-std", "d_nasa_jul03", "std", 3, 60, 300, 1500, MESSY, {}),
    ("nasa-fast", "d_nasa_jul03", "fast", 4, 60, 2000, 3000, DENSE, {}),
    ("nasa-slow", "d_nasa_jul03", "slow", 5, 60, 3000, 4200, ROUGH, {}),
    ("aws-std", "d_aws_elb", "std", 6, 60, 0, 1440, MESSY, {}),
    ("aws-fast", "d_aws_elb", "fast", 7, 60, 1000, 2000, ROUGH, {}),
    ("aws-slow", "d_aws_elb", "slow", 8, 60, 1400, 2800, DENSE, {}),
    ("flash-std", "d_syn_flash", "std", 9, 60, 0, 1440, CLEAN, {}),
    ("flash-fast", "d_syn_flash", "fast", 10, 60, 1000, 2400, MESSY, {}),
    ("flash-slow", "d_syn_flash", "slow", 11, 60, 0, 1440, DENSE, {}),
    ("flash-rough", "d_syn_flash", "std", 12, 60, 1440, 2880, ROUGH, {}),
    ("weekly-std", "d_syn_weekly", "std", 13, 60, 2880, 4320, CLEAN, {}),
    ("weekly-slow", "d_syn_weekly", "slow", 14, 60, 6000, 7000, ROUGH, {}),
    ("five-wc98", "d_wc98_jun14", "std", 15, 300, 0, 2880, CLEAN, {}),
    ("five-nasa", "d_nasa_jul03", "slow", 16, 300, 0, 2880, MESSY, {}),
    ("five-flash", "d_syn_flash", "fast", 17, 300, 0, 2880, ROUGH, {}),
    ("five-weekly", "d_syn_weekly", "std", 18, 300, 4000, 6880, MESSY, {}),
    ("five-aws", "d_aws_elb", "std", 19, 300, 0, 2880, DENSE, {}),
    ("incident", "d_syn_weekly", "std", 20, 60, 2000, 2700, MESSY, {"incident": (14400, 17100, 2.5)}),
    ("incident-five", "d_nasa_jul03", "std", 21, 300, 0, 1440, CLEAN, {"incident": (14400, 21600, 3.0)}),
    ("blackout", "d_wc98_jun14", "std", 22, 60, 0, 900, MESSY, {"blackout": (14400, 16800)}),
    ("narrow", "d_wc98_jun14", "std", 23, 60, 0, 900, ROUGH, {"bounds": (3, 8)}),
    ("fixed", "d_syn_flash", "std", 24, 60, 0, 300, MESSY, {"bounds": (5, 5)}),
    ("quick", "d_aws_elb", "fast", 25, 60, 0, 900, MESSY, {"high": 800.0, "weight": 40.0, "boot": 20.0}),
    ("patient", "d_wc98_jun30", "slow", 26, 60, 0, 900, MESSY, {"high": 4000.0, "weight": 5.0, "boot": 120.0}),
]

# Of the product fewer: they are there to notice a change, not to prove a port.
OF_PRODUCT = ["wc98-std", "nasa-slow", "aws-slow", "flash-rough", "five-weekly", "incident"]

for name, trace, profile, seed, interval, start, end, spoil, other in RUNS:
    if product and name not in OF_PRODUCT:
        continue
    rate = simulate.load_trace(os.path.join(bench, "traces", "dev", trace + ".csv"), profile)[start:end]
    bounds = other.get("bounds", (1, 20))
    simulate.MIN_DYNOS, simulate.MAX_DYNOS = 1, 20
    recorder = Recorder(os.path.join(out, name + ".txt"), interval, seed, spoil, other.get("high", 2000.0),
                        other.get("weight", 15.0), other.get("boot", 60.0), bounds)
    simulate.simulate(rate, profile, recorder, seed, interval=interval, incident=other.get("incident"),
                      blackout=other.get("blackout"))
    print(name, flush=True)
