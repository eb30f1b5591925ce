"""What a fleet asks of two services and two workers at once: scores, batches, trainings and promotions.

Everything that is asked is kept account of until it is answered.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count, cycle
from time import monotonic
from typing import Any, Final

import httpx

from tests.queues import Queues

NAMES: Final = ("fleet-0", "fleet-1", "fleet-2")
RECORDS: Final[list[dict[str, Any]]] = [
    {
        "vehicle_id": f"veh-{position % 3}",
        "timestamp": f"2026-11-22T10:00:{position:02}Z",
        "feature_vector": [800.0 + 11 * position, 0.5 * position, 88.0 + position % 5],
    }
    for position in range(40)
]
_SCORE_EVERY_SECONDS: Final = 0.05
_SEND_EVERY_SECONDS: Final = 1.0
_ANSWERED_WITHIN_SECONDS: Final = 60.0
_CONSUMERS: Final = 3


def _training(number: int) -> dict[str, Any]:
    shifted = [
        {**one, "feature_vector": [value + number % 97 for value in one["feature_vector"]]} for one in RECORDS
    ]
    return {"records": shifted, "model_name": NAMES[number % len(NAMES)]}


class Traffic:
    """Callers by HTTP and by queue, until they are told to stop.

    Attributes:
        asked: How often what was asked.
        promoted: The versions that were promoted, by model, in order.
    """

    def __init__(self, urls: Sequence[str], queues: Queues, train_every_seconds: float) -> None:
        self._urls = urls
        self._queues = queues
        self._train_every_seconds = train_every_seconds
        self._stopped = threading.Event()
        self._failures: list[str] = []
        self._lock = threading.Lock()
        self._waiting: dict[str, str] = {}
        self._answers: dict[str, dict[str, Any]] = {}
        self.asked: Counter[str] = Counter()
        self.promoted: dict[str, list[str]] = {name: [] for name in NAMES}

    @property
    def failures(self) -> list[str]:
        """What was answered wrongly, or not at all."""
        with self._lock:
            lost = [f"no result for {kind} {request}" for request, kind in self._waiting.items()]
            return self._failures + (lost if self._stopped.is_set() else [])

    def train_first(self) -> None:
        """Train and promote the models that everybody then asks for."""
        with httpx.Client(timeout=60, trust_env=False) as client:
            for number, _ in enumerate(NAMES):
                self._train(client, self._urls[0], number)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Ask while the block runs; afterwards everything has its answer, or is a failure."""
        callers: list[Callable[[], None]] = [
            *(partial(self._score, url) for url in self._urls),
            self._keep_training,
            self._produce,
        ]
        threads = [threading.Thread(target=self._watched, args=(caller,)) for caller in callers]
        # One deletes results more slowly than two workers send them.
        threads += [threading.Thread(target=self._watched, args=(self._consume,)) for _ in range(_CONSUMERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()

    def _watched(self, caller: Callable[[], None]) -> None:
        try:
            caller()
        except Exception as error:  # noqa: BLE001  # told by `failures`; a thread's own is told by nobody
            self._failures.append(repr(error))

    def _asked(self, response: httpx.Response, what: str, status: int) -> dict[str, Any]:
        with self._lock:
            self.asked[what] += 1
        if response.status_code != status:
            self._failures.append(f"{what}: {response.status_code} {response.text[:300]}")
            return {}
        told: dict[str, Any] = response.json()
        return told

    def _score(self, url: str) -> None:
        names = cycle(NAMES)
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            for number in count():
                if self._stopped.wait(_SCORE_EVERY_SECONDS):
                    return
                model = {"model_name": next(names)}
                if number % 20:
                    one = {**RECORDS[number % 40], **model}
                    told = self._asked(client.post("/score", json=one), "score", 200)
                    if told and told["model_name"] != model["model_name"]:
                        self._failures.append(f"asked {model}, answered {told}")
                else:
                    batch = {"records": RECORDS, **model}
                    told = self._asked(client.post("/score/batch", json=batch), "score batch", 200)
                    if told and len(told["results"]) != len(RECORDS):
                        self._failures.append(f"{len(told['results'])} verdicts")

    def _keep_training(self) -> None:
        urls = cycle(self._urls)
        with httpx.Client(timeout=60, trust_env=False) as client:
            for number in count(len(NAMES)):
                if self._stopped.wait(self._train_every_seconds):
                    return
                self._train(client, next(urls), number)

    def _train(self, client: httpx.Client, url: str, number: int) -> None:
        asked = _training(number)
        told = self._asked(client.post(f"{url}/ingest", json=asked), "training", 201)
        if not told:
            return
        name, version = asked["model_name"], told["model_version"]
        wanted = {"model_version": version}
        if self._asked(client.put(f"{url}/models/{name}/latest", json=wanted), "promotion", 200):
            self.promoted[name].append(version)

    def _produce(self) -> None:
        trains_at = monotonic()
        numbers = count(1_000_000)
        while not self._stopped.wait(_SEND_EVERY_SECONDS):
            requests: list[Mapping[str, Any]] = [
                {"type": "score", **one, "model_name": name, "model_version": self.promoted[name][0]}
                for one, name in zip(RECORDS[:8], cycle(NAMES), strict=False)
            ]
            requests.append({"type": "score_batch", "records": RECORDS, "model_name": NAMES[0]})
            if monotonic() >= trains_at:
                trains_at = monotonic() + self._train_every_seconds
                requests.append({"type": "ingest", **_training(next(numbers))})
            # Under the lock: a result may be there before its request's id is known here.
            with self._lock:
                ids = self._queues.send_all(requests)
                for request, told in zip(ids, requests, strict=True):
                    self._waiting[request] = told["type"]
                    self.asked[f"queue {told['type']}"] += 1

    def _consume(self) -> None:
        ends_at = monotonic() + _ANSWERED_WITHIN_SECONDS
        while True:
            for one in self._queues.take(self._queues.results):
                self._take(one.body, one.told)
                # Results may have piled up on a slow machine: as long as there are any, none is lost.
                ends_at = monotonic() + _ANSWERED_WITHIN_SECONDS
            if self._stopped.is_set():
                with self._lock:
                    if not self._waiting or monotonic() > ends_at:
                        return
            else:
                ends_at = monotonic() + _ANSWERED_WITHIN_SECONDS

    def _take(self, body: str, told: dict[str, Any]) -> None:
        request = told["request_id"]
        with self._lock:
            if told["type"] not in ("scored", "scored_batch", "ingested"):
                self._failures.append(body[:300])
            # Whether a version waits, and which is the latest, is told as of now: one may be promoted between
            # two deliveries of a message.
            told.pop("waits", None)
            kept = told["type"] != "scored_batch"
            if kept and self._answers.setdefault(request, told) != told:
                self._failures.append(f"answered {self._answers[request]}, then {told}")
            self._waiting.pop(request, None)
