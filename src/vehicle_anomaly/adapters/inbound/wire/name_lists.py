"""Lists of millions of names in JSON, refused before a string is made of each.

msgspec counts the items of a list when it has all of them: a body of 30 MB took 600 MB before it was refused.
In MessagePack the number stands in front.
"""

import re
from typing import Final

import msgspec

from vehicle_anomaly.core.telemetry import MAX_FEATURE_NAME_LENGTH, MAX_FEATURES

_SPACE: Final = rb"[ \t\r\n]*+"
# Of a name no more is looked at than may be right; the decoder itself ends at one that is longer.
_NAME: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+){0,%d}+"' % (2 * MAX_FEATURE_NAME_LENGTH)
# Behind whatever key: it may be written with escapes. In a message that is right nothing else looks like it,
# for of arrays with texts in them it has one, and a quotation mark within a text has a backslash before it.
_TOO_MANY: Final = re.compile(
    rb":%b\[(?:%b%b%b,){%d}+%b\"" % (_SPACE, _SPACE, _NAME, _SPACE, MAX_FEATURES, _SPACE)
)
_NOTHING: Final = msgspec.Raw(b"null")


class IngestFields(msgspec.Struct, forbid_unknown_fields=True):
    """A request to train, of which nothing but the fields is looked at."""

    records: msgspec.Raw
    feature_names: msgspec.Raw = _NOTHING
    model_name: msgspec.Raw = _NOTHING
    model_version: msgspec.Raw = _NOTHING
    false_alarm_rate: msgspec.Raw = _NOTHING


_look: Final = msgspec.json.Decoder(IngestFields).decode


def refuse_too_many_names(message: bytes | msgspec.Raw) -> None:
    """Refuse a request to train, in JSON, that has a list of more names than there may be features.

    Raises:
        msgspec.MsgspecError: It has, or is wrong in what is told before that.
    """
    if _TOO_MANY.search(memoryview(message)):
        _look(message)
        raise msgspec.ValidationError(f"Expected `array` of length <= {MAX_FEATURES} - at `$.feature_names`")
