"""What is asynchronous is refused: nobody would await it, and a change would be told that was never made."""

import functools

import autoscale
import pytest
from autoscale import Autoscaler
from conftest import LONG, World


async def asynchronous(*_):
    return 2


async def generates(*_):
    yield (0, 1)


class Called:
    async def __call__(self, *_):
        return 2


KINDS = [asynchronous, generates, Called(), functools.partial(asynchronous, 1), functools.partial(Called(), 1)]


@pytest.mark.parametrize("function", KINDS, ids=["def", "generator", "call", "partial", "partial of call"])
@pytest.mark.parametrize("where", ["metric", "read", "scale", "on_event", "log"])
def test_an_async_def_is_refused_when_the_autoscaler_is_made(config, world, where, function):
    given = {"metric": world.metric, "target": world}
    if where in ("read", "scale"):
        setattr(world, where, function)
    else:
        given[where] = function
    with pytest.raises(TypeError, match=f"{where} is asynchronous.*run_coroutine_threadsafe"):
        Autoscaler(config, **given)


@pytest.mark.parametrize("where", ["metric", "read", "scale", "log"])
@pytest.mark.parametrize("kind", [asynchronous, generates])
def test_a_plain_function_that_gives_something_to_await_is_an_error(config, world, where, kind):
    given = {"metric": world.metric, "target": world}
    if where in ("read", "scale"):
        setattr(world, where, lambda *_: kind())
    else:
        given[where] = lambda *_: kind()
    with pytest.raises(TypeError, match=f"{where} is asynchronous"):
        Autoscaler(config, **given).check_once()
    assert world.scaled == [] or where in ("scale", "log")


def test_a_change_that_nobody_awaited_is_not_told(config, world):
    world.scale = lambda quantity: asynchronous()
    with Autoscaler(config, metric=world.metric, target=world) as scaler:
        for event in scaler.events(timeout=LONG):
            if event.kind is autoscale.EventKind.CHECKED:
                assert event.outcome is autoscale.Outcome.FAILED and "scale is asynchronous" in event.text
                break


def test_a_listener_that_gives_something_to_await_ends_the_loop(config):
    world = World()
    with pytest.raises(TypeError, match="on_event is asynchronous"):
        with Autoscaler(config, metric=world.metric, target=world, on_event=lambda event: asynchronous()) as scaler:
            list(scaler.events(timeout=LONG))


def test_callbacks_run_in_the_context_of_the_caller(config, world):
    import contextvars

    of_caller = contextvars.ContextVar("of_caller", default=None)
    of_caller.set("here")
    seen = []
    world.read = lambda: seen.append(of_caller.get()) or 2
    Autoscaler(config, metric=world.metric, target=world).check_once()
    assert seen == ["here"]
