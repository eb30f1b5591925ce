"""Examples in the AsyncAPI document. A test decodes each with the decoder that the worker uses."""

from typing import Any, Final

from vehicle_anomaly.adapters.inbound.wire.problems import TYPE_PREFIX

_NAMES: Final = ["engine_speed_rpm", "vehicle_speed_kmh", "coolant_temperature_celsius"]
_VERSION: Final = "20261122100004512000-5f0c2a9be41d"
_IDS: Final = {"request_id": "0d9b1f9e-6f0a-4c39-9f6e-2b8a4f0c7d11", "correlation_id": "trip-2026-11-22-017"}
_RECORDS: Final[list[dict[str, Any]]] = [
    {"vehicle_id": "veh-017", "timestamp": "2026-11-22T09:59:57Z", "feature_vector": [1470.0, 62.5, 88.0]},
    {"vehicle_id": "veh-017", "timestamp": "2026-11-22T09:59:58Z", "feature_vector": [1495.0, 63.0, None]},
    {"vehicle_id": "veh-018", "timestamp": "2026-11-22T09:59:59Z", "feature_vector": [810.0, 0.0, 71.0]},
]
_VERDICT: Final[dict[str, Any]] = {
    "vehicle_id": "veh-017",
    "timestamp": "2026-11-22T10:00:05Z",
    "model_name": "default",
    "model_version": _VERSION,
    "anomaly_score": -0.0713,
    "is_anomaly": True,
    "missing": ["vehicle_speed_kmh"],
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
            "expected": 79.5,
            "deviation": 4.1,
        },
        {
            "feature": "vehicle_speed_kmh",
            "contribution": 0.12,
            "observed": None,
            "expected": 62.5,
            "deviation": None,
        },
    ],
}
_WRONG_COUNT: Final = "expected 3 numbers, got 2"

HEADERS: Final = {
    "correlation_id": _IDS["correlation_id"],
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}

INGEST: Final = {"type": "ingest", "feature_names": _NAMES, "records": _RECORDS}
SCORE: Final = {
    "type": "score",
    "vehicle_id": "veh-017",
    "timestamp": "2026-11-22T10:00:05Z",
    "features": {"engine_speed_rpm": 4870.0, "coolant_temperature_celsius": 119.0},
}
SCORE_BATCH: Final = {"type": "score_batch", "records": _RECORDS[:1], "model_version": _VERSION}
OBJECT_CREATED: Final = {
    "Records": [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "eu-central-1",
            "eventTime": "2026-11-22T10:00:00.000Z",
            "eventName": "ObjectCreated:Put",
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "trips",
                "bucket": {"name": "fleet-telemetry", "arn": "arn:aws:s3:::fleet-telemetry"},
                "object": {
                    "key": "incoming/trip+17.csv",
                    "size": 48213,
                    "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                    "sequencer": "0055AED6DCD90281E5",
                },
            },
        }
    ]
}

INGESTED: Final = {
    "type": "ingested",
    **_IDS,
    "model_name": "default",
    "model_version": _VERSION,
    "record_count": 3,
    "metadata": {
        "model_name": "default",
        "model_version": _VERSION,
        "trained_at": "2026-11-22T10:00:04.731882Z",
        "n_estimators": 200,
        "contamination": 0.05,
        "random_state": 42,
        "max_samples": 3,
        "n_features": 3,
        "feature_names": _NAMES,
        "record_count": 3,
        "records_with_missing": 1,
        "missing_per_feature": [0, 0, 1],
        "vehicle_count": 2,
        "first_timestamp": "2026-11-22T09:59:57Z",
        "last_timestamp": "2026-11-22T09:59:59Z",
        "guards": "none",
        "false_alarm_rate": None,
        "percentile_readings": None,
    },
    "waits": False,
    "warnings": [
        {
            "code": "few_vehicles",
            "feature": None,
            "message": "All readings are of two vehicles: use the model for them alone, or train on more, "
            "for what is normal for others is not in it.",
        }
    ],
}
SCORED: Final = {"type": "scored", **_IDS, **_VERDICT}
SCORED_BATCH: Final = {
    "type": "scored_batch",
    **_IDS,
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
SCORED_OBJECT: Final = {
    "type": "scored_object",
    "request_id": _IDS["request_id"],
    "correlation_id": None,
    "bucket": "fleet-telemetry",
    "key": "incoming/trip 17.csv",
    "results_key": "results/incoming/trip 17.csv.ndjson",
    "model_name": "default",
    "model_version": _VERSION,
    "record_count": 812,
    "anomaly_count": 37,
}
REFUSED: Final = {
    "type": "refused",
    **_IDS,
    "problem": {
        "type": f"{TYPE_PREFIX}wrong-feature-count",
        "title": "Wrong number of features",
        "status": 400,
        "detail": f"records[17].feature_vector: {_WRONG_COUNT}",
        "errors": [{"pointer": "/records/17/feature_vector", "detail": _WRONG_COUNT}],
    },
}
