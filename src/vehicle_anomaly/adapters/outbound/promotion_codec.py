"""The record of a promotion as bytes, and the name that it is kept under."""

import json
import re
from datetime import datetime
from typing import Annotated, Final

import msgspec

from vehicle_anomaly.core.errors import DamagedModel, InvalidModelVersion
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.promotions import Promotion

FOLDER: Final = ".promotions"
"""Beside the versions of a model; no version has such a name."""

MAX_PROMOTION_BYTES: Final = 16 * 1024

_NAME: Final = re.compile(r"([0-9]{8,15})-(.+)\.json")
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: Annotated[int, msgspec.Meta(ge=1)]
    at: _Moment
    by: str
    automatic: bool
    from_version: str | None
    to_version: str
    to_trained_at: _Moment


def encode(promotion: Promotion) -> bytes:
    """Turn a record into bytes."""
    entry = _Entry(
        number=promotion.number,
        at=promotion.at,
        by=promotion.by,
        automatic=promotion.automatic,
        from_version=None if promotion.from_version is None else promotion.from_version.value,
        to_version=promotion.to_version.value,
        to_trained_at=promotion.to_trained_at,
    )
    # ASCII alone: it is also metadata of an object, which takes nothing else.
    return json.dumps(msgspec.to_builtins(entry), separators=(",", ":")).encode("ascii")


def decode(data: bytes, name: ModelName, place: str) -> Promotion:
    """Read a record.

    Args:
        data: What `encode` gave.
        name: The model, for errors.
        place: What the record is kept under, for errors.

    Raises:
        DamagedModel: It is none.
    """
    try:
        entry = msgspec.json.decode(data, type=_Entry)
        return Promotion(
            number=entry.number,
            at=entry.at,
            by=entry.by,
            automatic=entry.automatic,
            from_version=None if entry.from_version is None else ModelVersion(entry.from_version),
            to_version=ModelVersion(entry.to_version),
            to_trained_at=entry.to_trained_at,
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InvalidModelVersion) as error:
        raise DamagedModel(name.value, FOLDER, f"{place} is no record of a promotion: {error}") from error


def file_name(promotion: Promotion) -> str:
    """Name the file of a record: it sorts by number, and tells the version without being read."""
    return f"{promotion.number:08}-{promotion.to_version}.json"


def parse_name(name: str) -> tuple[int, ModelVersion] | None:
    """Return number and version of a record by the name of its file; None for a file that is none."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    try:
        return int(found[1]), ModelVersion(found[2])
    except InvalidModelVersion:
        return None
