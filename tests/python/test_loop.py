"""The loop: own source and target, events, exceptions, threads."""

import gc
import os
import threading
import time

import autoscale
import pytest
from autoscale import Autoscaler, EventKind, Outcome, Reason
from conftest import World


def test_one_check_scales_the_target(config, world):
    scaler = Autoscaler(config, metric=world.metric, target=world)
    assert scaler.check_once().target == 4
    assert world.scaled == [4]
    assert scaler.check_once().reason is Reason.SETTLING
    assert world.threads == {threading.get_ident()}


def test_events_come_by_callback_and_by_iterator(config, world):
    heard, said = [], []
    log = lambda level, text: said.append((level, text))  # noqa: E731
    with Autoscaler(config, metric=world.metric, target=world, on_event=heard.append, log=log) as scaler:
        seen = []
        for event in scaler.events(timeout=30):
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
        for event in scaler.events(timeout=30):
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
            for _ in scaler.events(timeout=30):
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
        list(scaler.events(timeout=30))
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
        events = scaler.events(timeout=30)
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
    gc.collect()
    assert heard[-1].kind is EventKind.STOPPED


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
