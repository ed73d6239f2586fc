"""What the tests share: a configuration, results, a world to scale."""

import threading

import autoscale
import pytest

NOW = 1_700_000_000
# Longer than anything takes on a machine that is busy, in seconds.
LONG = 120


@pytest.fixture
def config():
    return autoscale.Config.from_ini("[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\nmax_dynos: 10\n")


def results(n, ms, now=NOW):
    """n results, one a minute, the newest now."""
    return {"time_s": [now - 60 * (n - 1 - i) for i in range(n)], "response_time_ms": [ms] * n}


class World:
    """A metric and a target."""

    def __init__(self, dynos=2, ms=3000):
        self.dynos, self.ms, self.scaled, self.threads = dynos, ms, [], set()

    def metric(self, from_s, to_s):
        self.threads.add(threading.get_ident())
        assert to_s - from_s == 1800
        return [(to_s - 60 * i, self.ms) for i in range(10)]

    def read(self):
        return self.dynos

    def scale(self, quantity):
        self.dynos = quantity
        self.scaled.append(quantity)


@pytest.fixture
def world():
    return World()
