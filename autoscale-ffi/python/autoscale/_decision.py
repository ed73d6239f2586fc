"""A decision."""

from __future__ import annotations

import math
from ctypes import addressof, memmove, sizeof

from ._errors import text_of
from ._library import CDecision, lib
from ._reason import Reason


_REASONS = {int(reason): reason for reason in Reason}


def _number(name: str, doc: str) -> property:
    def get(self: Decision) -> float | None:
        value = getattr(self._c, name)
        return None if math.isnan(value) else value

    return property(get, doc=doc)


def _count(name: str, doc: str) -> property:
    return property(lambda self: getattr(self._c, name), doc=doc)


class Decision:
    """A size to have, why, and on what evidence. ``str()`` of it is one sentence."""

    __slots__ = ("_c",)

    def __init__(self, c: CDecision) -> None:
        self._c = c

    @classmethod
    def _copy(cls, c: CDecision) -> Decision:
        # A library has a shorter or a longer one, and says so in it: the copy is as long as this package knows.
        copy = empty()
        memmove(addressof(copy), addressof(c), min(c.struct_size, sizeof(CDecision)))
        copy.struct_size = sizeof(CDecision)
        return cls(copy)

    action: int = _count("action", "-1: fewer dynos; 0: as many; 1: more.")
    dynos: int = _count("dynos", "Dynos that there are.")
    target: int = _count("target", "Dynos that there should be.")
    samples_used: int = _count("samples_used", "Results that were looked at.")
    samples_fresh: int = _count("samples_fresh", "Of these, measured since the last change had time to show.")
    mean_ms: float | None = _number("mean_ms", "Mean response time that was judged, ms.")
    trend_ms_per_s: float | None = _number("trend_ms_per_s", "Trend of the response times, ms per second.")
    trend_standard_error: float | None = _number("trend_standard_error", "Its standard error, ms per second.")
    load_dynos: float | None = _number("load_dynos", "Believed load, dynos; None under the threshold policy.")
    load_low: float | None = _number("load_low", "Its 10 % quantile, dynos.")
    load_high: float | None = _number("load_high", "Its 90 % quantile, dynos.")
    slow_share_now: float | None = _number("slow_share_now", "Expected share of slow requests now, 0 to 1.")
    slow_share_target: float | None = _number("slow_share_target", "The same with the target.")
    incurable_share: float | None = _number("incurable_share", "Probability that dynos can't cure it, 0 to 1.")
    requests_per_s: float | None = _number("requests_per_s", "Requests per second; None where they are not counted.")
    forecast_per_s: float | None = _number("forecast_per_s", "Requests per second that are forecast.")
    forecast_at: float | None = _number("forecast_at_s", "For when, unix seconds.")
    dyno_carries: float | None = _number("dyno_carries", "Requests per second at which 1 % of a dyno's are slow.")
    slow_share: float | None = _number("slow_share", "Share of slow requests of the last minute, 0 to 1.")
    incident: float | None = _number("incident", "Probability of an incident, which dynos can't cure, 0 to 1.")

    @property
    def reason(self) -> Reason | int:
        """Why."""
        return _REASONS.get(self._c.reason, self._c.reason)

    @property
    def wait_until(self) -> int | None:
        """When the change that is waiting comes unless new results change the decision, unix seconds; else None."""
        return None if self._c.wait_until_s < 0 else self._c.wait_until_s

    @property
    def text(self) -> str:
        """One sentence: how many, and why."""
        return text_of(lib.decision_text, addressof(self._c))

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Decision {self.text!r}>"


def empty() -> CDecision:
    """A place for a decision."""
    return CDecision(sizeof(CDecision))
