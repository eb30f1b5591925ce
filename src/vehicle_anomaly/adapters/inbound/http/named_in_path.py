"""The model that a path names, as far as it may be told."""

from collections.abc import Iterator
from typing import Final

from litestar.types import HTTPScope

from vehicle_anomaly.adapters.inbound.http.doorkeeper import MODEL_IN_PATH, is_stranger
from vehicle_anomaly.adapters.inbound.keys.entries import looks_like_key
from vehicle_anomaly.core.errors import Refusal
from vehicle_anomaly.core.model import ModelName, ModelVersion

_VERSION_IN_PATH: Final = "version"


def named_in_path(scope: HTTPScope) -> Iterator[tuple[str, str]]:
    """Yield the fields of the log for the model, and the version, in a request's path.

    What is no name stays out, whatever a caller writes there: it may be anything. So do keys, which are names
    as well, and what strangers write.
    """
    # Not there where no route was found.
    given = scope.get("path_params")
    if not given or MODEL_IN_PATH not in given:
        return
    if is_stranger(scope) or any(map(looks_like_key, given.values())):
        return
    try:
        yield "model_name", ModelName(given[MODEL_IN_PATH]).value
        if _VERSION_IN_PATH in given:
            yield "model_version", ModelVersion(given[_VERSION_IN_PATH]).value
    except Refusal:
        return
