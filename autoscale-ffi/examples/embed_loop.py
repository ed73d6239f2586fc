"""The whole loop in a program of yours, with a metric and a target of your own: here a pool of workers that gets slow when
it is too small, and is scaled until it is not.

    python embed_loop.py 5                           # seconds to run
"""

import sys
import time

import autoscale

INI = """
[HEROKU_INFOS]
app_name: pool
[AUTOSCALE_SETTINGS]
min_dynos: 2
max_dynos: 8
check_frequency: 1
"""


class Pool:
    """Your target: an instance group, a process table."""

    def __init__(self, workers, load):
        self.workers, self.load, self.changed_at = workers, load, None

    def read(self):
        return self.workers, self.changed_at

    def scale(self, quantity):
        self.workers, self.changed_at = quantity, int(time.time())
        print(f"scaled the pool to {quantity}")

    def response_times(self, from_s, to_s):
        """Your metric: (time, ms), or (time, ms, SampleStatus)."""
        ms = 4000 if self.load > self.workers else 800
        return [(at, ms) for at in range(from_s, to_s + 1, 60)]


def main(seconds):
    pool = Pool(workers=2, load=3.2)
    config = autoscale.Config.from_ini(INI)
    # Leaving the block stops the loop. What on_event or log raise would end it too, and come out of the block; what the
    # metric or the target raises is a failed check, which an event tells, and the next one tries again.
    with autoscale.Autoscaler(config, metric=pool.response_times, target=pool) as scaler:
        scaler_ends = time.monotonic() + seconds
        for event in scaler.events(timeout=seconds):  # or on_event=…, on the loop's thread
            print(event.text)
            if time.monotonic() > scaler_ends:
                break


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 5)
