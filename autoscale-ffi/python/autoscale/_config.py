"""A configuration."""

from __future__ import annotations

import os
from ctypes import byref, c_void_p
from typing import Any

from ._errors import check, text_of
from ._library import lib


class Config:
    """A configuration: never changes; threads may share it. Made by :meth:`from_ini` or :meth:`from_file`."""

    __slots__ = ("_pointer",)

    def __init__(self) -> None:
        raise TypeError("use Config.from_ini(text) or Config.from_file(path)")

    @classmethod
    def _of(cls, pointer: c_void_p) -> Config:
        self = object.__new__(cls)
        self._pointer = pointer
        return self

    @classmethod
    def from_ini(cls, text: str) -> Config:
        """Reads a text in the form of config.ini; no file, no environment variable. Only ``[HEROKU_INFOS] app_name`` is
        needed for a decision, or a loop with a source and target of your own.

        :raises ConfigError: with every problem of it
        """
        data = text.encode()
        pointer = c_void_p()
        check(lib.config_from_ini(data, len(data), byref(pointer)))
        return cls._of(pointer)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Config:
        """Reads a file. API keys that it does not hold come from HEROKU_API_KEY, PINGDOM_API_TOKEN, or the files of
        $CREDENTIALS_DIRECTORY.

        :raises IoError: where it can't be read
        :raises ConfigError: with every problem of it
        """
        pointer = c_void_p()
        check(lib.config_from_file(os.fsencode(path), byref(pointer)))
        return cls._of(pointer)

    @property
    def warnings(self) -> list[str]:
        """What is worth knowing about it: unknown keys, values with another meaning than they seem to have."""
        return text_of(lib.config_warnings, self._pointer).splitlines()

    def __copy__(self) -> Config:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Config:
        return self

    def __reduce__(self) -> Any:
        raise TypeError("a Config can't be pickled: pickle its text or path, and read that again")

    def __del__(self) -> None:
        pointer = getattr(self, "_pointer", None)
        if pointer:
            lib.config_free(pointer)
