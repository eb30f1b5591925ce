"""Which models are not answered with what the store has as their latest, and why."""

import structlog

from vehicle_anomaly.core.model import ModelName

_log = structlog.get_logger(__name__)


class DegradedModels:
    """Remembers why, by model; a line in the log says when it begins and when it is over."""

    def __init__(self) -> None:
        """Know of none."""
        self._why: dict[str, str] = {}

    def note(self, name: ModelName, error: Exception) -> None:
        """Say of a model that this is wrong."""
        if name.value not in self._why:
            _log.warning("model degraded", model_name=name.value, error=type(error).__name__)
        self._why[name.value] = str(error)

    def clear(self, name: ModelName) -> None:
        """Say of a model that nothing is wrong."""
        if self._why.pop(name.value, None) is not None:
            _log.info("model not degraded any more", model_name=name.value)

    def __contains__(self, name: ModelName) -> bool:
        """Tell whether something is wrong with a model."""
        return name.value in self._why

    def told(self) -> dict[str, str]:
        """Return what is wrong, by model name."""
        return dict(self._why)
