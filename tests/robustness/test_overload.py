"""Five times the load that the service can take: it sheds early, and keeps what it has accepted."""

import json
import statistics
import threading
from collections import Counter
from pathlib import Path
from time import monotonic, perf_counter

import httpx
import pytest

from tests.adapters.inbound.http.service import READING
from tests.robustness.process_memory import LINUX_ONLY, MEGABYTE, held
from tests.robustness.served import Served, served

pytestmark = LINUX_ONLY

AT_ONCE = 4
BATCH_BODY = json.dumps({"records": [READING] * 2000}).encode()
PAUSE_SECONDS = 0.02


class Load:
    """Callers, each of which asks again as soon as it is answered, or a little after it was turned away."""

    def __init__(self, service: Served, callers: int, seconds: float) -> None:
        self._service = service
        self._stopped = threading.Event()
        self.statuses: Counter[int] = Counter()
        self.took: list[float] = []
        self.failures: list[str] = []
        self._lock = threading.Lock()
        threads = [threading.Thread(target=self._call) for _ in range(callers)]
        for thread in threads:
            thread.start()
        self._stopped.wait(seconds)
        self._stopped.set()
        for thread in threads:
            thread.join()

    @property
    def p99(self) -> float:
        """How long 99 of 100 accepted requests took at most, in seconds."""
        return statistics.quantiles(self.took, n=100)[98]

    def _call(self) -> None:
        with httpx.Client(base_url=self._service.url, timeout=120, trust_env=False) as client:
            while not self._stopped.is_set():
                sent = perf_counter()
                try:
                    response = client.post(
                        "/score/batch", content=BATCH_BODY, headers={"content-type": "application/json"}
                    )
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                    return
                with self._lock:
                    self.statuses[response.status_code] += 1
                    if response.status_code == 200:
                        self.took.append(perf_counter() - sent)
                        assert len(response.json()["results"]) == 2000
                    else:
                        assert "retry-after" in response.headers
                if response.status_code != 200:
                    self._stopped.wait(PAUSE_SECONDS)


# On a machine that does other things too, the short form bears much more.
@pytest.mark.parametrize(
    ("seconds", "factor", "pause"),
    [(3, 10, 2.0), pytest.param(60, 3, 0.0, marks=[pytest.mark.soak, pytest.mark.timeout(900)])],
)
def test_what_is_accepted_is_answered_and_in_time(
    tmp_path: Path, seconds: int, factor: int, pause: float
) -> None:
    with served(tmp_path, MAX_CONCURRENT_REQUESTS=str(AT_ONCE)) as service:
        Load(service, AT_ONCE, 1.0)
        full = Load(service, AT_ONCE, seconds)
        Load(service, 5 * AT_ONCE, 1.0)
        before = held(service.pid)
        began = monotonic()
        beyond = Load(service, 5 * AT_ONCE, seconds)
        assert monotonic() - began < seconds + 60
        after = held(service.pid)
        assert service.still_scores()
    assert full.failures == beyond.failures == []
    assert beyond.statuses.keys() == {200, 503}, beyond.statuses
    assert beyond.p99 <= factor * full.p99 + pause
    assert after.memory - before.memory < 30 * MEGABYTE
    assert after.threads <= before.threads + 2
