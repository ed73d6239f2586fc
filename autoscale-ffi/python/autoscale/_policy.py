"""The pure part: deciding on what is seen, with and without a memory, and drawing it."""

from __future__ import annotations

import array
import ctypes
import enum
import functools
import operator
import os
from collections.abc import Sequence
from ctypes import byref, c_void_p, sizeof
from typing import Any, Union

from ._config import Config
from ._decision import Decision, empty
from ._errors import InvalidArgumentError, check, error_of, whole
from ._library import CDecision, CTrafficRow, Observation, lib

Column = Union[Sequence[Any], Any]
"""A column of numbers: any sequence; or, without a copy, a contiguous buffer of the machine's own format and the right type,
such as ``array.array`` or a numpy array (int64 for times, float64 for response times, uint8 or bool for status). What a
masked array hides is no measurement; its times and status have to be there."""


TrafficRow = Sequence[Any]
"""Requests that ended within ten seconds, as a router counts them: ``(from_s, 10, requests, errors, timeouts, router_errors,
connect_ms, service_times)``, as a line of ``autoscale decide`` has it. ``service_times`` are up to 40 counts; the first is of
0 to R ms, the next of R to R^2 ms, with R^40 = 30000."""


class SampleStatus(enum.IntEnum):
    """What came of a result."""

    TIMEOUT = 0
    UP = 1
    ERROR = 2
    DROPPED = 3


class _PyBuffer(ctypes.Structure):
    """Py_buffer, for buffers that are read-only: ctypes has no other way to their address."""

    _fields_ = [
        ("buf", c_void_p),
        ("obj", ctypes.py_object),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", c_void_p),
        ("strides", c_void_p),
        ("suboffsets", c_void_p),
        ("internal", c_void_p),
    ]


_Byte = ctypes.c_byte.from_buffer


def _address_of_readonly(view: memoryview) -> int:
    buffer = _PyBuffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(view), byref(buffer), 0)
    address = buffer.buf
    ctypes.pythonapi.PyBuffer_Release(byref(buffer))
    return address


_FORMATS = {"q": ("q", "l"), "d": ("d",), "B": ("B", "b", "?")}
if ctypes.sizeof(ctypes.c_long) != 8:
    _FORMATS["q"] = ("q",)


_WANTED = {
    "q": "whole unix seconds",
    "d": "numbers, or None where nothing was measured",
    "B": "a SampleStatus each, or bools",
}


def _plain(values: Column, view: memoryview | None) -> Any:
    """The values one by one, of what can't be read where it is."""
    # numpy's own: that of memoryview knows native formats only. None for what is masked.
    if hasattr(values, "tolist"):
        return values.tolist()
    if view is None:
        return values
    try:
        return view.tolist()
    except NotImplementedError:
        return list(values)


@functools.lru_cache(maxsize=64)
def _is_masked(kind: type) -> bool:
    """Is it a kind of masked array? Its buffer has what the mask hides."""
    return hasattr(kind, "mask") and hasattr(kind, "filled")


def _column(values: Column, code: str, name: str) -> tuple[int | None, int, Any]:
    """Its address, its length, and what keeps it alive."""
    view = None
    masked = _is_masked(type(values))
    try:
        view = memoryview(values)
    except (TypeError, ValueError, BufferError):
        pass
    else:
        if view.ndim != 1:
            raise InvalidArgumentError(f"{name} has {view.ndim} dimensions, not 1")
        if view.format in _FORMATS[code] and view.contiguous and not masked:
            n = len(view)
            if not n:
                return None, 0, view
            address = ctypes.addressof(_Byte(view)) if not view.readonly else _address_of_readonly(view)
            if address % view.itemsize == 0:
                return address, n, view
    if getattr(getattr(values, "dtype", None), "kind", "") in ("M", "m"):
        hint = "; .astype('datetime64[s]').astype('int64') gives them" if code == "q" else ""
        raise InvalidArgumentError(f"{name} holds {values.dtype}, not {_WANTED[code]}{hint}")
    try:
        plain = _plain(values, view)
        if code == "d":
            plain = [float("nan") if value is None else value for value in plain]
        elif masked and None in plain:
            raise InvalidArgumentError(f"{name} has masked values: leave those results out")
        copied = array.array(code, plain)
    except InvalidArgumentError:
        raise
    except Exception as error:
        raise InvalidArgumentError(f"{name}: {error}: not {_WANTED[code]}") from error
    return (copied.buffer_info()[0] if copied else None), len(copied), copied


def _count(name: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError as error:
        raise InvalidArgumentError(f"{name} is {value!r}: not a whole number") from error
    if not 0 <= number < 2**32:
        raise InvalidArgumentError(f"{name} is {number}: not from 0 to {2**32 - 1}")
    return number


def _rows(traffic: Sequence[TrafficRow]) -> ctypes.Array[CTrafficRow]:
    rows = (CTrafficRow * len(traffic))()
    for i, (row, given) in enumerate(zip(rows, traffic)):
        try:
            from_s, seconds, *counts, service_times = given
        except (TypeError, ValueError) as error:
            raise InvalidArgumentError(f"traffic[{i}] is {given!r}: not a row") from error
        if len(counts) != 5 or seconds != 10 or len(service_times) > 40:
            raise InvalidArgumentError(f"traffic[{i}] is {given!r}: not (from_s, 10, five counts, up to 40 counts)")
        row.from_s = whole(f"traffic[{i}][0]", from_s)
        names = ("requests", "errors", "timeouts", "router_errors", "connect_ms")
        for j, (name, count) in enumerate(zip(names, counts), start=2):
            setattr(row, name, _count(f"traffic[{i}][{j}]", count))
        row.service_times[: len(service_times)] = [_count(f"traffic[{i}][7]", count) for count in service_times]
    return rows


def _observation(
    now: int,
    dynos: int,
    time_s: Column,
    response_time_ms: Column,
    status: Column | None,
    changed_at: int | None,
    bounds: tuple[int, int] | None,
    interval: int | None,
    maintenance: bool,
    dry_run: bool,
    shadow: bool,
    traffic: Sequence[TrafficRow],
) -> tuple[Observation, Any]:
    times, n, keep_times = _column(time_s, "q", "time_s")
    ms, n_ms, keep_ms = _column(response_time_ms, "d", "response_time_ms")
    kinds, n_kinds, keep_kinds = (None, n, None) if status is None else _column(status, "B", "status")
    if n != n_ms or n != n_kinds:
        raise InvalidArgumentError(f"the columns have {n}, {n_ms} and {n_kinds} values: not as many each")
    low, high, flags = 0, 0, 2 * bool(maintenance) + 4 * bool(dry_run) + 8 * bool(shadow)
    if bounds is not None:
        try:
            low, high = bounds
        except (TypeError, ValueError) as error:
            raise InvalidArgumentError(f"bounds are {bounds!r}: not a fewest and a most") from error
        low, high = _count("min", low), _count("max", high)
        flags += 1
    if changed_at is not None:
        changed_at = whole("changed_at", changed_at)
        if changed_at < 0:
            raise InvalidArgumentError(f"changed_at is {changed_at}: before 1970; None where it is not known")
    rows = _rows(traffic)
    observation = Observation(
        sizeof(Observation),
        whole("now", now),
        _count("dynos", dynos),
        low,
        high,
        flags,
        -1 if changed_at is None else changed_at,
        0 if interval is None else _count("interval", interval),
        n,
        times,
        ms,
        kinds,
        len(rows),
        ctypes.addressof(rows) if rows else None,
    )
    return observation, (keep_times, keep_ms, keep_kinds, rows)


def decide(
    config: Config,
    *,
    now: int,
    dynos: int,
    time_s: Column,
    response_time_ms: Column,
    status: Column | None = None,
    changed_at: int | None = None,
    bounds: tuple[int, int] | None = None,
    interval: int | None = None,
    maintenance: bool = False,
    dry_run: bool = False,
    shadow: bool = False,
    traffic: Sequence[TrafficRow] = (),
) -> Decision:
    """Decides once, without a memory of earlier checks.

    :param config: limits, and what is too slow
    :param now: unix seconds
    :param dynos: how many there are; 0 is an app that was switched off on purpose
    :param time_s: times of the results, unix seconds, in any order
    :param response_time_ms: their response times, ms; None, NaN and 0 are no measurement
    :param status: :class:`SampleStatus` of each, or bools (True: up; False: time-out); None: all up
    :param changed_at: when the number of dynos last changed, unix seconds; None: not known
    :param bounds: fewest and most dynos, in place of the configuration's
    :param interval: seconds between two checks; None: the configuration's
    :param maintenance: is the app in maintenance mode?
    :param dry_run: are decisions told, not carried out?
    :param shadow: does another autoscaler scale the app? Then every change counts, and none that was only decided
    :param traffic: requests that a router counted, as they came since the check before; see :data:`TrafficRow`
    :raises InvalidArgumentError: for a value out of its range
    """
    observation, _keep = _observation(
        now, dynos, time_s, response_time_ms, status, changed_at, bounds, interval, maintenance, dry_run, shadow, traffic
    )
    decision = empty()
    result = lib.decide(config._pointer, byref(observation), byref(decision))
    if result:
        raise error_of(result)
    return Decision(decision)


class Policy:
    """Decides check after check for one app, and remembers what it needs to. A copy remembers the same, and goes on by
    itself. Threads may share one; they take turns."""

    __slots__ = ("_config", "_pointer")

    def __init__(self, config: Config) -> None:
        self._config = config
        self._pointer = c_void_p()
        check(lib.policy_new(config._pointer, byref(self._pointer)))

    @classmethod
    def restore(cls, config: Config, saved: bytes) -> Policy:
        """One that remembers what :meth:`save` gave, by this version of the library.

        :raises CorruptError: for other bytes
        """
        self = object.__new__(cls)
        self._config = config
        self._pointer = c_void_p()
        check(lib.policy_restore(config._pointer, saved, len(saved), byref(self._pointer)))
        return self

    def save(self) -> bytes:
        """What it remembers."""
        size = lib.policy_save(self._pointer, None, 0)
        while True:
            buffer = ctypes.create_string_buffer(size)
            needed = lib.policy_save(self._pointer, buffer, size)
            if needed == 0:
                raise error_of(8)
            if needed <= size:
                return buffer.raw[:needed]
            size = needed

    def decide(
        self,
        *,
        now: int,
        dynos: int,
        time_s: Column,
        response_time_ms: Column,
        status: Column | None = None,
        changed_at: int | None = None,
        bounds: tuple[int, int] | None = None,
        interval: int | None = None,
        maintenance: bool = False,
        dry_run: bool = False,
        shadow: bool = False,
        traffic: Sequence[TrafficRow] = (),
    ) -> Decision:
        """Decides on what is seen at a check; once a check, in the order of time. Parameters as in :func:`decide`."""
        observation, _keep = _observation(
            now, dynos, time_s, response_time_ms, status, changed_at, bounds, interval, maintenance, dry_run, shadow, traffic
        )
        decision = empty()
        result = lib.policy_decide(self._pointer, byref(observation), byref(decision))
        if result:
            raise error_of(result)
        return Decision(decision)

    def __copy__(self) -> Policy:
        return self.restore(self._config, self.save())

    def __deepcopy__(self, _memo: dict[int, Any]) -> Policy:
        return self.__copy__()

    def __reduce__(self) -> Any:
        raise TypeError("a Policy can't be pickled: keep what save() gives, and restore() it with its configuration")

    def __del__(self) -> None:
        pointer = getattr(self, "_pointer", None)
        if pointer:
            lib.policy_free(pointer)


def plot(
    config: Config,
    decision: Decision,
    path: str | os.PathLike[str],
    *,
    now: int,
    dynos: int,
    time_s: Column,
    response_time_ms: Column,
    status: Column | None = None,
    changed_at: int | None = None,
    bounds: tuple[int, int] | None = None,
) -> None:
    """Draws a decision, with what it rests on, into a file that ends in .svg or .png. Parameters as in :func:`decide`.

    :raises IoError: where it can't be written
    :raises InvalidArgumentError: for another ending
    """
    observation, _keep = _observation(
        now, dynos, time_s, response_time_ms, status, changed_at, bounds, None, False, False, False, ()
    )
    c: CDecision = decision._c
    check(lib.plot(config._pointer, byref(observation), byref(c), os.fsencode(path)))
