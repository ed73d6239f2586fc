"""Prometheus as the metric source: a range query gives the response times that the loop decides on.

    python prometheus_source.py --url http://prometheus:9090 --dynos 3 \\
        --query 'histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket{app="shop"}[1m])))'

Prints what it would do; `--every` and a target of yours make a loop of it (embed_loop.py, kubernetes_target.py).
"""

import argparse
import json
import sys
import time
import urllib.parse
import urllib.request

import autoscale


class Prometheus:
    """Response times from a range query whose values are seconds."""

    def __init__(self, url, query, step_s=60):
        self.url, self.query, self.step_s = url.rstrip("/"), query, step_s

    def __call__(self, from_s, to_s):
        parameters = {"query": self.query, "start": from_s, "end": to_s, "step": self.step_s}
        url = f"{self.url}/api/v1/query_range?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            found = json.load(answer)
        if found["status"] != "success":
            raise RuntimeError(f"Prometheus: {found.get('error', 'no result')}")
        # One series is expected; a query that gives several is better made one by Prometheus itself.
        return [
            (int(float(at)), float(seconds) * 1000)  # "NaN" where there was no request: no measurement
            for series in found["data"]["result"]
            for at, seconds in series["values"]
        ]


class Fixed:
    """A target that is only looked at."""

    def __init__(self, dynos):
        self.dynos = dynos

    def read(self):
        return self.dynos

    def scale(self, quantity):
        raise AssertionError("a dry run scales nothing")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--url", required=True)
    options.add_argument("--query", required=True)
    options.add_argument("--dynos", type=int, required=True, help="how many there are now")
    options.add_argument("--max", type=int, default=10)
    options.add_argument("--every", type=float, help="seconds between two looks; without it, one")
    given = options.parse_args()
    config = autoscale.Config.from_ini(
        f"[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\nmax_dynos: {given.max}\ndebug: yes\n"
    )
    scaler = autoscale.Autoscaler(config, metric=Prometheus(given.url, given.query), target=Fixed(given.dynos))
    while True:
        try:
            print(scaler.check_once(), flush=True)
        except Exception as error:  # of the query, as it was raised, or of the library
            said = f"no decision: {type(error).__name__}: {error}"
            if not given.every:
                sys.exit(said)
            print(said, file=sys.stderr, flush=True)
        if not given.every:
            break
        time.sleep(given.every)


if __name__ == "__main__":
    main()
