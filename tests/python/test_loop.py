"""The loop: own source and target, events, exceptions, threads."""

import copy
import gc
import os
import pickle
import subprocess
import sys
import threading
import time
import weakref

import autoscale
import numpy
import pytest
from autoscale import Autoscaler, EventKind, Outcome, Reason
from conftest import LONG, World


def until(true):
    end = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


def alone(program, *arguments):
    """What a program says that runs by itself: a fault of memory would end it. Its Python has debugging checks on."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", PRELUDE + program, *arguments], text=True, capture_output=True, timeout=10 * LONG
    )
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout


PRELUDE = """
import gc, sys, threading, time
import autoscale
from autoscale import Autoscaler, EventKind
config = autoscale.Config.from_ini("[HEROKU_INFOS]\\napp_name: shop\\n")
class Target:
    def read(self): return 2
    def scale(self, quantity): pass
def metric(from_s, to_s): return [(to_s - 60 * i, 3000) for i in range(5)]
"""


def test_one_check_scales_the_target(config, world):
    scaler = Autoscaler(config, metric=world.metric, target=world)
    assert scaler.check_once().target == 4
    assert world.scaled == [4]
    assert scaler.check_once().reason is Reason.SETTLING
    # No callback runs on a thread that signals reach.
    assert threading.get_ident() not in world.threads


def test_events_come_by_callback_and_by_iterator(config, world):
    heard, said = [], []
    log = lambda level, text: said.append((level, text))  # noqa: E731
    with Autoscaler(config, metric=world.metric, target=world, on_event=heard.append, log=log) as scaler:
        seen = []
        for event in scaler.events(timeout=LONG):
            seen.append(event)
            if event.kind is EventKind.CHECKED:
                scaler.request_stop()
    assert [event.kind for event in seen] == [EventKind.STARTED, EventKind.CHECKED, EventKind.STOPPED]
    assert heard == seen
    checked = seen[1]
    assert (checked.outcome, checked.applied, checked.decision.target) == (Outcome.SCALED, 4, 4)
    assert checked.data["event"] == "checked" and checked.data["applied"] == 4
    assert checked.text.startswith("shop web: 2 → 4 dynos: too slow")
    assert (autoscale.LogLevel.INFO, checked.text) in said
    assert threading.get_ident() not in world.threads


def test_after_the_block_no_callback_runs(config, world):
    heard = []
    with Autoscaler(config, metric=world.metric, target=world, on_event=heard.append) as scaler:
        scaler.check_now()
    before = len(heard)
    assert heard[-1].kind is EventKind.STOPPED
    time.sleep(0.05)
    assert len(heard) == before
    scaler.close()
    with pytest.raises(ValueError, match="closed"):
        scaler.check_once()


def test_what_a_callback_raises_comes_out_of_check_once(config, world):
    class Odd(Exception):
        pass

    def broken(from_s, to_s):
        raise Odd("no route")

    with pytest.raises(Odd, match="no route"):
        Autoscaler(config, metric=broken, target=world).check_once()

    class NoTarget(World):
        def scale(self, quantity):
            raise Odd("quota")

    with pytest.raises(Odd, match="quota"):
        Autoscaler(config, metric=world.metric, target=NoTarget()).check_once()
    with pytest.raises(autoscale.InvalidArgumentError, match="status is 9"):
        Autoscaler(config, metric=lambda a, b: [(b, 1, 9)], target=world).check_once()


def test_a_source_that_raises_is_a_failed_check_of_the_loop(config, world):
    calls = []

    def broken(from_s, to_s):
        calls.append(1)
        raise OSError("no route")

    with Autoscaler(config, metric=broken, target=world) as scaler:
        for event in scaler.events(timeout=LONG):
            if event.kind is EventKind.CHECK_FAILED:
                assert "OSError: no route" in event.text
                if event.failed_in_a_row == 2:
                    break
                scaler.check_now()
    assert world.scaled == [] and len(calls) >= 2


def test_what_a_listener_raises_ends_the_loop_and_comes_out(config, world):
    def listener(event):
        raise KeyError(event.kind.name)

    with pytest.raises(KeyError, match="STARTED"):
        with Autoscaler(config, metric=world.metric, target=world, on_event=listener) as scaler:
            for _ in scaler.events(timeout=LONG):
                pass


def test_stop_inside_a_callback_is_refused(config, world):
    refused = []

    def listener(event):
        if event.kind is EventKind.CHECKED:
            with pytest.raises(autoscale.ReentrantError) as caught:
                scaler.stop()
            refused.append(caught.value.status)
            scaler.request_stop()

    scaler = Autoscaler(config, metric=world.metric, target=world, on_event=listener)
    with scaler:
        list(scaler.events(timeout=LONG))
    assert refused == [6]


def test_a_loop_is_started_once_and_can_be_started_again(config, world):
    scaler = Autoscaler(config, metric=world.metric, target=world)
    with pytest.raises(autoscale.StateError):
        scaler.pause()
    for _ in range(3):
        scaler.start()
        with pytest.raises(autoscale.StateError):
            scaler.start()
        with pytest.raises(autoscale.StateError):
            scaler.check_once()
        scaler.stop()
        scaler.stop()


def test_pause_resume_and_dry_run(config, world):
    scaler = Autoscaler(config, metric=world.metric, target=world)
    scaler.set_dry_run(True)
    with scaler:
        events = scaler.events(timeout=LONG)
        kinds = {next(events).kind for _ in range(2)}
        scaler.pause()
        assert next(events).kind is EventKind.PAUSED
        scaler.resume()
        kinds |= {next(events).kind for _ in range(2)}
        assert kinds == {EventKind.STARTED, EventKind.CHECKED, EventKind.RESUMED}
    assert world.scaled == []


def test_without_keys_the_built_in_source_says_what_is_missing(config):
    with pytest.raises(autoscale.ConfigError):
        Autoscaler(config).check_once()


def test_one_that_nobody_holds_ends_by_itself(config, world):
    heard = []
    scaler = Autoscaler(config, metric=world.metric, target=world, on_event=heard.append)
    scaler.start()
    del scaler
    until(lambda: heard and heard[-1].kind is EventKind.STOPPED)


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_child_process_can_not_use_it_but_can_have_its_own(config, world):
    scaler = Autoscaler(config, metric=world.metric, target=world)
    child = os.fork()
    if child == 0:
        try:
            scaler.check_once()
        except autoscale.ForkedError:
            own = World()
            os._exit(0 if Autoscaler(config, metric=own.metric, target=own).check_once().target == 4 else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_state_of_an_app_is_kept_and_locked(tmp_path, world):
    config = autoscale.Config.from_ini(
        f"[HEROKU_INFOS]\napp_name: shop-{os.getpid()}\n[AUTOSCALE_SETTINGS]\nstate_dir: {tmp_path}\n"
    )
    first = Autoscaler(config, metric=world.metric, target=world)
    assert first.check_once().target == 4
    with pytest.raises(autoscale.LockedError, match="another instance"):
        Autoscaler(config)
    first.close()
    again = Autoscaler(config, metric=world.metric, target=world)
    assert again.check_once().reason is Reason.SETTLING
    again.close()


def test_the_last_reference_may_go_inside_a_callback():
    assert alone("""
for round in range(20):
    box, gone = [], threading.Event()
    def listener(event):
        if event.kind is EventKind.CHECKED:
            box.clear()
            gone.set()
            time.sleep(0.03)
    box.append(Autoscaler(config, metric=metric, target=Target(), on_event=listener, log=lambda level, text: None))
    box[0].start()
    gone.wait()
    del listener
    for _ in range(20):
        gc.collect()
        time.sleep(0.002)
print("survived")
""") == "survived\n"


def test_close_inside_a_callback_is_refused_and_leaves_all_as_it_is(config, world):
    refused, heard, left, go = [], [], [], threading.Event()

    def listener(event):
        heard.append((event.kind, bool(left)))
        if event.kind is EventKind.CHECKED and not refused:
            with pytest.raises(autoscale.ReentrantError) as caught:
                scaler.close()
            refused.append(caught.value)
            scaler.check_now()
            go.set()
            time.sleep(0.1)

    with Autoscaler(config, metric=world.metric, target=world, on_event=listener) as scaler:
        assert go.wait(LONG)
        # A stop waits for that callback, and finds the handle still there.
        scaler.stop()
        scaler.start()
    left.append(True)
    time.sleep(0.05)
    assert heard[-1] == (EventKind.STOPPED, False) and refused


def test_close_that_a_listener_let_out_is_raised_and_it_is_closed(config, world):
    scaler = Autoscaler(config, metric=world.metric, target=world, on_event=lambda event: scaler.close())
    scaler.start()
    list(scaler.events(timeout=LONG))
    with pytest.raises(autoscale.ReentrantError):
        scaler.close()
    with pytest.raises(ValueError, match="closed"):
        scaler.stop()


METHODS = ["check_now", "request_stop", "check_once", "set_dry_run", "pause", "stop", "close", "start"]


@pytest.mark.parametrize("method", METHODS)
def test_a_call_may_meet_a_close_on_another_thread(method):
    assert alone("""
sys.setswitchinterval(1e-6)
method = sys.argv[1]
def calls(scaler):
    try:
        for _ in range(100000):
            try:
                getattr(scaler, method)(*([True] if method == "set_dry_run" else []))
            except autoscale.StateError:
                pass
    except ValueError as error:
        assert "closed" in str(error), error
for round in range(40):
    scaler = Autoscaler(config, metric=metric, target=Target())
    if method != "check_once":
        scaler.start()
    threads = [threading.Thread(target=calls, args=(scaler,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.001)
    scaler.close()
    if method == "close":
        break
    for thread in threads:
        thread.join()
print("survived")
""", method) == "survived\n"


def test_what_is_in_flight_ends_before_the_handle_goes(config, world):
    inside, go, decided = threading.Event(), threading.Event(), []

    def metric(from_s, to_s):
        inside.set()
        assert go.wait(LONG)
        return world.metric(from_s, to_s)

    scaler = Autoscaler(config, metric=metric, target=world)
    checking = threading.Thread(target=lambda: decided.append(scaler.check_once()))
    checking.start()
    assert inside.wait(LONG)
    closing = threading.Thread(target=scaler.close)
    closing.start()
    closing.join(0.05)
    assert closing.is_alive()
    go.set()
    closing.join()
    checking.join()
    assert decided[0].target == 4 and scaler._callbacks.freed


def test_the_last_call_to_leave_frees(config, world):
    scaler = Autoscaler(config, metric=world.metric, target=world)
    with scaler._callbacks:
        scaler.close()
        with pytest.raises(ValueError, match="closed"):
            scaler.check_once()
        assert not scaler._callbacks.freed
    assert scaler._callbacks.freed


def test_a_closed_one_has_no_events_and_does_not_start(config, world):
    scaler = Autoscaler(config, metric=world.metric, target=world)
    waiting = threading.Thread(target=lambda: list(scaler.events()))
    scaler.start()
    waiting.start()
    scaler.close()
    waiting.join(LONG)
    assert not waiting.is_alive()
    for refused in (scaler.start, scaler.stop, scaler.check_now, scaler.__enter__):
        with pytest.raises(ValueError, match="closed"):
            refused()
    list(scaler.events())
    scaler.close()


def test_a_start_that_is_refused_leaves_events_as_they_were(config, world):
    scaler = Autoscaler(config)
    with pytest.raises(autoscale.AutoscaleError):
        scaler.start()
    assert list(scaler.events()) == []


class NoWords(Exception):
    def __str__(self):
        raise ValueError("no text")


ODD = [RuntimeError("kubectl: \udcff"), NoWords(), RuntimeError("a\0b"), KeyboardInterrupt("\ud800")]


@pytest.mark.parametrize("error", ODD, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("where", ["metric", "read", "scale"])
def test_an_exception_with_odd_words_is_a_failure_all_the_same(config, world, where, error):
    def fails(*_):
        raise error

    if where != "metric":
        setattr(world, where, fails)
    metric = fails if where == "metric" else world.metric
    scaler = Autoscaler(config, metric=metric, target=world)
    with pytest.raises(type(error)) as raised:
        scaler.check_once()
    assert raised.value is error
    with scaler:
        for event in scaler.events(timeout=LONG):
            if event.kind in (EventKind.CHECKED, EventKind.CHECK_FAILED):
                assert event.outcome in (None, Outcome.FAILED)
                break
    assert world.scaled == []


@pytest.mark.parametrize("error", ODD, ids=lambda error: type(error).__name__)
def test_a_listener_with_odd_words_ends_the_loop(config, world, error):
    def listener(*_):
        raise error

    for listening in ({"on_event": listener}, {"log": listener}):
        scaler = Autoscaler(config, metric=world.metric, target=world, **listening)
        scaler.start()
        list(scaler.events(timeout=LONG))
        with pytest.raises(type(error)):
            scaler.close()
    with pytest.raises(type(error)):
        Autoscaler(config, metric=world.metric, target=world, log=listener).check_once()


def test_errors_of_one_thread_do_not_come_out_on_another(config, world):
    inside, go, out = threading.Event(), threading.Event(), []

    def broken(from_s, to_s):
        inside.set()
        assert go.wait(LONG)
        raise OSError("no route")

    scaler = Autoscaler(config, metric=broken, target=world)

    def check():
        with pytest.raises(OSError, match="no route") as raised:
            scaler.check_once()
        out.append(raised.type)

    thread = threading.Thread(target=check)
    thread.start()
    assert inside.wait(LONG)
    with pytest.raises(autoscale.StateError):
        scaler.check_once()
    go.set()
    thread.join()
    assert out == [OSError]


@pytest.mark.parametrize(
    "result", [(2**70, 3.0), (0, 3.0, 257), (0, 3.0, -255), (float("nan"), 3), ("0", 3), (1, 2, 1, 4), (1,), 1], ids=str
)
def test_a_result_that_is_none_is_refused(config, world, result):
    with pytest.raises((autoscale.InvalidArgumentError, TypeError, ValueError)):
        Autoscaler(config, metric=lambda from_s, to_s: [result], target=world).check_once()


def test_numbers_of_numpy_are_results_and_formations(config, world):
    world.read = lambda: (numpy.int64(2), numpy.float64(5.5))
    rows = lambda from_s, to_s: numpy.array([[to_s - 60 * i, 3000.0] for i in range(5)])  # noqa: E731
    assert Autoscaler(config, metric=rows, target=world).check_once().target == 4


@pytest.mark.parametrize("read", [2.5, "2", None, -1, 2**32, (2, 2**70), (2, "1"), (2, None, 3)], ids=str)
def test_a_formation_that_is_none_is_refused(config, world, read):
    world.read = lambda: read
    with pytest.raises((autoscale.InvalidArgumentError, TypeError, ValueError)):
        Autoscaler(config, metric=world.metric, target=world).check_once()
    assert world.scaled == []


class App:
    """Holds the Autoscaler whose callbacks are its methods."""

    def __init__(self, config, world):
        self.world, self.heard = world, world.heard
        self.scaler = Autoscaler(config, metric=self.metric, target=self, on_event=self.listener)

    def metric(self, from_s, to_s):
        return self.world.metric(from_s, to_s)

    def listener(self, event):
        self.heard.append(event.kind)

    def read(self):
        return self.world.read()

    def scale(self, quantity):
        self.world.scale(quantity)


def test_one_that_is_held_by_its_own_callbacks_only_is_collected(config, world):
    world.heard = []
    app = App(config, world)
    inner = weakref.ref(app.scaler._callbacks)
    alive = weakref.ref(app)
    app.scaler.start()
    until(lambda: EventKind.CHECKED in world.heard)
    del app
    gc.collect()
    assert alive() is None and inner() is None
    until(lambda: world.heard[-1] is EventKind.STOPPED)

    def none_left():
        gc.collect()
        return not any(isinstance(thing, App) for thing in gc.get_objects())

    until(none_left)


def test_the_collector_does_not_wait_for_a_callback(config, world):
    inside, lock = threading.Event(), threading.Lock()

    def metric(from_s, to_s):
        inside.set()
        with lock:
            return world.metric(from_s, to_s)

    with lock:
        scaler = Autoscaler(config, metric=metric, target=world)
        scaler.start()
        assert inside.wait(LONG)
        del scaler
        gc.collect()


def test_one_that_nobody_holds_gives_its_lock_back(tmp_path, world):
    config = autoscale.Config.from_ini(
        f"[HEROKU_INFOS]\napp_name: left-{os.getpid()}\n[AUTOSCALE_SETTINGS]\nstate_dir: {tmp_path}\n"
    )
    # One that was never started: at once.
    Autoscaler(config, metric=world.metric, target=world)
    scaler = Autoscaler(config, metric=world.metric, target=world)
    scaler.start()
    del scaler

    def free():
        try:
            return Autoscaler(config, metric=world.metric, target=world)
        except autoscale.LockedError:
            return None

    until(free)


def test_python_ends_what_still_runs():
    assert alone("""
import atexit
heard = []
atexit.register(lambda: print("before"))
def listener(event):
    heard.append(event.kind)
    if event.kind is EventKind.STOPPED:
        print("stopped")
held = Autoscaler(config, metric=metric, target=Target(), on_event=listener)
held.start()
dropped = Autoscaler(config, metric=metric, target=Target(), on_event=listener)
dropped.start()
while heard.count(EventKind.CHECKED) < 2:
    time.sleep(0.002)
del dropped
def checks():
    checked = Autoscaler(config, metric=lambda a, b: (time.sleep(0.01), metric(a, b))[1], target=Target())
    try:
        while True:
            checked.check_once()
    except ValueError:
        pass
for _ in range(3):
    threading.Thread(target=checks, daemon=True).start()
time.sleep(0.1)
""").split().count("stopped") == 2


def test_a_child_process_closes_and_drops_what_it_inherited():
    assert alone("""
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)
held = Autoscaler(config, metric=metric, target=Target())
held.start()
dropped = Autoscaler(config, metric=metric, target=Target())
dropped.start()
next(dropped.events())
child = os.fork()
if child == 0:
    del dropped
    gc.collect()
    try:
        held.close()
    except autoscale.ForkedError:
        own = Autoscaler(config, metric=metric, target=Target())
        own.start()
        own = Autoscaler(config, metric=metric, target=Target())
        own.start()
        sys.exit(7)
    sys.exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
held.check_now()
held.close()
print("survived")
""") == "survived\n"


def test_it_is_neither_copied_nor_pickled(config, world):
    scaler = Autoscaler(config, metric=world.metric, target=world)
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="make another"):
            copied(scaler)
    assert scaler.check_once().target == 4
