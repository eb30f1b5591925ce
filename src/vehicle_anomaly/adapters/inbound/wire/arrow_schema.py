"""What the schema of an Arrow stream would take, read before any of it is decoded.

Its texts stand once in the message, however many fields refer to them, and Arrow copies them for each: a few
hundred kilobytes become gigabytes. The places of fields are those of the format's own description:
https://github.com/apache/arrow/blob/main/format/Schema.fbs
"""

from typing import Final

from vehicle_anomaly.adapters.inbound.wire.flatbuffers import FlatTable
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong
from vehicle_anomaly.adapters.inbound.wire.places import Place
from vehicle_anomaly.core.telemetry import MAX_FEATURES

MOST_TEXT_BYTES: Final = 4 * 1024 * 1024
"""Names, metadata and time zones of all fields, each as often as a field refers to it."""
MOST_FIELDS: Final = MAX_FEATURES + 1000
"""Nested ones among them, which are refused in words once they are decoded."""
# What a field takes in memory beside its texts is less.
_FIELD_BYTES: Final = 256

_SCHEMA_FIELDS, _SCHEMA_METADATA = 1, 2
_NAME, _TYPE_KIND, _TYPE, _CHILDREN, _METADATA = 0, 2, 3, 5, 6
_TIMESTAMP, _TIMEZONE = 10, 1


def check_schema(schema: FlatTable) -> None:
    """Refuse a schema that would take much more memory than its size.

    Raises:
        MalformedMessage: It would.
        struct.error: It is cut off.
    """
    n_bytes = metadata_bytes(schema, _SCHEMA_METADATA)
    n_fields = 0
    open_fields = [schema.tables(_SCHEMA_FIELDS)]
    while open_fields:
        field = next(open_fields[-1], None)
        if field is None:
            open_fields.pop()
            continue
        n_fields += 1
        n_bytes += _FIELD_BYTES + field.length(_NAME) + metadata_bytes(field, _METADATA)
        kind = field.referred(_TYPE)
        if field.scalar(_TYPE_KIND, 1)[0] == _TIMESTAMP and kind is not None:
            n_bytes += FlatTable(field.head, kind).length(_TIMEZONE)
        open_fields.append(field.tables(_CHILDREN))
        if n_fields > MOST_FIELDS:
            raise _too_large(f"{MOST_FIELDS} fields")
        if n_bytes > MOST_TEXT_BYTES:
            raise _too_large(f"{MOST_TEXT_BYTES} bytes of names and metadata")


def metadata_bytes(table: FlatTable, field: int) -> int:
    """Return what pairs of texts take, as often as each stands in the vector.

    Raises:
        MalformedMessage: More than may be.
        struct.error: They are cut off.
    """
    n_bytes = 0
    for pair in table.tables(field):
        n_bytes += 16 + pair.length(0) + pair.length(1)
        if n_bytes > MOST_TEXT_BYTES:
            raise _too_large(f"{MOST_TEXT_BYTES} bytes of names and metadata")
    return n_bytes


def _too_large(most: str) -> MalformedMessage:
    return MalformedMessage([Wrong(Place(), f"malformed: expected a schema of at most {most}")])
