"""Everything that is compiled, so that no request has to wait for it."""

from vehicle_anomaly.core import (
    contrast_fitting,
    explaining,
    fitting,
    forest,
    guards,
    sequences,
    single_readings,
)


def warm_up() -> None:
    """Compile it, or load it compiled; `vehicle-anomaly warm-up` does that ahead of the first start."""
    # What trains, too: loaded it takes twenty milliseconds, and compiled, seconds of somebody's `/ingest`.
    for each in (forest, guards, single_readings, explaining, contrast_fitting, fitting, sequences):
        each.warm_up()
