"""libautoscale: an autoscaler to embed.

Three things, from small to whole: :func:`decide` decides once on what is seen, :class:`Policy` decides check after check
and remembers, :class:`Autoscaler` runs the loop on a thread of its own, with a metric and a target of yours if you like.

Times are unix seconds, response times milliseconds, trends milliseconds per second, sizes dynos (or pods, or machines).
"""

from ._config import Config
from ._decision import Decision, Reason
from ._errors import (
    AutoscaleError,
    CheckFailedError,
    ConfigError,
    CorruptError,
    ForkedError,
    InvalidArgumentError,
    IoError,
    LockedError,
    PanicError,
    ReentrantError,
    SourceError,
    StateError,
    TargetError,
    UnsupportedError,
)
from ._library import FEATURES, Feature, abi_version, version
from ._loop import Autoscaler, Event, EventKind, LogLevel, Outcome, ScaleTarget
from ._policy import Policy, SampleStatus, TrafficRow, decide, plot

__version__ = version()
__all__ = [
    "FEATURES",
    "Autoscaler",
    "AutoscaleError",
    "CheckFailedError",
    "Config",
    "ConfigError",
    "CorruptError",
    "Decision",
    "Event",
    "EventKind",
    "Feature",
    "ForkedError",
    "InvalidArgumentError",
    "IoError",
    "LockedError",
    "LogLevel",
    "Outcome",
    "PanicError",
    "Policy",
    "Reason",
    "ReentrantError",
    "SampleStatus",
    "ScaleTarget",
    "SourceError",
    "StateError",
    "TargetError",
    "TrafficRow",
    "UnsupportedError",
    "abi_version",
    "decide",
    "plot",
    "version",
]
