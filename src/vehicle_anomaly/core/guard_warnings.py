"""What guards cannot learn from few readings, and what becomes of the false-alarm rate that was asked for."""

from collections.abc import Iterator

from vehicle_anomaly.core.batch_warnings import BatchWarning, there_are
from vehicle_anomaly.core.guard_fitting import MIN_READINGS, MIN_READINGS_FOR_TREES, GuardParameters


def guard_warnings(
    n_readings: int, parameters: GuardParameters | None, contamination: float | str
) -> tuple[BatchWarning, ...]:
    """Say what a batch is too small for.

    Args:
        n_readings: How many there are.
        parameters: How guards were to be made; None where nobody wanted any.
        contamination: What the forest decides by where it is alone.
    """
    return () if parameters is None else tuple(_warnings(n_readings, parameters, contamination))


def _warnings(
    n_readings: int, parameters: GuardParameters, contamination: float | str
) -> Iterator[BatchWarning]:
    rate = parameters.false_alarm_rate
    if n_readings < MIN_READINGS:
        yield BatchWarning(
            "no_guards",
            None,
            f"{there_are(n_readings)}, and guards need {MIN_READINGS}: the forest judges alone, "
            f"which hardly sees a single wrong sensor, and the false-alarm rate of {rate:g} is not held, for "
            f"CONTAMINATION ({contamination}) decides. Send {MIN_READINGS_FOR_TREES} readings or more.",
        )
        return
    if n_readings < MIN_READINGS_FOR_TREES:
        yield BatchWarning(
            "ranges_only",
            None,
            f"{there_are(n_readings)}, and sensors are compared with each other from "
            f"{MIN_READINGS_FOR_TREES} on: values out of range and missing ones are found, those that "
            "contradict other sensors are not. Send more.",
        )
    if n_readings * rate < 1:
        yield BatchWarning(
            "uncertain_rate",
            None,
            f"A false-alarm rate of {rate:g} is less than one of the {n_readings} readings, so the limits "
            f"lie beyond all that was seen and the rate is a guess: send {round(10 / rate):,} readings, or "
            "ask for a higher rate.",
        )
