"""What was refused is forgotten at once: no exception keeps a body until Python looks for cycles."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.adapters.inbound.http.service import BATCH, READING, running
from tests.queues import wait_until
from vehicle_anomaly.adapters.inbound.http.threads import in_thread
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.core.errors import Refusal

BAD = {**READING, "feature_vector": ["fast", 0, 0]}
BAD_BATCH = {"records": [READING, BAD]}
UNKNOWN = {"model_name": "unknown"}
REFUSED: list[tuple[str, str, Any]] = [
    ("POST", "/score", BAD),
    ("POST", "/score", {**READING, **UNKNOWN}),
    ("POST", "/score/batch", BAD_BATCH),
    ("POST", "/score/batch", {**BATCH, **UNKNOWN}),
    ("POST", "/ingest", BAD_BATCH),
    ("POST", "/models/default/versions/v1/compare", BAD_BATCH),
    ("GET", "/models/unknown", None),
    ("PUT", "/models/default/latest", {"model_version": "v2"}),
]


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_what_was_refused_is_forgotten_at_once(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        for method, path, message in REFUSED:
            with _no_collection():
                # Other tests may keep some.
                before = _exceptions()
                refused = service.client.request(method, path, json=message)
                assert 400 <= refused.status_code < 500, refused.text
                # The answer is out before all that made it is left.
                wait_until(lambda: len(_exceptions()) == len(before))  # noqa: B023  # called at once


def _exceptions() -> list[BaseException]:
    return [one for one in gc.get_objects() if isinstance(one, MalformedMessage | Refusal)]


def test_a_failure_in_a_thread_is_raised_as_it_is() -> None:
    def fail(what: str) -> None:
        raise KeyError(what)

    with pytest.raises(KeyError, match="gone"):
        anyio.run(in_thread, fail, "gone")


def test_a_result_comes_back() -> None:
    assert anyio.run(in_thread, divmod, 7, 2) == (3, 1)
