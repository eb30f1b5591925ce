"""Whether what answers from memory is still in the store as it was published."""

import threading
import time
from collections.abc import Callable
from typing import Final

from vehicle_anomaly.adapters.outbound.model_cache import CachedModels
from vehicle_anomaly.core.errors import DamagedModel, ModelStoreUnavailable, UnknownModel, UnknownModelVersion
from vehicle_anomaly.core.model import DEFAULT_MODEL_NAME, ModelName
from vehicle_anomaly.core.ports import ModelRepository

# Readiness is asked for every few seconds, by anybody: it must neither take long nor cost much.
_MOST_AT_ONCE: Final = 8


class Examination:
    """Reads LATEST and the manifest of models that answer here, when it is told to.

    Scoring never does: a version in memory is not read again. So what was damaged behind it would be found
    out by the next process that starts, which has nothing in memory to answer with.
    """

    def __init__(
        self,
        cached: CachedModels,
        store: ModelRepository,
        seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Examine a store.

        Args:
            cached: What answers.
            store: The store behind it.
            seconds: From one examination to the next, at least.
            monotonic: Seconds, never going back.
        """
        self._cached = cached
        self._store = store
        self._seconds = seconds
        self._monotonic = monotonic
        self._examined_at = -float("inf")
        self._examining = threading.Lock()
        self._next = 0

    def degraded(self) -> dict[str, str]:
        """Return by model name what is known to be wrong."""
        return self._cached.degraded.told()

    def examine(self) -> None:
        """Look at the next few models, unless somebody does or just did."""
        if not self._examining.acquire(blocking=False):
            return
        try:
            if self._monotonic() - self._examined_at >= self._seconds:
                self._examine_some()
                self._examined_at = self._monotonic()
        except ModelStoreUnavailable:
            # It can be told by asking whether the store is there, and is, by whoever asks for this.
            return
        finally:
            self._examining.release()

    def _examine_some(self) -> None:
        # The one that answers when none is named is looked at before anybody asks for it.
        names = [*dict.fromkeys([DEFAULT_MODEL_NAME.value, *sorted(self._cached.answering())])]
        first, self._next = self._next, (self._next + _MOST_AT_ONCE) % max(len(names), 1)
        for name in ([*names[first:], *names[:first]])[:_MOST_AT_ONCE]:
            self._examine(ModelName(name))

    def _examine(self, name: ModelName) -> None:
        degraded = self._cached.degraded
        is_answering = name.value in self._cached.answering()
        if is_answering and name in degraded:
            # All may be well again, and nobody have asked for it since.
            self._cached.latest(name)
        try:
            self._store.metadata(name, self._store.latest(name))
        except (DamagedModel, UnknownModelVersion) as error:
            degraded.note(name, error, by=Examination)
        except UnknownModel as error:
            if is_answering:
                degraded.note(name, error, by=Examination)
            else:
                # What never answered needs not be there.
                degraded.clear(name, by=Examination)
        else:
            degraded.clear(name, by=Examination)
