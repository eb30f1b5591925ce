"""Examples in the OpenAPI document. A test decodes each with the decoder that its operation uses."""

from typing import Any, Final

from vehicle_anomaly.adapters.inbound.wire.problems import TYPE_PREFIX

_NAMES: Final = ["engine_speed_rpm", "vehicle_speed_kmh", "coolant_temperature_celsius", "air_flow_rate_gps"]
_VERSION: Final = "20261122100004512034-5f0c2a9be41d"
_METADATA: Final[dict[str, Any]] = {
    "model_name": "default",
    "model_version": _VERSION,
    "trained_at": "2026-11-22T10:00:04.512034Z",
    "n_estimators": 200,
    "contamination": 0.05,
    "random_state": 42,
    "max_samples": 3,
    "n_features": 4,
    "feature_names": _NAMES,
    "record_count": 3,
    "records_with_missing": 1,
    "missing_per_feature": [0, 0, 0, 1],
    "vehicle_count": 2,
    "first_timestamp": "2026-11-22T09:59:57Z",
    "last_timestamp": "2026-11-22T09:59:59Z",
    "guards": "none",
    "false_alarm_rate": None,
    "percentile_readings": None,
}
_WARNINGS: Final = [
    {
        "code": "few_vehicles",
        "feature": None,
        "message": "All readings are of two vehicles: use the model for them alone, or train on more, "
        "for what is normal for others is not in it.",
    }
]
_REPORT: Final[dict[str, Any]] = {
    "sampled_readings": 3,
    "quantile_levels": [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99],
    "features": [
        {
            "feature": "engine_speed_rpm",
            "minimum": 810.0,
            "maximum": 1495.0,
            "median": 1470.0,
            "quantiles": [810.0, 810.0, 810.0, 1470.0, 1495.0, 1495.0, 1495.0],
            "distinct": 3,
            "missing": 0,
            "missing_share": 0.0,
            "histogram": {"low": 810.0, "high": 1495.0, "counts": [1, 0, 0, 2]},
        }
    ],
    "scores": {
        "sampled_readings": 3,
        "minimum": -0.012,
        "median": 0.031,
        "maximum": 0.034,
        "share_anomalous": 0.333,
        "histogram": {"low": -0.012, "high": 0.034, "counts": [1, 0, 0, 2]},
        "isolation_limit": 0.0,
        "share_below_limit": 0.333,
    },
    "warnings": _WARNINGS,
    "change": {
        "since_version": "20261121100002110034-0d1f93b27ac5",
        "features": [
            {
                "feature": "engine_speed_rpm",
                "psi": 0.031,
                "by_chance": 0.0021,
                "reading": "stable",
                "median_before": 1455.0,
                "missing_share_before": 0.0,
                "cuts": [820.0, 1455.0, 1490.0],
                "shares_before": [0.25, 0.25, 0.25, 0.25],
                "shares_now": [0.24, 0.29, 0.25, 0.22],
            }
        ],
        "added": ["air_flow_rate_gps"],
        "removed": [],
    },
}
_VERDICT: Final[dict[str, Any]] = {
    "vehicle_id": "veh-017",
    "timestamp": "2026-11-22T10:00:05Z",
    "model_name": "default",
    "model_version": _VERSION,
    "anomaly_score": -0.0713,
    "is_anomaly": True,
    "missing": ["air_flow_rate_gps"],
    "reasons": [
        {
            "code": "isolation",
            "feature": None,
            "observed": -0.0713,
            "expected": None,
            "limit": 0.0,
            "message": "The reading as a whole is unlike those of healthy vehicles: its anomaly score is "
            "-0.0713, below 0.",
            "deviation": None,
        }
    ],
    "percentile": 0.0021,
    "explanation": [
        {
            "feature": "engine_speed_rpm",
            "contribution": -1.31,
            "observed": 4870.0,
            "expected": 1620.0,
            "deviation": 5.9,
        },
        {
            "feature": "coolant_temperature_celsius",
            "contribution": -0.87,
            "observed": 119.0,
            "expected": 88.0,
            "deviation": 4.1,
        },
        {
            "feature": "vehicle_speed_kmh",
            "contribution": 0.12,
            "observed": 12.0,
            "expected": 14.5,
            "deviation": -0.4,
        },
        {
            "feature": "air_flow_rate_gps",
            "contribution": 0.04,
            "observed": None,
            "expected": 7.15,
            "deviation": None,
        },
    ],
}
_RECORDS: Final[list[dict[str, Any]]] = [
    {
        "vehicle_id": "veh-017",
        "timestamp": "2026-11-22T09:59:57Z",
        "feature_vector": [1470.0, 62.5, 88.0, 11.9],
    },
    {
        "vehicle_id": "veh-017",
        "timestamp": "2026-11-22T09:59:58Z",
        "feature_vector": [1495.0, 63.0, 88.0, None],
    },
    {"vehicle_id": "veh-018", "timestamp": "2026-11-22T09:59:59Z", "feature_vector": [810.0, 0.0, 71.0, 2.4]},
]

INGEST_REQUEST: Final = {"records": _RECORDS, "feature_names": _NAMES}
INGEST_ANSWER: Final = {
    "model_name": "default",
    "model_version": _VERSION,
    "record_count": 3,
    "metadata": _METADATA,
    "waits": False,
    "warnings": _WARNINGS,
}
SCORE_REQUEST: Final = {
    "vehicle_id": "veh-017",
    "timestamp": "2026-11-22T10:00:05Z",
    "features": {"engine_speed_rpm": 4870.0, "vehicle_speed_kmh": 12.0, "coolant_temperature_celsius": 119.0},
}
SCORE_ANSWER: Final = _VERDICT
SCORE_BATCH_REQUEST: Final = {"records": _RECORDS[:1], "model_version": _VERSION}
SCORE_BATCH_ANSWER: Final = {
    "model_name": "default",
    "model_version": _VERSION,
    "results": [
        {
            **_VERDICT,
            "timestamp": "2026-11-22T09:59:57Z",
            "anomaly_score": 0.0412,
            "is_anomaly": False,
            "missing": [],
            "reasons": [],
            "percentile": 0.4127,
            "explanation": None,
        }
    ],
}
MODELS_ANSWER: Final = {"models": ["default", "vans"]}
_VERSION_ITEM: Final = {**_METADATA, "is_latest": True}
VERSION_ANSWER: Final = {**_VERSION_ITEM, "report": _REPORT}
VERSIONS_ANSWER: Final = {
    "model_name": "default",
    "latest": _VERSION,
    "versions": [_VERSION_ITEM],
    "damaged": [],
    "candidates": [],
}
COMPARE_REQUEST: Final = {"records": _RECORDS}
COMPARE_ANSWER: Final = {
    "model_name": "default",
    "model_version": _VERSION,
    "other_version": "20261121100002110034-0d1f93b27ac5",
    "source": "posted",
    "readings": 3,
    "differing": 1,
    "newly_anomalous": 1,
    "no_longer_anomalous": 0,
    "both_anomalous": 0,
    "both_normal": 2,
    "share_anomalous": 0.3333333333333333,
    "other_share_anomalous": 0.0,
    "score_shift": {"mean": -0.0211, "lowest": -0.0834, "median": 0.0043, "highest": 0.0158},
    "added_features": ["air_flow_rate_gps"],
    "removed_features": [],
    "examples": [
        {
            "record": 0,
            "vehicle_id": "veh-017",
            "timestamp": "2026-11-22T09:59:57Z",
            "difference": "newly_anomalous",
            "anomaly_score": -0.0713,
            "other_anomaly_score": 0.0121,
            "reasons": _VERDICT["reasons"],
        }
    ],
    "guards": "on",
    "hint": None,
}
PROMOTIONS_ANSWER: Final = {
    "model_name": "default",
    "promotions": [
        {
            "number": 2,
            "at": "2026-11-22T10:00:04.512034Z",
            "by": "anonymous@10.0.3.17",
            "kind": "publication",
            "from_version": "20261121100002110034-0d1f93b27ac5",
            "to_version": _VERSION,
        },
        {
            "number": 1,
            "at": "2026-11-21T16:20:00Z",
            "by": "ada@workshop-7",
            "kind": "rollback",
            "from_version": "20261121154211080113-77e0a91c2d4f",
            "to_version": "20261121100002110034-0d1f93b27ac5",
        },
    ],
}
PROMOTE_REQUEST: Final = {"model_version": _VERSION}
PROMOTE_ANSWER: Final = {"model_name": "default", "model_version": _VERSION}
SERVICE_ANSWER: Final = {
    "name": "vehicle-anomaly",
    "version": "0.1.0",
    "environment": "development",
    "links": {"documentation": "/schema", "models": "/models"},
    "guards": "on",
}
LIVENESS_ANSWER: Final = {"status": "ok"}
HEALTH_ANSWER: Final = {"status": "healthy", "version": "0.1.0", "environment": "development"}
READY_ANSWER: Final = {
    "status": "ready",
    "version": "0.1.0",
    "environment": "development",
    "model_store": "connected",
    "guards": "on",
}
UNREADY_ANSWER: Final = {
    "status": "unavailable",
    "version": "0.1.0",
    "environment": "development",
    "model_store": "unreachable",
    "guards": "on",
    "detail": "the model store is out of reach: /srv/models: Permission denied",
}


def _problem(
    kind: str, title: str, status: int, detail: str, at: tuple[str, str] | None = None
) -> dict[str, Any]:
    told: dict[str, Any] = {"type": TYPE_PREFIX + kind, "title": title, "status": status, "detail": detail}
    if at is not None:
        told["errors"] = [{"pointer": at[0], "detail": at[1]}]
    return told


_WRONG_VALUE: Final = "expected a number or null, got a string"
_WRONG_COUNT: Final = "expected 4 numbers, got 3"

PROBLEMS: Final[dict[int, dict[str, dict[str, Any]]]] = {
    400: {
        "malformed": _problem(
            "malformed-message",
            "Malformed message",
            400,
            f"records[17].feature_vector[3]: {_WRONG_VALUE}",
            ("/records/17/feature_vector/3", _WRONG_VALUE),
        ),
        "wrong feature count": _problem(
            "wrong-feature-count",
            "Wrong number of features",
            400,
            f"records[17].feature_vector: {_WRONG_COUNT}",
            ("/records/17/feature_vector", _WRONG_COUNT),
        ),
    },
    408: {
        "too slow": _problem("too-slow", "Too slow", 408, "expected the body within 120 seconds"),
    },
    431: {
        "too many": _problem("too-many-headers", "Headers too large", 431, "expected at most 100 headers"),
    },
    401: {
        "no key": _problem(
            "no-key",
            "No key",
            401,
            "this call takes a key: send it as Authorization: Bearer or as X-API-Key",
        ),
        "expired": _problem("unusable-key", "Not a valid key", 401, "key 'fleet-a-2026' has expired"),
    },
    403: {
        "missing scope": _problem(
            "missing-scope", "The key may not do this", 403, "key 'fleet-a-2026' has no scope 'train'"
        ),
        "foreign model": _problem(
            "foreign-model",
            "The key may not name this model",
            403,
            "key 'fleet-a-2026' may not name this model",
        ),
    },
    404: {
        "unknown model": _problem(
            "unknown-model",
            "Unknown model",
            404,
            "model 'vans' is not available: no version of it has been published",
        )
    },
    409: {
        "version exists": _problem(
            "version-exists",
            "The version exists with other content",
            409,
            "version 'v1' of model 'default' exists already with other content: "
            "a published version never changes",
        )
    },
    413: {
        "too large": _problem(
            "body-too-large",
            "Body too large",
            413,
            "body: expected at most 33554432 bytes (MAX_BODY_BYTES)",
        ),
        "too large a reading": _problem(
            "body-too-large",
            "Body too large",
            413,
            "body: expected at most 4194304 bytes (one reading)",
        ),
        "too many": _problem(
            "too-many-records",
            "Too many records",
            413,
            "records: expected at most 1000000 (MAX_RECORDS), got 1000001: send them in parts",
        ),
    },
    415: {
        "unsupported": _problem(
            "unsupported-media-type",
            "Unsupported media type",
            415,
            "Content-Type: expected application/json or application/msgpack, got 'text/plain'",
        )
    },
    429: {
        "too often": _problem(
            "too-many-requests",
            "Too many requests",
            429,
            "key 'fleet-a-2026' may call 20 times a second",
        ),
        "busy": _problem(
            "training-slots-busy",
            "All training slots are busy",
            429,
            "1 trainings run and 32 wait, which is all there may be: try again later",
        ),
    },
    503: {
        "overloaded": _problem(
            "overloaded",
            "Too much to do",
            503,
            "1000 requests are worked on, which is all there may be at once: try again later",
        ),
        "stopping": _problem(
            "stopping",
            "The service stops",
            503,
            "the service stops, and this request was not finished in time (DRAIN_SECONDS): send it again",
        ),
        "unavailable": _problem(
            "model-store-unavailable",
            "The model store is out of reach",
            503,
            "the model store is out of reach: /srv/models: Permission denied",
        ),
    },
}
