"""Everything that is compiled, so that no request has to wait for it."""

from vehicle_anomaly.core import explaining, forest, guards, single_readings


def warm_up() -> None:
    """Compile it, or load it compiled; `vehicle-anomaly warm-up` does that ahead of the first start."""
    forest.warm_up()
    guards.warm_up()
    single_readings.warm_up()
    explaining.warm_up()
