"""Which models are not answered with what the store has as their latest, and why."""

from collections.abc import Hashable

import structlog

from vehicle_anomaly.core.model import ModelName

_log = structlog.get_logger(__name__)


class DegradedModels:
    """Remembers why, by model and by who says so; the log says when it begins and when it is over."""

    def __init__(self) -> None:
        """Know of none."""
        self._why: dict[str, dict[Hashable, str]] = {}

    def note(self, name: ModelName, error: Exception, by: Hashable) -> None:
        """Say of a model that this is wrong."""
        if name.value not in self._why:
            _log.warning("model degraded", model_name=name.value, error=type(error).__name__)
        self._why[name.value] = {**self._why.get(name.value, {}), by: str(error)}

    def clear(self, name: ModelName, by: Hashable) -> None:
        """Say of a model that nothing is wrong; another may know better."""
        known = self._why.get(name.value)
        if known is None or by not in known:
            return
        others = {each: why for each, why in known.items() if each != by}
        if others:
            self._why[name.value] = others
            return
        del self._why[name.value]
        _log.info("model not degraded any more", model_name=name.value)

    def __contains__(self, name: ModelName) -> bool:
        """Tell whether something is wrong with a model."""
        return name.value in self._why

    def told(self) -> dict[str, str]:
        """Return what is wrong, by model name."""
        return {name: next(iter(why.values())) for name, why in [*self._why.items()]}
