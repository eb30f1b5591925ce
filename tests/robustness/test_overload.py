"""Five times the load that the service can take: it sheds early, and keeps what it has accepted."""

import json
from pathlib import Path
from typing import Final

import pytest

from tests.adapters.inbound.http.service import READING
from tests.robustness.load import Load
from tests.robustness.process_memory import LINUX_ONLY, MEGABYTE, held
from tests.robustness.served import Served, served

pytestmark = LINUX_ONLY

AT_ONCE: Final = 4
N_READINGS: Final = 2000
PAUSE_SECONDS: Final = 0.02
_BODY = json.dumps({"records": [READING] * N_READINGS}).encode()
REQUEST: Final = (
    b"POST /score/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)


def load(service: Served, callers: int, seconds: float) -> Load:
    return Load(service.url, REQUEST, callers, seconds, PAUSE_SECONDS)


# On a machine that does other things too, the short form bears much more.
@pytest.mark.parametrize(
    ("seconds", "factor", "pause"),
    [(3, 10, 2.0), pytest.param(60, 3, 0.0, marks=[pytest.mark.soak, pytest.mark.timeout(900)])],
)
def test_what_is_accepted_is_answered_and_in_time(
    tmp_path: Path, seconds: int, factor: int, pause: float
) -> None:
    with served(tmp_path, MAX_CONCURRENT_REQUESTS=str(AT_ONCE)) as service:
        load(service, AT_ONCE, 1.0)
        full = load(service, AT_ONCE, seconds)
        load(service, 5 * AT_ONCE, 1.0)
        before = held(service.pid)
        beyond = load(service, 5 * AT_ONCE, seconds)
        after = held(service.pid)
        assert service.still_scores()
    print(f"p99 {full.p99:.4f} s at full load, {beyond.p99:.4f} s beyond it: {beyond.statuses}")  # noqa: T201
    assert full.statuses.keys() == {200}, full.statuses
    assert beyond.statuses.keys() == {200, 503}, beyond.statuses
    assert beyond.answers[200].count(b'"is_anomaly":') == N_READINGS
    assert b"\r\nretry-after: " in beyond.answers[503].lower()
    assert beyond.p99 <= factor * full.p99 + pause
    assert after.memory - before.memory < 30 * MEGABYTE
    assert after.threads <= before.threads + 2
