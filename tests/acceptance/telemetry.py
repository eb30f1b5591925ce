"""Telemetry of the kind that feature files speak of, as messages."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAMES = ("engine_speed_rpm", "vehicle_speed_kmh", "coolant_temperature_celsius")

Message = dict[str, Any]


def healthy(n_readings: int, seed: int = 0) -> NDArray[np.float64]:
    """Simulate healthy vehicles: shape (n_readings, 3), in the order of `NAMES`."""
    random = np.random.default_rng(seed)
    speed = random.uniform(0, 130, n_readings)
    engine = 800 + 22 * speed + random.normal(0, 60, n_readings)
    coolant = random.normal(88, 2, n_readings)
    return np.column_stack([engine, speed, coolant]).round(3)


def of_all_kinds(n_readings: int) -> NDArray[np.float64]:
    """Simulate readings within and far outside what healthy vehicles send."""
    return (healthy(n_readings, seed=7) * np.random.default_rng(8).uniform(0.2, 2.5, (n_readings, 3))).round(
        3
    )


def record(values: list[float | None], position: int = 0, **fields: Any) -> Message:
    """Make one record of a vector."""
    made = {
        "vehicle_id": f"veh-{position % 7:03}",
        "timestamp": f"2026-11-22T10:{position // 60 % 60:02}:{position % 60:02}Z",
        "feature_vector": values,
    }
    return {**made, **fields}


def records(X: NDArray[np.float64]) -> list[Message]:
    """Make a record of each row; NaN is a missing reading."""
    rows = np.where(np.isnan(X), None, X).tolist()  # type: ignore[call-overload]
    return [record(row, position) for position, row in enumerate(rows)]


def by_name(made: Message) -> Message:
    """Make a record by name of one with a vector; a missing value is left out."""
    vector = made["feature_vector"]
    named = {name: value for name, value in zip(NAMES, vector, strict=True) if value is not None}
    return {"vehicle_id": made["vehicle_id"], "timestamp": made["timestamp"], "features": named}


def as_json(message: Message) -> bytes:
    """Write a message as callers do."""
    return json.dumps(message).encode()
