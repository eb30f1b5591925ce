"""The model that a request names, in its path or its body, as far as it may be told."""

from collections.abc import Iterator
from typing import Final

from litestar.types import HTTPScope

from vehicle_anomaly.adapters.inbound.http.doorkeeper import MODEL_IN_PATH, is_stranger, permitted_in
from vehicle_anomaly.adapters.inbound.keys.entries import looks_like_key
from vehicle_anomaly.core.errors import Refusal
from vehicle_anomaly.core.model import ModelName, ModelVersion

_VERSION_IN_PATH: Final = "version"


def named_model(scope: HTTPScope) -> Iterator[tuple[str, str]]:
    """Yield the fields of the log for the model, and the version, that a request names.

    What is no name stays out, whatever a caller writes there: it may be anything. So do keys, which are names
    as well, and what strangers write.
    """
    # Not there where no route was found.
    given = scope.get("path_params") or {}
    name, version = given.get(MODEL_IN_PATH, permitted_in(scope)), given.get(_VERSION_IN_PATH)
    if name is None or is_stranger(scope):
        return
    if looks_like_key(name) or (version is not None and looks_like_key(version)):
        return
    try:
        yield "model_name", ModelName(name).value
        if version is not None:
            yield "model_version", ModelVersion(version).value
    except Refusal:
        return
