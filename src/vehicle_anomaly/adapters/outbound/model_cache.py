"""Models in memory, in front of any store."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from vehicle_anomaly.adapters.outbound.degraded_models import DegradedModels
from vehicle_anomaly.adapters.outbound.freed_memory import give_back
from vehicle_anomaly.core.errors import DamagedModel, ModelStoreUnavailable, UnknownModel, UnknownModelVersion
from vehicle_anomaly.core.model import ModelMetadata, ModelName, ModelVersion, TrainedModel
from vehicle_anomaly.core.ports import ModelRepository, ModelVersions
from vehicle_anomaly.core.promotions import TRAINER, Promoter, Promotion
from vehicle_anomaly.core.telemetry_sample import TelemetrySample
from vehicle_anomaly.core.training_report import TrainingReport


@dataclass(slots=True)
class _Latest:
    version: ModelVersion
    checked_at: float


class CachedModels:
    """`ModelRepository` that keeps models in memory and asks the store behind it as seldom as it may.

    A version never changes, so one that is in memory is never read again. Which version is the latest is
    asked for again after `refresh_seconds`. While the store is away, or the latest version in it is damaged
    or gone, the last one that could be loaded keeps answering; `degraded` tells.

    Attributes:
        degraded: By model, why it is answered from memory and not with what the store has as its latest.
    """

    def __init__(  # noqa: PLR0913  # the last are for tests, and for what else is made of models
        self,
        models: ModelRepository,
        refresh_seconds: float,
        size: int,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        share: Callable[[TrainedModel], TrainedModel] = lambda model: model,
        tell_latest: Callable[[ModelMetadata], None] = lambda _: None,
    ) -> None:
        """Put a cache before a store.

        Args:
            models: The store.
            refresh_seconds: How long what is known to be the latest version may be out of date.
            size: Versions in memory; the one used longest ago goes first.
            monotonic: Seconds, never going back.
            share: Is given each version that is loaded, and returns the same, perhaps in shared memory.
            tell_latest: Is told, after each asking of the store, which version answers as a model's latest.
        """
        self._models = models
        self._refresh_seconds = refresh_seconds
        self._size = size
        self._monotonic = monotonic
        self._share = share
        self._tell_latest = tell_latest
        self._loaded: OrderedDict[tuple[str, str], TrainedModel] = OrderedDict()
        # The last of those loaded: whoever asks for it again changes no order.
        self._last_used: TrainedModel | None = None
        self._latest: dict[str, _Latest] = {}
        self.degraded = DegradedModels()
        self._lock = threading.Lock()
        self._refreshing: dict[str, threading.Lock] = {}

    def answering(self) -> frozenset[str]:
        """Return the names of the models that have answered with their latest version."""
        return frozenset(self._latest)

    def at_hand(self, name: ModelName, version: ModelVersion | None) -> TrainedModel | None:
        """Return a version, or for None the latest, if that does not take asking the store."""
        if version is None:
            known = self._latest.get(name.value)
            if known is None or self._monotonic() - known.checked_at >= self._refresh_seconds:
                return None
            version = known.version
        key = (name.value, version.value)
        model = self._loaded.get(key)
        if model is not None and model is not self._last_used:
            with self._lock:
                self._use(key)
        return model

    def latest(self, name: ModelName) -> ModelVersion:
        """Return the version that answers when none is named, at most `refresh_seconds` out of date."""
        known = self._latest.get(name.value)
        if known is not None and self._is_fresh(known):
            return known.version
        # One thread asks the store; the others wait for its answer. Unless the store was away already: then
        # they answer from memory at once, for a store that hangs would let them wait again and again.
        refreshing = self._refreshing_of(name)
        if known is not None and name in self.degraded and refreshing.locked():
            return known.version
        with refreshing:
            known = self._latest.get(name.value)
            if known is not None and self._is_fresh(known):
                return known.version
            try:
                return self._refresh(name, known)
            finally:
                self._forget_lock_of_unknown(name)

    def load(self, name: ModelName, version: ModelVersion) -> TrainedModel:
        """Return a version, from memory when it is there."""
        key = (name.value, version.value)
        with self._lock:
            model = self._use(key)
        if model is not None:
            return model
        model = self._share(self._models.load(name, version))
        give_back()
        self._keep(model)
        return model

    def publish(self, model: TrainedModel, promoted_by: str | None = TRAINER) -> ModelMetadata:
        """Publish, and ask the store for the latest version at the next call."""
        published = self._models.publish(model, promoted_by)
        self._forget_latest(model.metadata.model_name)
        return published

    def promote(self, name: ModelName, version: ModelVersion, promoter: Promoter) -> None:
        """Promote, and ask the store for the latest version at the next call."""
        self._models.promote(name, version, promoter)
        self._forget_latest(name)

    def promotions(self, name: ModelName) -> list[Promotion]:
        """Ask the store."""
        return self._models.promotions(name)

    def names(self) -> list[ModelName]:
        """Ask the store."""
        return self._models.names()

    def versions(self, name: ModelName) -> ModelVersions:
        """Ask the store."""
        return self._models.versions(name)

    def metadata(self, name: ModelName, version: ModelVersion) -> ModelMetadata:
        """Ask the store."""
        return self._models.metadata(name, version)

    def report(self, name: ModelName, version: ModelVersion) -> TrainingReport | None:
        """Ask the store."""
        return self._models.report(name, version)

    def sample(self, name: ModelName, version: ModelVersion) -> TelemetrySample | None:
        """Ask the store."""
        return self._models.sample(name, version)

    def check(self) -> None:
        """Ask the store."""
        self._models.check()

    def _is_fresh(self, known: _Latest) -> bool:
        return self._monotonic() - known.checked_at < self._refresh_seconds

    def _refresh(self, name: ModelName, known: _Latest | None) -> ModelVersion:
        # Taken before the store is asked: what it answers may be out of date from that moment on.
        asked_at = self._monotonic()
        try:
            version = self._models.latest(name)
            # Loaded before it takes over: the one before keeps serving if this one does not load.
            model = self.load(name, version)
        except (DamagedModel, ModelStoreUnavailable, UnknownModel, UnknownModelVersion) as error:
            # A published model is for good: a store that knows of none any more has lost it.
            if known is None:
                raise
            self.degraded.note(name, error, by=CachedModels)
            # Counted from the end: the store may have taken longer to fail than its answer would be good for.
            known.checked_at = self._monotonic()
            return known.version
        self.degraded.clear(name, by=CachedModels)
        with self._lock:
            self._latest[name.value] = _Latest(version, asked_at)
        self._tell_latest(model.metadata)
        return version

    def _refreshing_of(self, name: ModelName) -> threading.Lock:
        with self._lock:
            return self._refreshing.setdefault(name.value, threading.Lock())

    def _forget_lock_of_unknown(self, name: ModelName) -> None:
        # Anybody may ask for any name: what is kept for one that has no model must go again.
        with self._lock:
            if name.value not in self._latest:
                self._refreshing.pop(name.value, None)

    def _forget_latest(self, name: ModelName) -> None:
        # Under its lock: an answer that is on its way was asked for too early, and would count as fresh.
        with self._refreshing_of(name):
            known = self._latest.get(name.value)
            if known is not None:
                # Out of date, not gone: it still answers if the store goes away now.
                known.checked_at = -float("inf")
            self._forget_lock_of_unknown(name)

    def _use(self, key: tuple[str, str]) -> TrainedModel | None:
        model = self._loaded.get(key)
        if model is not None:
            self._loaded.move_to_end(key)
            self._last_used = model
        return model

    def _keep(self, model: TrainedModel) -> None:
        key = (model.metadata.model_name.value, model.metadata.model_version.value)
        with self._lock:
            self._loaded[key] = model
            self._use(key)
            while len(self._loaded) > self._size:
                self._evict_oldest(keep=key)

    def _evict_oldest(self, keep: tuple[str, str]) -> None:
        # The latest versions stay as long as others can go: they must answer while the store is away.
        latest = {(name, known.version.value) for name, known in self._latest.items()} | {keep}
        oldest = next((key for key in self._loaded if key not in latest), None)
        if oldest is None:
            oldest = next(key for key in self._loaded if key != keep)
        del self._loaded[oldest]
