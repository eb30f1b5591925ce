"""Errors of the real service as events of Sentry, and a start that is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.sentry_receiver import PUBLIC_KEY, receiving
from tests.service_process import service_process

VALUE, VEHICLE = 123.4567891, "vehicle-of-a-customer"
READING: Final = {"vehicle_id": VEHICLE, "timestamp": "2026-11-22T10:00:00Z", "feature_vector": [VALUE]}


def test_an_error_is_an_event_that_holds_nothing_of_what_was_asked(tmp_path: Path) -> None:
    pytest.importorskip("sentry_sdk", reason="the extra [sentry] is not installed")
    store = tmp_path / "models"
    (store / "default").mkdir(parents=True)
    (store / "default" / "LATEST").write_text("no version\n")
    with (
        receiving() as sentry,
        service_process(store, SENTRY_DSN=sentry.dsn, ENVIRONMENT="trial", AUTH="off") as url,
        httpx.Client(base_url=url, trust_env=False) as client,
    ):
        assert client.post("/score", json=READING).status_code == 503
        event = sentry.event()

    assert event["level"] == "error"
    assert event["environment"] == "trial"
    assert event["release"].startswith("vehicle-anomaly@")
    assert event["message"] == "model store failed"
    text = json.dumps(event)
    assert [secret for secret in (str(VALUE), VEHICLE, PUBLIC_KEY) if secret in text] == []
    assert not {"request", "user", "exception", "modules"} & event.keys()
    assert event["breadcrumbs"]["values"] == []


def test_who_does_not_answer_holds_nothing_up(tmp_path: Path) -> None:
    """Port 9 takes nothing; the service answers and ends all the same."""
    pytest.importorskip("sentry_sdk", reason="the extra [sentry] is not installed")
    (tmp_path / "default").mkdir()
    (tmp_path / "default" / "LATEST").write_text("no version\n")
    with (
        service_process(tmp_path, SENTRY_DSN=f"http://{PUBLIC_KEY}@127.0.0.1:9/1") as url,
        httpx.Client(base_url=url, trust_env=False) as client,
    ):
        for _ in range(20):
            assert client.post("/score", json=READING).status_code == 503
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("dsn", "ahead", "told"),
    [
        ("http://127.0.0.1/1", "", "SENTRY_DSN: expected https://KEY@HOST/PROJECT"),
        (
            f"http://{PUBLIC_KEY}@127.0.0.1:9/1",
            "sys.modules['sentry_sdk'] = None; ",
            "SENTRY_DSN: expected the extra to be installed: pip install 'vehicle-anomaly[sentry]'",
        ),
    ],
)
def test_what_cannot_be_told_to_is_refused_at_the_start(
    tmp_path: Path, dsn: str, ahead: str, told: str
) -> None:
    program = f"import sys; {ahead}sys.argv = ['vehicle-anomaly', 'serve']; "
    program += "from vehicle_anomaly.__main__ import main; sys.exit(main())"
    environment = {**os.environ, "SENTRY_DSN": dsn, "MODEL_ARTIFACT_DIR": str(tmp_path), "PORT": "0"}

    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode != 0
    assert told in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert PUBLIC_KEY not in ended.stderr


def test_who_tells_nobody_does_not_load_what_would_tell() -> None:
    program = "import sys, vehicle_anomaly.__main__; sys.exit('sentry_sdk' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
