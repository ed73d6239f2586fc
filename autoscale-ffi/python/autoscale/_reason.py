"""Why a decision was taken. Made from the table of reasons by `make generate`."""

from __future__ import annotations

import enum


class Reason(enum.IntEnum):
    """Why. The numbers are frozen; a later library may have more, which are plain numbers here."""

    SWITCHED_OFF = 1
    MAINTENANCE = 2
    MANUAL_OVERRIDE = 3
    NO_DATA = 4
    MISSING_DATA = 5
    BELOW_MIN = 6
    ABOVE_MAX = 7
    ABOVE_MAX_BUT_SLOW = 8
    OVERRIDE_YIELDS = 10
    ABOVE_HIGH = 20
    AT_MAX = 21
    AT_MIN = 22
    RECOVERING = 23
    FUTILE = 24
    SETTLING = 25
    TREND_RISING = 26
    TREND_FALLING = 27
    BELOW_LOW = 28
    RISING_BELOW_LOW = 29
    STEADY = 30
    UNCONFIRMED = 31
    COOLING_DOWN = 32
    RECENTLY_SLOW = 33
    BARRED = 34
    OUTAGE = 35
    OUTAGE_STEP = 36
    DOWN_NOW = 37
    TRYING_FEWER = 38
    MORE_ARE_CHEAPER = 60
    FEWER_ARE_CHEAPER = 61
    BALANCED = 62
    ADD_WOULD_NOT_PAY = 63
    REMOVAL_WOULD_NOT_PAY = 64
    WAITING_FOR_EFFECT = 65
    TRAFFIC_MORE = 80
    TRAFFIC_ADD_WOULD_NOT_PAY = 81
    TRAFFIC_SLOW = 82
    TRAFFIC_INCIDENT = 83
    TRAFFIC_STEP_BACK = 84
    TRAFFIC_FEWER = 85
    TRAFFIC_ENOUGH = 86
    TRAFFIC_UNKNOWN = 87
