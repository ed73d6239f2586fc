"""The loop on a thread of its own, with a metric and a target of yours, or the configuration's."""

from __future__ import annotations

import ctypes
import enum
import json
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from ctypes import byref, c_void_p
from dataclasses import dataclass
from typing import Any, Optional, Protocol, Union

from ._config import Config
from ._decision import Decision, empty
from ._errors import AutoscaleError, check, error_of
from ._library import EVENT_FN, LOG_FN, METRIC_FN, READ_FN, SCALE_FN, lib

MetricSource = Callable[[int, int], Iterable[tuple]]
"""Called with two unix seconds; gives the results between them: ``(time_s, ms)`` or ``(time_s, ms, SampleStatus)``."""

_REENTRANT = 6
_FAILED = 1
_KEPT = 1024


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


class _Callbacks:
    """What the library's thread calls. Knows no Autoscaler, so that one that nobody holds any more can end."""

    def __init__(
        self,
        metric: MetricSource | None,
        target: ScaleTarget | None,
        on_event: Callable[[Event], object] | None,
        log: Callable[[LogLevel, str], object] | None,
    ) -> None:
        self.user_metric, self.user_target, self.user_event, self.user_log = metric, target, on_event, log
        self.handle = c_void_p()
        self.error: BaseException | None = None
        self.events: deque[Event] = deque(maxlen=_KEPT)
        self.changed = threading.Condition()
        self.ended = True
        self.metric = METRIC_FN(self._metric)
        self.read = READ_FN(self._read)
        self.scale = SCALE_FN(self._scale)
        self.event = EVENT_FN(self._event)
        self.log = LOG_FN(self._log)

    def _failed(self, error: BaseException, say: Callable[[c_void_p, bytes], None], where: int) -> int:
        self.error = error
        say(where, f"{type(error).__name__}: {error}".replace("\0", " ").encode())
        return _FAILED

    def _metric(self, _user: int, from_s: int, to_s: int, sink: int) -> int:
        try:
            for sample in self.user_metric(from_s, to_s):
                time_s, ms, *status = sample
                up = int(status[0]) if status else 1
                check(lib.samples_push(sink, int(time_s), float("nan") if ms is None else ms, up))
            return 0
        except BaseException as error:  # noqa: BLE001: nothing may leave through C
            return self._failed(error, lib.samples_fail, sink)

    def _read(self, _user: int, quantity: Any, changed_at_s: Any, failure: int) -> int:
        try:
            result = self.user_target.read()
            number, changed_at = result if isinstance(result, tuple) else (result, None)
            if not 0 <= number < 2**32:
                raise ValueError(f"{number} is no number of dynos")
            quantity[0] = number
            if changed_at is not None:
                changed_at_s[0] = int(changed_at)
            return 0
        except BaseException as error:  # noqa: BLE001
            return self._failed(error, lib.fail, failure)

    def _scale(self, _user: int, quantity: int, failure: int) -> int:
        try:
            self.user_target.scale(quantity)
            return 0
        except BaseException as error:  # noqa: BLE001
            return self._failed(error, lib.fail, failure)

    def _event(self, _user: int, pointer: Any) -> None:
        try:
            c = pointer[0]
            checked = c.kind == EventKind.CHECKED
            event = Event(
                kind=_named(EventKind, c.kind),
                at=c.at_s,
                text=c.text.decode(),
                decision=Decision._copy(c.decision[0]) if c.decision else None,
                outcome=_named(Outcome, c.outcome) if checked else None,
                applied=c.applied if checked else None,
                failed_in_a_row=c.failed_in_a_row,
                json=c.json.decode(),
            )
            with self.changed:
                self.events.append(event)
                self.ended = event.kind == EventKind.STOPPED
                self.changed.notify_all()
            if self.user_event:
                self.user_event(event)
        except BaseException as error:  # noqa: BLE001: it comes out of stop()
            self.give_up(error)

    def _log(self, _user: int, level: int, text: int, length: int) -> None:
        try:
            self.user_log(_named(LogLevel, level), ctypes.string_at(text, length).decode())
        except BaseException as error:  # noqa: BLE001
            self.give_up(error)

    def give_up(self, error: BaseException) -> None:
        """A listener failed: the loop ends, and the error comes out of stop()."""
        if self.error_of_listener is None:
            self.error_of_listener = error
        lib.request_stop(self.handle)

    error_of_listener: BaseException | None = None


def _free(callbacks: _Callbacks) -> None:
    status = lib.free(callbacks.handle)
    if status == _REENTRANT:
        # The last reference went away on the loop's own thread.
        threading.Thread(target=lib.free, args=(callbacks.handle,)).start()


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
    :param log: is told what a log would hold
    :param log_level: how much of it

    What ``metric`` and ``target`` raise is a failed check of the loop: dynos stay as they are, an event tells it, the
    next check tries again. Out of :meth:`check_once` it comes as it was raised.
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
        self._callbacks = callbacks = _Callbacks(metric, target, on_event, log)
        check(lib.new(config._pointer, byref(callbacks.handle)))
        self._finalizer = weakref.finalize(self, _free, callbacks)
        if metric is not None:
            check(lib.set_metric_source(callbacks.handle, callbacks.metric, None))
        if target is not None:
            check(lib.set_scale_target(callbacks.handle, callbacks.read, callbacks.scale, None))
        if log is not None:
            check(lib.set_log(callbacks.handle, callbacks.log, None, int(log_level)))

    @property
    def _handle(self) -> c_void_p:
        if not self._finalizer.alive:
            raise ValueError("this Autoscaler is closed")
        return self._callbacks.handle

    def check_once(self) -> Decision:
        """One check, here and now; not while it is started.

        :raises SourceError: a source of the library's failed; what one of yours raises comes as it is
        :raises TargetError: the same of the target
        """
        callbacks = self._callbacks
        callbacks.error = None
        decision = empty()
        status = lib.check_once(self._handle, byref(decision))
        if callbacks.error_of_listener is not None:
            error, callbacks.error_of_listener = callbacks.error_of_listener, None
            raise error
        if status:
            if callbacks.error is not None:
                raise callbacks.error
            raise error_of(status)
        return Decision(decision)

    def start(self) -> None:
        """Starts the loop; the first check comes at once. After :meth:`stop` it can be started again, and carries on."""
        callbacks = self._callbacks
        with callbacks.changed:
            was, callbacks.ended = callbacks.ended, False
        try:
            check(lib.start(self._handle, callbacks.event, None))
        except AutoscaleError:
            callbacks.ended = was
            raise

    def stop(self) -> None:
        """Ends the loop, and waits for its end: no callback runs after it. Does nothing where it is not started.

        :raises ReentrantError: inside a callback; :meth:`request_stop` is legal there
        """
        check(lib.stop(self._handle))
        callbacks = self._callbacks
        with callbacks.changed:
            callbacks.ended = True
            callbacks.changed.notify_all()
        error, callbacks.error_of_listener = callbacks.error_of_listener, None
        if error is not None:
            raise error

    def request_stop(self) -> None:
        """Asks the loop to end, and does not wait for it; legal inside a callback."""
        check(lib.request_stop(self._handle))

    def check_now(self) -> None:
        """Checks at once, also while the loop rests. Does not wait for it."""
        check(lib.check_now(self._handle))

    def pause(self) -> None:
        """Lets the loop rest."""
        check(lib.pause(self._handle))

    def resume(self) -> None:
        """Lets it go on."""
        check(lib.resume(self._handle))

    def set_dry_run(self, on: bool) -> None:
        """Decide and tell, but change nothing; or change again. Takes effect with the next check."""
        check(lib.set_dry_run(self._handle, int(bool(on))))

    def events(self, timeout: float | None = None) -> Iterator[Event]:
        """What happens, one after another, until the loop has ended; of events that nobody takes the last 1024 are kept.

        :param timeout: seconds to wait for the next one at most; then it ends too
        """
        callbacks = self._callbacks
        while True:
            with callbacks.changed:
                there = callbacks.changed.wait_for(lambda: callbacks.events or callbacks.ended, timeout)
                if not there or not callbacks.events:
                    return
                event = callbacks.events.popleft()
            yield event

    def close(self) -> None:
        """Ends the loop and gives back what it holds; it can't be used any more."""
        if self._finalizer.alive:
            try:
                self.stop()
            finally:
                self._finalizer()

    def __enter__(self) -> Autoscaler:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
