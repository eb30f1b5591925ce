"""The fields that messages are made of, with what each allows; the same constraints decode and document."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from vehicle_anomaly.core.explaining import Explain
from vehicle_anomaly.core.guard_fitting import LEAST_FALSE_ALARM_RATE, MOST_FALSE_ALARM_RATE
from vehicle_anomaly.core.model import MODEL_NAME_PATTERN, MODEL_VERSION_PATTERN, RESERVED_VERSION
from vehicle_anomaly.core.telemetry import (
    MAX_FEATURE,
    MAX_FEATURE_NAME_LENGTH,
    MAX_FEATURES,
    MAX_VEHICLE_ID_LENGTH,
)

VehicleId = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=MAX_VEHICLE_ID_LENGTH,
        description="Which vehicle measured.",
        examples=["veh-017"],
    ),
]

Timestamp = Annotated[
    str,
    msgspec.Meta(
        description="RFC 3339; one without an offset is taken as UTC.",
        examples=["2026-11-22T10:00:00Z"],
        extra_json_schema={"format": "date-time"},
    ),
]

# The bounds also refuse what MessagePack can say and JSON cannot: NaN and infinity fail both comparisons.
Number = Annotated[float, msgspec.Meta(ge=-MAX_FEATURE, le=MAX_FEATURE)]

FeatureVector = Annotated[
    list[Number | None],
    msgspec.Meta(
        min_length=1,
        max_length=MAX_FEATURES,
        description="One number per feature, in the model's order; null is a missing reading.",
        examples=[[1470.0, 62.5, 88.0, None]],
    ),
]

Features = Annotated[
    dict[str, Number | None],
    msgspec.Meta(
        min_length=1,
        max_length=MAX_FEATURES,
        description="Numbers by name, in place of `feature_vector`; a name left out is a missing reading.",
        examples=[{"engine_speed_rpm": 1470.0, "vehicle_speed_kmh": 62.5}],
    ),
]

FeatureNames = Annotated[
    list[Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_FEATURE_NAME_LENGTH)]],
    msgspec.Meta(
        min_length=1,
        max_length=MAX_FEATURES,
        description="Name of each position of the vectors, unique.",
        examples=[
            ["engine_speed_rpm", "vehicle_speed_kmh", "coolant_temperature_celsius", "air_flow_rate_gps"]
        ],
        extra_json_schema={"uniqueItems": True},
    ),
]


def _named(
    pattern: str, max_length: int, description: str, example: str, further: Mapping[str, Any] | None = None
) -> Any:
    # The domain checks names, for every driver; here they are only documented.
    schema = {"pattern": pattern, "minLength": 1, "maxLength": max_length, **(further or {})}
    return msgspec.Meta(description=description, examples=[example], extra_json_schema=schema)


ModelNameText = Annotated[
    str, _named(MODEL_NAME_PATTERN, 64, "One per fleet, vehicle model or signal set.", "default")
]
# `latest`, in whatever case, is no version's name: a pattern, for JSON Schema has no flag for that.
RESERVED = {"not": {"pattern": "^" + "".join(f"[{each.upper()}{each}]" for each in RESERVED_VERSION) + "$"}}

ModelVersionText = Annotated[
    str,
    _named(
        MODEL_VERSION_PATTERN,
        128,
        "An immutable version of a model.",
        "20261122100000000000-5f0c2a9be41d",
        RESERVED,
    ),
]

ExplainText = Annotated[
    Explain,
    msgspec.Meta(
        description="Which verdicts carry an `explanation`: `anomalies`, `always` or `never`; the service's "
        "own choice, `anomalies` unless it was set otherwise, when not given.",
    ),
]

FalseAlarmRate = Annotated[
    float,
    msgspec.Meta(
        description="Share of healthy readings that may be called an anomaly, 0.0001 to 0.5; the service's "
        "own when not given.",
        examples=[0.01],
        # The domain checks it, for every driver; here it is only documented.
        extra_json_schema={"minimum": LEAST_FALSE_ALARM_RATE, "maximum": MOST_FALSE_ALARM_RATE},
    ),
]
