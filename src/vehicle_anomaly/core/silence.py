"""Readings in which no sensor has a value."""

from typing import Final

_MOST: Final = 0.75
"""Share of the rate of false alarms that they may take: what is left is for readings that have a value, whose
limits would else let nearly all pass."""


def is_silence_unusual(silent: int, readings: int, false_alarm_rate: float) -> bool:
    """Tell whether such readings were rare enough in training to be called an anomaly.

    Limits are set, and readings judged, by the same answer.

    Args:
        silent: How many there were.
        readings: How many readings there were in all.
        false_alarm_rate: Share of healthy readings that may be called an anomaly.
    """
    return silent <= _MOST * false_alarm_rate * readings
