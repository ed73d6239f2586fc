"""What a signal handler raises comes out of the call that it came in, and no call tells what did not happen."""

import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
from autoscale import Autoscaler, EventKind
from conftest import LONG, World

SIGNALS = 10_000 if os.environ.get("AUTOSCALE_SOAK") else 1_000


class Interrupted(BaseException):
    """What the handler raises, as Ctrl-C does."""


class Signals:
    """Signals at random moments, one after another, each raised at most once. The handler raises only while a call is
    under way: what it raised before or after would come out of the test itself."""

    def __init__(self, seed):
        self.random, self.armed, self.raised, self.over = random.Random(seed), False, 0, False
        self.main = threading.get_ident()
        self.before = signal.signal(signal.SIGUSR1, self.handle)
        self.thread = threading.Thread(target=self.send)
        self.thread.start()

    def handle(self, *_):
        if self.armed:
            self.armed = False
            self.raised += 1
            raise Interrupted

    def send(self):
        while not self.over:
            time.sleep(self.random.random() * 0.002)
            if self.armed:
                signal.pthread_kill(self.main, signal.SIGUSR1)

    def end(self):
        self.over = True
        self.thread.join()
        signal.signal(signal.SIGUSR1, self.before)


@pytest.fixture
def signals():
    signals = Signals(7)
    yield signals
    signals.end()


def test_no_signal_is_lost_and_no_change_told_that_was_not_made(config, signals):
    caught, completed, worlds = 0, 0, []
    while signals.raised < SIGNALS:
        world = World()
        scaler = Autoscaler(config, metric=world.metric, target=world)
        try:
            signals.armed = True
            decision = scaler.check_once()
            signals.armed = False
            completed += 1
            assert (decision.dynos, decision.target, world.scaled) == (2, 4, [4])
        except Interrupted:
            caught += 1
        # Waits for a check that goes on without its caller; one that had not begun is not made.
        scaler.close()
        worlds.append((world, list(world.scaled)))
    assert all(world.scaled == after in ([], [4]) for world, after in worlds), "nothing runs after close()"
    assert caught == signals.raised and completed > 0


def test_a_signal_during_stop_loses_nothing(config, signals):
    caught = 0
    while signals.raised < SIGNALS // 10:
        world, heard = World(), []
        scaler = Autoscaler(config, metric=world.metric, target=world, on_event=lambda event: heard.append(event.kind))
        scaler.start()
        for call in (scaler.check_now, scaler.stop):
            try:
                signals.armed = True
                call()
                signals.armed = False
            except Interrupted:
                caught += 1
            else:
                assert call != scaler.stop or heard[-1] is EventKind.STOPPED
        scaler.close()
        assert heard[-1] is EventKind.STOPPED
    assert caught == signals.raised


def test_a_signal_while_events_are_awaited_loses_nothing(config, world, signals):
    caught = 0
    with Autoscaler(config, metric=world.metric, target=world) as scaler:
        while signals.raised < SIGNALS // 10:
            try:
                signals.armed = True
                for _ in scaler.events(timeout=0.01):
                    pass
                signals.armed = False
            except Interrupted:
                caught += 1
        scaler.check_now()
        assert next(scaler.events(timeout=LONG)).kind is EventKind.CHECKED
    assert caught == signals.raised and not scaler._callbacks.waiting


def test_ctrl_c_leaves_a_check_that_blocks_at_once(config, world):
    inside, go = threading.Event(), threading.Event()

    def metric(from_s, to_s):
        inside.set()
        assert go.wait(LONG)
        return world.metric(from_s, to_s)

    def press():
        assert inside.wait(LONG)
        os.kill(os.getpid(), signal.SIGINT)

    scaler = Autoscaler(config, metric=metric, target=world)
    pressing = threading.Thread(target=press)
    pressing.start()
    with pytest.raises(KeyboardInterrupt):
        scaler.check_once()
    assert not go.is_set() and world.scaled == []
    go.set()
    pressing.join()
    scaler.close()
    assert world.scaled == [4]


def test_sigterm_with_sys_exit_ends_the_program(config):
    before = signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(SystemExit(7)))
    try:
        world = World()
        world.read = lambda: os.kill(os.getpid(), signal.SIGTERM) or time.sleep(0.2) or 2
        with pytest.raises(SystemExit) as raised:
            Autoscaler(config, metric=world.metric, target=world).check_once()
        assert raised.value.code == 7
    finally:
        signal.signal(signal.SIGTERM, before)


# What sleeps as Python goes down leaves a thread that was forgotten the time to call into it.
LEAVES = """
import os, signal, sys, time
from autoscale import Autoscaler, Config

class Last:
    def __del__(self, sleep=time.sleep):
        sleep(0.5)

class Target:
    def read(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(100):
            time.sleep(0.01)
        return 2

    def scale(self, quantity):
        print("scaled to", quantity, flush=True)

def metric(from_s, to_s):
    return [(to_s - 60 * i, 3000) for i in range(10)]

last = Last()
config = Config.from_ini("[HEROKU_INFOS]\\napp_name: shop\\n[AUTOSCALE_SETTINGS]\\nmax_dynos: 10\\n")
scaler = Autoscaler(config, metric=metric, target=Target())
try:
    scaler.check_once()
except KeyboardInterrupt:
    print("interrupted", flush=True)
if sys.argv[1] == "dropped":
    del scaler
"""


@pytest.mark.parametrize("scaler", ["dropped", "held"])
def test_a_program_that_ends_after_ctrl_c_waits_for_the_check_under_way(scaler):
    done = subprocess.run([sys.executable, "-c", LEAVES, scaler], text=True, capture_output=True, timeout=LONG)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\nscaled to 4\n", "")
