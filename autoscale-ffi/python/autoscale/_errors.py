"""A status of the library as an exception: one class each, with the library's own text."""

from __future__ import annotations

import ctypes
import numbers
from typing import Any

from ._library import lib


class AutoscaleError(Exception):
    """Something that the library refused or could not do. Its text says what to mend."""

    status = -1


class InvalidArgumentError(AutoscaleError, ValueError):
    """An argument is out of its range, or of the wrong kind."""

    status = 1


class ConfigError(AutoscaleError, ValueError):
    """The configuration can't be used: every problem, one a line."""

    status = 2

    @property
    def problems(self) -> list[str]:
        """Each problem, with its line and mend."""
        return str(self).splitlines()


class IoError(AutoscaleError, OSError):
    """A file can't be read or written."""

    status = 3


class UnsupportedError(AutoscaleError):
    """Not built into this library, or not known to it."""

    status = 4


class StateError(AutoscaleError):
    """Not possible now: started already, or not yet."""

    status = 5


class ReentrantError(AutoscaleError):
    """Called from within a callback of the same loop, where it would wait for itself."""

    status = 6


class ForkedError(AutoscaleError):
    """The loop belongs to the process before os.fork()."""

    status = 7


class PanicError(AutoscaleError):
    """A defect of the library."""

    status = 8


class SourceError(AutoscaleError):
    """The metric source failed."""

    status = 9


class TargetError(AutoscaleError):
    """The scale target failed."""

    status = 10


class CheckFailedError(AutoscaleError):
    """The check took too long."""

    status = 11


class CorruptError(AutoscaleError, ValueError):
    """Saved bytes are damaged, or of another version."""

    status = 12


class LockedError(AutoscaleError):
    """Another instance scales this app already."""

    status = 13


_BY_STATUS = {
    one.status: one
    for one in (
        InvalidArgumentError,
        ConfigError,
        IoError,
        UnsupportedError,
        StateError,
        ReentrantError,
        ForkedError,
        PanicError,
        SourceError,
        TargetError,
        CheckFailedError,
        CorruptError,
        LockedError,
    )
}


def text_of(function, *arguments) -> str:
    """A text that the library copies as snprintf() does."""
    buffer = ctypes.create_string_buffer(512)
    length = function(*arguments, buffer, len(buffer))
    if length >= len(buffer):
        buffer = ctypes.create_string_buffer(length + 1)
        function(*arguments, buffer, len(buffer))
    return buffer.value.decode()


def error_of(status: int) -> AutoscaleError:
    """The exception of a status, with the text of the call that just failed on this thread."""
    return _BY_STATUS.get(status, AutoscaleError)(text_of(lib.last_error))


def check(status: int) -> None:
    """Raises where a call did not succeed."""
    if status:
        raise error_of(status)


def whole(name: str, value: Any) -> int:
    """A time in unix seconds, without its fraction. ctypes takes what does not fit as another number; int() reads dates of
    numpy in whatever unit they have."""
    # An int is asked for first: an abstract class takes long to look.
    if type(value) is not int and not isinstance(value, numbers.Number):
        raise InvalidArgumentError(f"{name} is {value!r}: not a number of unix seconds, as a datetime's timestamp() is")
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidArgumentError(f"{name} is {value!r}: {error}") from error
    if not -(2**63) <= number < 2**63:
        raise InvalidArgumentError(f"{name} is {number}: not within 64 bits")
    return number
