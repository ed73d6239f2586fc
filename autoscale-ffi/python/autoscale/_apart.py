"""Calls on a thread of their own, which their caller can stop waiting for. Knows no library.

Python runs a signal handler on its main thread, between two steps of whatever runs there: what the handler raises while a
callback begins is lost in C, which takes the callback for one that succeeded. So no callback ever runs on a thread that
signals reach. Only calls that the interpreter makes in one step are made on the caller's thread: a handler that raises
between two steps of threading's own classes would leave their locks behind.
"""

from __future__ import annotations

import _thread
import contextvars
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_of_thread = _thread._local()


def stay() -> None:
    """This thread runs callbacks: calls that it makes are made on it, so that the library knows where they come from."""
    _of_thread.stays = True


class Call:
    """A call, and what came of it."""

    def __init__(self, function: Callable[[], object], under_way: set[Call]) -> None:
        self.function = function
        self.under_way = under_way
        self.context = contextvars.copy_context()
        self.result: object = None
        self.error: BaseException | None = None
        self.done = _thread.allocate_lock()
        self.done.acquire()
        # Taken once: by the call as it begins, or by a caller that no longer wants it to.
        self.begins = _thread.allocate_lock()

    def run(self) -> None:
        # Before it begins: a caller that stops waiting either finds it here, or keeps it from beginning.
        self.under_way.add(self)
        try:
            if not self.begins.acquire(False):
                return
            stay()
            self.result = self.context.run(self.function)
        except BaseException as error:  # noqa: BLE001: it is raised where the call was made
            self.error = error
        finally:
            self.under_way.discard(self)
            del self.function, self.context
            self.done.release()

    def wait(self) -> None:
        """Waits for its end, on another thread than its caller's."""
        self.done.acquire()
        self.done.release()


def apart(function: Callable[[], T], under_way: set[Call] | None = None) -> T:
    """Calls a function on a thread of its own, in the caller's context, and waits for it. What a signal handler raises
    comes out at once; a call that has begun goes on, and is in ``under_way`` until it ends."""
    if getattr(_of_thread, "stays", False):
        return function()
    call = Call(function, set() if under_way is None else under_way)
    try:
        _thread.start_new_thread(call.run, ())
        call.wait()
    except BaseException:
        call.begins.acquire(False)
        raise
    error, call.error = call.error, None
    if error is None:
        return call.result  # type: ignore[return-value]
    try:
        raise error
    finally:
        del error  # its traceback holds this frame: a cycle, and what the caller holds in it
