"""Train on the benchmark's trips in one request, and score a whole trip, over HTTP."""

import csv
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from sklearn.ensemble import IsolationForest

from tests.real_trips import TRAINING_READINGS, needs_real_trips, signals, test_trips, training_trips
from tests.service_process import service_process


def _records(trip: Path) -> list[dict[str, Any]]:
    with trip.open(newline="") as file:
        return [
            {
                "vehicle_id": row.pop("vehicle_id"),
                "timestamp": row.pop("timestamp"),
                "feature_vector": [float(value) for value in row.values()],
            }
            for row in csv.DictReader(file)
        ]


@needs_real_trips
def test_scores_of_a_whole_trip_are_scikit_learns(tmp_path: Path) -> None:
    training, trip = training_trips(), test_trips()[0]
    estimator = IsolationForest(n_estimators=200, contamination=0.05, random_state=42).fit(signals(training))
    X = signals([trip])
    sent = _records(trip)

    with service_process(tmp_path, GUARDS="off") as url, httpx.Client(base_url=url, timeout=120) as client:
        batch = {"records": [record for each in training for record in _records(each)]}
        published = client.post("/ingest", json=batch)
        assert published.status_code == 201, published.text
        assert published.json()["record_count"] == TRAINING_READINGS
        at_once = client.post("/score/batch", json={"records": sent}).json()["results"]
        one_by_one = [client.post("/score", json=record).json() for record in sent[::100]]

    assert one_by_one == at_once[::100]
    assert [(verdict["vehicle_id"], verdict["timestamp"]) for verdict in at_once] == [
        (record["vehicle_id"], record["timestamp"]) for record in sent
    ]
    scores = np.array([verdict["anomaly_score"] for verdict in at_once])
    np.testing.assert_allclose(scores, estimator.decision_function(X), rtol=0, atol=1e-12)
    assert [verdict["is_anomaly"] for verdict in at_once] == (estimator.predict(X) == -1).tolist()
