"""A reading so large that decoding it would hold up the others."""

import json

from tests.adapters.inbound.http.service import READING, Service
from vehicle_anomaly.adapters.inbound.wire.readings import MAX_RECORD_BYTES


def test_one_reading_may_not_be_as_large_as_a_batch(service: Service) -> None:
    body = json.dumps(READING).encode() + b" " * MAX_RECORD_BYTES
    response = service.post("/score", body)
    assert response.status_code == 413
    assert response.json()["detail"] == f"body: expected at most {MAX_RECORD_BYTES} bytes (one reading)"


def test_a_large_reading_is_scored_as_a_small_one_is(service: Service) -> None:
    small = json.dumps(READING).encode()
    large = small + b" " * 1_000_000
    assert service.post("/score", large).json() == service.post("/score", small).json()
