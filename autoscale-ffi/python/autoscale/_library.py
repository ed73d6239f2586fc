"""The C library: where it is, and what its functions and structs look like. Calls nothing but its versions."""

from __future__ import annotations

import ctypes
import enum
import os
import sys
from ctypes import POINTER, c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint8, c_uint32, c_void_p
from pathlib import Path

ABI_VERSION = 1


def _names() -> list[str]:
    if sys.platform == "darwin":
        return [f"libautoscale.{ABI_VERSION}.dylib"]
    if sys.platform == "win32":
        return ["autoscale.dll"]
    return [f"libautoscale.so.{ABI_VERSION}"]


def _load() -> ctypes.CDLL:
    """The library that AUTOSCALE_LIBRARY names, else the one beside this file, else the system's."""
    named = os.environ.get("AUTOSCALE_LIBRARY")
    if named:
        return ctypes.CDLL(named)
    here = Path(__file__).parent
    for name in _names():
        if (here / name).exists():
            return ctypes.CDLL(str(here / name))
    try:
        return ctypes.CDLL(_names()[0])
    except OSError as error:
        raise ImportError(
            f"libautoscale is not to be found ({error}): install it, or name its file in AUTOSCALE_LIBRARY"
        ) from error


class CTrafficRow(ctypes.Structure):
    """autoscale_traffic_row"""

    _fields_ = [
        ("from_s", c_int64),
        ("requests", c_uint32),
        ("errors", c_uint32),
        ("timeouts", c_uint32),
        ("router_errors", c_uint32),
        ("connect_ms", c_uint32),
        ("reserved", c_uint32),
        ("service_times", c_uint32 * 40),
    ]


class Observation(ctypes.Structure):
    """autoscale_observation"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("now_s", c_int64),
        ("dynos", c_uint32),
        ("min", c_uint32),
        ("max", c_uint32),
        ("flags", c_uint32),
        ("changed_at_s", c_int64),
        ("interval_s", c_uint32),
        ("n", c_size_t),
        ("time_s", c_void_p),
        ("response_time_ms", c_void_p),
        ("status", c_void_p),
        ("traffic_n", c_size_t),
        ("traffic", c_void_p),
    ]


class CDecision(ctypes.Structure):
    """autoscale_decision"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("action", c_int32),
        ("reason", c_int32),
        ("dynos", c_uint32),
        ("target", c_uint32),
        ("samples_used", c_uint32),
        ("samples_fresh", c_uint32),
        ("mean_ms", c_double),
        ("trend_ms_per_s", c_double),
        ("trend_standard_error", c_double),
        ("load_dynos", c_double),
        ("slow_share_now", c_double),
        ("slow_share_target", c_double),
        ("wait_until_s", c_int64),
        ("load_low", c_double),
        ("load_high", c_double),
        ("incurable_share", c_double),
        ("trend_centre_s", c_double),
        ("trend_mean_ms", c_double),
        ("trend_points", c_uint32),
        ("reserved", c_uint32),
        ("detail", c_double * 7),
        ("requests_per_s", c_double),
        ("forecast_per_s", c_double),
        ("forecast_at_s", c_double),
        ("dyno_carries", c_double),
        ("slow_share", c_double),
        ("incident", c_double),
    ]


class CEvent(ctypes.Structure):
    """autoscale_event"""

    _fields_ = [
        ("struct_size", c_size_t),
        ("kind", c_int32),
        ("outcome", c_int32),
        ("at_s", c_int64),
        ("decision", POINTER(CDecision)),
        ("applied", c_uint32),
        ("failed_in_a_row", c_uint32),
        ("app", c_char_p),
        ("process", c_char_p),
        ("text", c_char_p),
        ("json", c_char_p),
        ("json_len", c_size_t),
    ]


METRIC_FN = ctypes.CFUNCTYPE(c_int32, c_void_p, c_int64, c_int64, c_void_p)
READ_FN = ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(c_uint32), POINTER(c_int64), c_void_p)
SCALE_FN = ctypes.CFUNCTYPE(c_int32, c_void_p, c_uint32, c_void_p)
EVENT_FN = ctypes.CFUNCTYPE(None, c_void_p, POINTER(CEvent))
LOG_FN = ctypes.CFUNCTYPE(None, c_void_p, c_int32, c_void_p, c_size_t)

_HANDLE = c_void_p
_FUNCTIONS = {
    "version": (c_char_p, []),
    "abi_version": (c_uint32, []),
    "features": (c_uint32, []),
    "strerror": (c_char_p, [c_int32]),
    "last_error": (c_size_t, [c_char_p, c_size_t]),
    "config_from_ini": (c_int32, [c_char_p, c_size_t, POINTER(c_void_p)]),
    "config_from_file": (c_int32, [c_char_p, POINTER(c_void_p)]),
    "config_warnings": (c_size_t, [c_void_p, c_char_p, c_size_t]),
    "config_free": (None, [c_void_p]),
    "policy_new": (c_int32, [c_void_p, POINTER(c_void_p)]),
    "policy_decide": (c_int32, [c_void_p, c_void_p, c_void_p]),
    "policy_save": (c_size_t, [c_void_p, c_void_p, c_size_t]),
    "policy_restore": (c_int32, [c_void_p, c_char_p, c_size_t, POINTER(c_void_p)]),
    "policy_free": (None, [c_void_p]),
    "decide": (c_int32, [c_void_p, c_void_p, c_void_p]),
    "decision_text": (c_size_t, [c_void_p, c_char_p, c_size_t]),
    "plot": (c_int32, [c_void_p, c_void_p, c_void_p, c_char_p]),
    "new": (c_int32, [c_void_p, POINTER(c_void_p)]),
    "set_metric_source": (c_int32, [_HANDLE, METRIC_FN, c_void_p]),
    "set_scale_target": (c_int32, [_HANDLE, READ_FN, SCALE_FN, c_void_p]),
    "set_log": (c_int32, [_HANDLE, LOG_FN, c_void_p, c_int32]),
    "set_dry_run": (c_int32, [_HANDLE, c_int32]),
    "check_once": (c_int32, [_HANDLE, c_void_p]),
    "start": (c_int32, [_HANDLE, EVENT_FN, c_void_p]),
    "check_now": (c_int32, [_HANDLE]),
    "pause": (c_int32, [_HANDLE]),
    "resume": (c_int32, [_HANDLE]),
    "request_stop": (c_int32, [_HANDLE]),
    "stop": (c_int32, [_HANDLE]),
    "free": (c_int32, [_HANDLE]),
    "samples_push": (c_int32, [c_void_p, c_int64, c_double, c_uint8]),
    "samples_fail": (None, [c_void_p, c_char_p]),
    "fail": (None, [c_void_p, c_char_p]),
}


class _Library:
    """The functions, without their prefix, with their types."""

    def __init__(self, library: ctypes.CDLL) -> None:
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, f"autoscale_{name}")
            function.restype = result
            function.argtypes = arguments
            setattr(self, name, function)

    def __getattr__(self, name: str) -> ctypes._FuncPointer:  # for type checkers: set above
        raise AttributeError(name)


lib = _Library(_load())


class Feature(enum.IntFlag):
    """What is built into the library."""

    LOOP = 1
    HTTP = 2
    GRAPH = 4


def version() -> str:
    """The version of the library, such as "0.1.0"."""
    return lib.version().decode()


def abi_version() -> int:
    """The version of its interface."""
    return lib.abi_version()


if abi_version() != ABI_VERSION:
    raise ImportError(f"libautoscale has interface {abi_version()}, this package is for {ABI_VERSION}: install its own")

FEATURES = Feature(lib.features())
"""What is built into the library."""
