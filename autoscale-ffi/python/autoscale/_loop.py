"""The loop on a thread of its own, with a metric and a target of yours, or the configuration's."""

from __future__ import annotations

import _thread
import atexit
import ctypes
import enum
import functools
import inspect
import json
import operator
import os
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from ctypes import byref, c_void_p
from dataclasses import dataclass
from typing import Any, Optional, Protocol, Union

from ._apart import Call, apart, stay
from ._config import Config
from ._decision import Decision, empty
from ._errors import InvalidArgumentError, check, error_of, whole
from ._library import EVENT_FN, LOG_FN, METRIC_FN, READ_FN, SCALE_FN, lib

MetricSource = Callable[[int, int], Iterable[tuple]]
"""Called with two unix seconds; gives the results between them: ``(time_s, ms)`` or ``(time_s, ms, SampleStatus)``."""

_REENTRANT = 6
_FAILED = 1
_KEPT = 1024
_EXIT_S = 5.0


class ScaleTarget(Protocol):
    """What is scaled."""

    def read(self) -> Union[int, tuple[int, Optional[int]]]:
        """How many there are; or that, and when it last changed, unix seconds."""

    def scale(self, quantity: int) -> None:
        """Sets how many there are."""


class EventKind(enum.IntEnum):
    """What happened."""

    CHECKED = 1
    CHECK_FAILED = 2
    RECOVERED = 3
    STARTED = 4
    STOPPED = 5
    PAUSED = 6
    RESUMED = 7
    DRY_RUN_CHANGED = 8
    CONFIG_RELOADED = 9
    CONFIG_REFUSED = 10
    CHANGE_CONFIRMED = 11
    CRASHED = 12
    WARNING = 13
    BOUNDS_CHANGED = 14


class Outcome(enum.IntEnum):
    """What came of a decision."""

    HELD = 0
    SCALED = 1
    WOULD_SCALE = 2
    LIMITED = 3
    FAILED = 4


class LogLevel(enum.IntEnum):
    """How much a log is told."""

    ERROR = 1
    WARN = 2
    INFO = 3
    DEBUG = 4
    TRACE = 5


@dataclass(frozen=True)
class Event:
    """Something that happened."""

    kind: EventKind | int
    """What."""
    at: int
    """When, unix seconds."""
    text: str
    """In one sentence."""
    decision: Decision | None
    """The decision of a check."""
    outcome: Outcome | None
    """What came of it."""
    applied: int | None
    """How many there are after it."""
    failed_in_a_row: int
    """How many checks failed one after another, up to this one or before it."""
    json: str
    """All of it as one JSON object, as the history file has it."""

    @property
    def data(self) -> dict[str, Any]:
        """The JSON object, read."""
        return json.loads(self.json)


def _named(kinds: type[enum.IntEnum], number: int) -> Any:
    try:
        return kinds(number)
    except ValueError:
        return number


def _said(error: BaseException) -> bytes:
    """An exception in words, also where its own fail."""
    try:
        text = f"{type(error).__name__}: {error}"
    except BaseException:  # noqa: BLE001: its __str__ is anybody's
        text = type(error).__name__
    # What came from the file system may hold surrogates, which are no UTF-8.
    return text.replace("\0", " ").encode("utf-8", "replace")


def _no_async(name: str) -> TypeError:
    return TypeError(
        f"{name} is asynchronous, and Autoscaler does not await: pass a plain function, which may hand its work to an event "
        "loop by asyncio.run_coroutine_threadsafe"
    )


def _is_async(function: Any) -> bool:
    """Is it an `async def`, also as a partial or as the ``__call__`` of an object?"""
    while isinstance(function, functools.partial):
        function = function.func
    return any(
        asynchronous(of)
        for asynchronous in (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
        for of in (function, getattr(function, "__call__", None))
    )


def _plain(name: str, function: Any) -> None:
    """Raises where a function can't be called from C and be done when it returns."""
    if _is_async(function):
        raise _no_async(name)


def _not_awaitable(name: str, result: Any) -> Any:
    """What a callback gave; raises where nothing has run yet."""
    if inspect.isawaitable(result) or inspect.isasyncgen(result):
        if inspect.iscoroutine(result):
            result.close()  # else Python warns of it
        raise _no_async(name)
    return result


class _Callbacks:
    """A handle, and what its thread calls, which must live as long. Knows no Autoscaler, so that one that nobody holds any
    more can end."""

    def __init__(
        self,
        metric: MetricSource | None,
        target: ScaleTarget | None,
        on_event: Callable[[Event], object] | None,
        log: Callable[[LogLevel, str], object] | None,
    ) -> None:
        self.user_metric, self.user_target, self.user_event, self.user_log = metric, target, on_event, log
        self.handle = c_void_p()
        self.process = os.getpid()
        self.guard()
        self.calls = 0
        self.closed = False
        self.freed = False
        self.freeing = False
        self.was_started = False
        self.starts = self.stops = 0
        self.events: deque[Event] = deque(maxlen=_KEPT)
        # Checks of check_once(), also those whose caller no longer waits.
        self.checks: set[Call] = set()
        # Held locks, one an iterator that waits: released where there may be something for it.
        self.waiting: deque[_thread.LockType] = deque()
        self.error_of_listener: BaseException | None = None
        # A check of check_once() runs on one thread, and so do the callbacks whose errors it raises.
        self.of_thread = threading.local()
        self.metric = METRIC_FN(self._metric)
        self.read = READ_FN(self._read)
        self.scale = SCALE_FN(self._scale)
        self.event = EVENT_FN(self._event)
        self.log = LOG_FN(self._log)

    def guard(self) -> None:
        """Makes the lock that guards the counts. Re-entrant: the collector may run anybody's code at any point, calls of
        ours too. It is taken itself, never by way of the condition, whose `with` is two steps to a signal handler."""
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)

    def ring(self) -> None:
        """Something has changed: whoever waits is to look. The lock is held."""
        self.changed.notify_all()
        for waiting in tuple(self.waiting):
            if waiting.locked():
                waiting.release()

    def wait(self, timeout: float | None) -> bool:
        """Waits until there is an event, or no loop that could bring one; False where that took too long."""
        end = None if timeout is None else time.monotonic() + timeout
        bell = _thread.allocate_lock()
        self.waiting.append(bell)
        try:
            while True:
                bell.acquire(False)
                if self.events or self.ended:
                    return True
                left = -1 if end is None else end - time.monotonic()
                if end is not None and left <= 0 or not bell.acquire(True, min(left, threading.TIMEOUT_MAX)):
                    return bool(self.events) or self.ended
        finally:
            self.waiting.remove(bell)

    def enter(self) -> bool:
        """Begins a call of the handle, which is not freed before :meth:`leave`; False where it is closed."""
        with self.lock:
            if self.closed:
                return False
            self.calls += 1
            return True

    def hold(self) -> bool:
        """Begins a call also of a closed handle, as long as others are in one; False where none can begin."""
        with self.lock:
            if self.closed and self.calls == 0:
                return False
            self.calls += 1
            return True

    def leave(self) -> None:
        """Ends a call. The last one to leave a closed handle frees it."""
        with self.lock:
            self.calls -= 1
            self.ring()
            last = self.closed and self.calls == 0
            self.freeing |= last and not self.freed
        if last:
            self.free()

    def __enter__(self) -> c_void_p:
        if not self.enter():
            raise ValueError("this Autoscaler is closed")
        return self.handle

    def __exit__(self, *_: object) -> None:
        self.leave()

    def close(self) -> None:
        """Lets no further call begin."""
        with self.lock:
            self.closed = True
            self.ring()

    def free(self) -> None:
        """Waits for the loop's end, and frees the handle. Whoever calls it keeps the callbacks alive meanwhile."""
        with self.lock:
            if self.freed:
                return
            self.closed = self.freed = self.freeing = True
        if lib.free(self.handle) == _REENTRANT:
            # The last call to leave was made by the loop itself, which can't wait for its own end.
            self.freed = False
            _ENDING.put(self)
        with self.lock:
            self.freeing = False
            self.ring()

    def abandon(self) -> None:
        """Nobody holds the Autoscaler any more. The collector may say so on any thread, which may hold any lock: so nothing
        here waits."""
        if self.freed or self.process != os.getpid():
            return
        with self.lock:
            self.closed = True
            if self.calls:
                # The end of Python is at it, and frees it.
                return
        if self.was_started:
            lib.request_stop(self.handle)
            _ENDING.put(self)
        else:
            self.free()

    @property
    def ended(self) -> bool:
        """Does no loop run that events could come from?"""
        return self.closed or self.stops >= self.starts

    def _failed(self, error: BaseException, say: Callable[[c_void_p, bytes], None], where: int) -> int:
        # An exception out of a callback would be a 0 for C: carried out.
        try:
            errors = getattr(self.of_thread, "errors", None)
            if errors is not None:
                errors.append(error)
            say(where, _said(error))
        except BaseException:  # noqa: BLE001: it failed without a text then
            pass
        return _FAILED

    def _metric(self, _user: int, from_s: int, to_s: int, sink: int) -> int:
        try:
            stay()
            for sample in _not_awaitable("metric", self.user_metric(from_s, to_s)):
                time_s, ms, up = sample if len(sample) == 3 else (*sample, 1)
                up = int(up)
                if not 0 <= up < 256:
                    raise InvalidArgumentError(f"status is {up}: no SampleStatus")
                time_s = whole("the time of a result", time_s)
                check(lib.samples_push(sink, time_s, float("nan") if ms is None else ms, up))
            return 0
        except BaseException as error:  # noqa: BLE001: nothing may leave through C
            return self._failed(error, lib.samples_fail, sink)

    def _read(self, _user: int, quantity: Any, changed_at_s: Any, failure: int) -> int:
        try:
            stay()
            result = _not_awaitable("read", self.user_target.read())
            number, changed_at = result if isinstance(result, tuple) else (result, None)
            number = operator.index(number)
            if not 0 <= number < 2**32:
                raise ValueError(f"{number} is no number of dynos")
            quantity[0] = number
            if changed_at is not None:
                changed_at_s[0] = whole("the time of the last change", changed_at)
            return 0
        except BaseException as error:  # noqa: BLE001
            return self._failed(error, lib.fail, failure)

    def _scale(self, _user: int, quantity: int, failure: int) -> int:
        try:
            stay()
            _not_awaitable("scale", self.user_target.scale(quantity))
            return 0
        except BaseException as error:  # noqa: BLE001
            return self._failed(error, lib.fail, failure)

    def _event(self, _user: int, pointer: Any) -> None:
        try:
            stay()
            c = pointer[0]
            checked = c.kind == EventKind.CHECKED
            event = Event(
                kind=_named(EventKind, c.kind),
                at=c.at_s,
                text=c.text.decode(errors="replace"),
                decision=Decision._copy(c.decision[0]) if c.decision else None,
                outcome=_named(Outcome, c.outcome) if checked else None,
                applied=c.applied if checked else None,
                failed_in_a_row=c.failed_in_a_row,
                json=c.json.decode(errors="replace"),
            )
            with self.lock:
                self.events.append(event)
                self.stops += event.kind == EventKind.STOPPED
                self.ring()
            if self.user_event:
                _not_awaitable("on_event", self.user_event(event))
        except BaseException as error:  # noqa: BLE001: it comes out of stop()
            self.give_up(error)

    def _log(self, _user: int, level: int, text: int, length: int) -> None:
        try:
            stay()
            said = ctypes.string_at(text, length).decode(errors="replace")
            _not_awaitable("log", self.user_log(_named(LogLevel, level), said))
        except BaseException as error:  # noqa: BLE001
            self.give_up(error)

    def give_up(self, error: BaseException) -> None:
        """A listener failed: the loop ends, and the error comes out of stop(); out of check_once() where that told it."""
        if getattr(self.of_thread, "errors", None) is not None:
            self.of_thread.listener = self.of_thread.listener or error
            return
        if self.error_of_listener is None:
            self.error_of_listener = error
        # The handle is there: whoever frees it waits for the callback that runs.
        lib.request_stop(self.handle)


class _Ending:
    """Frees handles that nobody holds any more, each on a thread of its own: a callback that blocks is waited for."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        # The one queue whose put() is made for finalizers.
        self.queue: queue.SimpleQueue[_Callbacks | None] = queue.SimpleQueue()
        self.thread: threading.Thread | None = None
        self.starting = threading.RLock()

    def begin(self) -> None:
        """Must have run before the first :meth:`put`: a finalizer is no place to start a thread at."""
        with self.starting:
            if self.thread is None:
                self.thread = threading.Thread(target=self._run, name="autoscale-ending", daemon=True)
                try:
                    self.thread.start()
                except BaseException:
                    self.thread = None
                    raise

    def put(self, callbacks: _Callbacks) -> None:
        self.queue.put(callbacks)

    def end(self) -> None:
        """Waits until all are freed."""
        if self.thread is not None:
            self.queue.put(None)
            self.thread.join()

    def _run(self) -> None:
        helpers: list[threading.Thread] = []
        while True:
            callbacks = self.queue.get()
            if callbacks is None:
                break
            helpers = [helper for helper in helpers if helper.is_alive()]
            helper = threading.Thread(target=callbacks.free, name="autoscale-free", daemon=True)
            try:
                helper.start()
                helpers.append(helper)
            except RuntimeError:
                callbacks.free()
            # What waits here for the next one holds nothing of the last.
            del callbacks, helper
        for helper in helpers:
            helper.join()


_ENDING = _Ending()
_LIVE: weakref.WeakSet[_Callbacks] = weakref.WeakSet()


def _end_all() -> None:
    """Python ends: nothing may call into it any more, not even a check that nobody waits for."""
    live = [callbacks for callbacks in list(_LIVE) if callbacks.process == os.getpid()]
    ours = [callbacks for callbacks in live if callbacks.hold()]
    for callbacks in ours:
        # Before any is waited for: a daemon thread that checks again and again would not let the wait come to its end.
        callbacks.close()
        lib.request_stop(callbacks.handle)
    for callbacks in ours:
        _end(callbacks)
        with callbacks.lock:
            # Daemon threads may still be in a call, and free the handle as they leave. One that never does keeps it.
            callbacks.changed.wait_for(lambda callbacks=callbacks: callbacks.calls <= 1, _EXIT_S)
        callbacks.leave()
    for callbacks in live:
        with callbacks.lock:
            # Another thread, the last to leave, may be waiting for the loop's end.
            callbacks.changed.wait_for(lambda callbacks=callbacks: not callbacks.freeing, _EXIT_S)
    _ENDING.end()


def _forked() -> None:
    """In a child: threads that held a lock or were in a call are not there."""
    _ENDING.reset()
    for callbacks in list(_LIVE):
        callbacks.guard()
        callbacks.waiting.clear()
        callbacks.checks.clear()
        callbacks.calls = 0


atexit.register(_end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _check_once(callbacks: _Callbacks) -> Decision:
    of_thread = callbacks.of_thread
    decision = empty()
    error: BaseException | None = None
    with callbacks as handle:
        outer = getattr(of_thread, "errors", None), getattr(of_thread, "listener", None)
        of_thread.errors, of_thread.listener = [], None
        try:
            status = lib.check_once(handle, byref(decision))
            if status:
                error = of_thread.errors[-1] if of_thread.errors else error_of(status)
            error = of_thread.listener or error
        finally:
            of_thread.errors, of_thread.listener = outer
    if error is not None:
        try:
            raise error
        finally:
            del error  # its traceback holds this frame: a cycle, and the Autoscaler in it
    return Decision(decision)


def _start(callbacks: _Callbacks) -> None:
    with callbacks as handle:
        _ENDING.begin()
        callbacks.was_started = True
        check(lib.start(handle, callbacks.event, None))
        with callbacks.lock:
            callbacks.starts += 1


def _end(callbacks: _Callbacks) -> int:
    """Ends the loop: the status."""
    with callbacks.lock:
        due = callbacks.starts
    checks = tuple(callbacks.checks)
    status = lib.stop(callbacks.handle)
    if status == 0:
        # One that is on its way into the library is not known there yet.
        for one in checks:
            one.wait()
        with callbacks.lock:
            callbacks.stops = max(callbacks.stops, due)
            callbacks.ring()
    return status


def _stop(callbacks: _Callbacks) -> None:
    with callbacks:
        check(_end(callbacks))


def _close(callbacks: _Callbacks) -> None:
    if not callbacks.enter():
        return
    try:
        status = _end(callbacks)
        if status != _REENTRANT:
            callbacks.close()
        check(status)
    finally:
        callbacks.leave()


def _call(callbacks: _Callbacks, function: Callable[..., int], *arguments: int) -> None:
    with callbacks as handle:
        check(function(handle, *arguments))


class Autoscaler:
    """The loop of one app: measures, decides, scales, tells.

    ::

        with Autoscaler(config, metric=response_times, target=pods, on_event=print) as scaler:
            ...

    :param config: limits, what is too slow, how often to look
    :param metric: gives response times; None: what the configuration names (Pingdom, or a probe)
    :param target: is read and scaled; None: the Heroku app of the configuration
    :param on_event: is told what happens, on the loop's thread. What it raises ends the loop and comes out of
        :meth:`stop`, or of the ``with`` block
    :param log: is told what a log would hold; what it raises is treated the same, and comes out of :meth:`check_once`
        where that told it
    :param log_level: how much of it

    Every call runs on a thread of its own, and so do the callbacks of :meth:`check_once`, in a copy of the caller's context
    (contextvars): a signal is handled while the caller waits, and what its handler raises comes out of the call. An
    ``async def`` is refused with a TypeError.

    What ``metric`` and ``target`` raise is a failed check of the loop: dynos stay as they are, an event tells it, the
    next check tries again. Out of :meth:`check_once` it comes as it was raised.

    Threads may share one: any method may be called while others run, :meth:`close` too. Inside a callback of the same
    one, :meth:`request_stop`, :meth:`check_now`, :meth:`pause` and :meth:`resume` are legal, and :meth:`set_dry_run` in
    the loop; :meth:`start`, :meth:`stop`, :meth:`close` and :meth:`check_once` raise ReentrantError. After :meth:`close`
    all but :meth:`close` and :meth:`events` raise ValueError.

    Only the ``with`` block, :meth:`stop` and :meth:`close` tell when the loop has ended. One that is started and that
    nobody holds any more is asked to end, and its loop ends some time later: callbacks may run meanwhile, and a lock in
    state_dir is kept until then. Its own callbacks do not hold it, even if they are methods of an object that holds it;
    in that case, which is a cycle, it takes the garbage collector to notice, ``__del__`` methods and weak references of
    the cycle are done with before the loop has ended, and the memory goes with a later collection. At the exit of Python
    all are ended, and waited for.
    """

    def __init__(
        self,
        config: Config,
        *,
        metric: MetricSource | None = None,
        target: ScaleTarget | None = None,
        on_event: Callable[[Event], object] | None = None,
        log: Callable[[LogLevel, str], object] | None = None,
        log_level: LogLevel = LogLevel.INFO,
    ) -> None:
        for name, function in (
            ("metric", metric),
            ("target.read", getattr(target, "read", None)),
            ("target.scale", getattr(target, "scale", None)),
            ("on_event", on_event),
            ("log", log),
        ):
            _plain(name, function)
        self._callbacks = callbacks = _Callbacks(metric, target, on_event, log)
        check(lib.new(config._pointer, byref(callbacks.handle)))
        _LIVE.add(callbacks)
        if metric is not None:
            check(lib.set_metric_source(callbacks.handle, callbacks.metric, None))
        if target is not None:
            check(lib.set_scale_target(callbacks.handle, callbacks.read, callbacks.scale, None))
        if log is not None:
            check(lib.set_log(callbacks.handle, callbacks.log, None, int(log_level)))

    def check_once(self) -> Decision:
        """One check, here and now; not while it is started, or while another check of it runs. What a signal handler raises
        meanwhile comes out at once, and the check goes on without its caller: :meth:`stop` and :meth:`close` wait for it.

        :raises SourceError: a source of the library's failed; what one of yours raises comes as it is
        :raises TargetError: the same of the target
        :raises StateError: it is started, or checks already
        :raises ReentrantError: inside a callback, also one of another Autoscaler
        """
        return apart(functools.partial(_check_once, self._callbacks), self._callbacks.checks)

    def start(self) -> None:
        """Starts the loop; the first check comes at once. After :meth:`stop` it can be started again, and carries on.

        :raises StateError: it is started; also where its loop has ended by itself: :meth:`stop` it first
        :raises ReentrantError: inside a callback
        """
        apart(functools.partial(_start, self._callbacks))

    def stop(self) -> None:
        """Ends the loop, and waits for its end: no callback runs after it. A :meth:`check_once` of another thread is waited
        for too. Does nothing where it is not started. What a signal handler raises meanwhile comes out at once; the loop
        still ends, and another call waits for that.

        :raises ReentrantError: inside a callback; :meth:`request_stop` is legal there
        """
        apart(functools.partial(_stop, self._callbacks))
        self._raise_of_listener()

    def _raise_of_listener(self) -> None:
        """Raises what a listener raised, once."""
        callbacks = self._callbacks
        error, callbacks.error_of_listener = callbacks.error_of_listener, None
        if error is not None:
            try:
                raise error
            finally:
                del error  # its traceback holds this frame: a cycle, and the Autoscaler in it

    def _call(self, function: Callable[..., int], *arguments: int) -> None:
        apart(functools.partial(_call, self._callbacks, function, *arguments))

    def request_stop(self) -> None:
        """Asks the loop to end, and does not wait for it; legal inside a callback."""
        self._call(lib.request_stop)

    def check_now(self) -> None:
        """Checks at once, also while the loop rests. Does not wait for it."""
        self._call(lib.check_now)

    def pause(self) -> None:
        """Lets the loop rest."""
        self._call(lib.pause)

    def resume(self) -> None:
        """Lets it go on."""
        self._call(lib.resume)

    def set_dry_run(self, on: bool) -> None:
        """Decide and tell, but change nothing; or change again. Takes effect with the next check.

        :raises StateError: while :meth:`check_once` runs, and where the loop has ended by itself: :meth:`stop` it first;
            for False where the configuration says ``debug: shadow``
        """
        self._call(lib.set_dry_run, int(bool(on)))

    def events(self, timeout: float | None = None) -> Iterator[Event]:
        """What happens, one after another, until the loop has ended; of events that nobody takes the last 1024 are kept.
        Each event goes to one iterator only.

        :param timeout: seconds to wait for the next one at most; then it ends too
        """
        callbacks = self._callbacks
        while True:
            there = callbacks.wait(timeout)
            try:
                event = callbacks.events.popleft()
            except IndexError:
                if there and not callbacks.ended:
                    continue  # another iterator took it
                return
            yield event

    def close(self) -> None:
        """Ends the loop, waits for its end as :meth:`stop` does, and gives back what it holds; it can't be used any more.
        Where another thread is in a call just then, that gives it back as it leaves. Does nothing where it is closed.

        :raises ReentrantError: inside a callback; it is not closed then, and the loop goes on
        """
        if self._callbacks.closed:
            return
        apart(functools.partial(_close, self._callbacks))
        self._raise_of_listener()

    def __enter__(self) -> Autoscaler:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        callbacks = self.__dict__.get("_callbacks")
        if callbacks is not None:
            callbacks.abandon()

    def __reduce__(self) -> Any:
        raise TypeError("an Autoscaler runs one loop and can't be copied or pickled: make another of its configuration")
