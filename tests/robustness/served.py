"""A service in a process of its own, that has a model, and what to send to it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import httpx

from tests.adapters.inbound.http.processes import serving
from tests.adapters.inbound.http.service import BATCH, NAMES, READING

SCORE_BODY = json.dumps(READING).encode()


@dataclass(frozen=True, slots=True)
class Served:
    """A service that runs.

    Attributes:
        pid: Of its process.
        url: Where it listens.
        client: Calls it.
    """

    pid: int
    url: str
    client: httpx.Client

    def still_scores(self) -> bool:
        """Tell whether an ordinary reading is scored."""
        return self.client.post("/score", json=READING).status_code == 200


@contextmanager
def served(store: Path, **variables: str) -> Iterator[Served]:
    """Serve version `v1` of model `default`, on three named features, while the block runs."""
    with serving(store, **variables) as process:
        url = process.wait_for("listening")["url"]
        reader = Thread(target=process.read_on)
        reader.start()
        try:
            with httpx.Client(base_url=url, timeout=120, trust_env=False) as client:
                training: dict[str, Any] = {**BATCH, "model_version": "v1", "feature_names": NAMES}
                assert client.post("/ingest", json=training).status_code == 201
                assert client.post("/score", json=READING).status_code == 200
                yield Served(process.started.pid, url, client)
        finally:
            process.started.terminate()
            reader.join()
