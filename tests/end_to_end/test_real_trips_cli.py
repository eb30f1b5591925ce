"""Train on the benchmark's trips and score a whole one, with the command as people run it."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
from sklearn.ensemble import IsolationForest

from tests.real_trips import TRAINING_READINGS, needs_real_trips, signals, test_trips, training_trips


def run(*arguments: str | Path, store: Path) -> bytes:
    environ = {name: value for name, value in os.environ.items() if name != "MODEL_STORE"}
    ended = subprocess.run(
        [sys.executable, "-m", "vehicle_anomaly", *arguments],
        env={**environ, "MODEL_ARTIFACT_DIR": str(store), "GUARDS": "off"},
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    return ended.stdout


@needs_real_trips
def test_scores_of_a_whole_trip_are_scikit_learns(tmp_path: Path) -> None:
    training, trip = training_trips(), test_trips()[0]
    estimator = IsolationForest(n_estimators=200, contamination=0.05, random_state=42).fit(signals(training))
    X = signals([trip])

    answer = msgspec.json.decode(run("train", *training, store=tmp_path))
    assert answer["record_count"] == TRAINING_READINGS
    verdicts = [msgspec.json.decode(line) for line in run("score", trip, store=tmp_path).splitlines()]

    assert len(verdicts) == len(X)
    scores = [verdict["anomaly_score"] for verdict in verdicts]
    np.testing.assert_allclose(scores, estimator.decision_function(X), rtol=0, atol=1e-12)
    assert [verdict["is_anomaly"] for verdict in verdicts] == (estimator.predict(X) == -1).tolist()
