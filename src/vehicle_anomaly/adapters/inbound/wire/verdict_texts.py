"""Verdicts of scanned records as JSON: the bytes that msgspec would write, mostly without an object each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.adapters.inbound.wire import splice_kernel
from vehicle_anomaly.adapters.inbound.wire.answers import VerdictResponse, verdict_responses
from vehicle_anomaly.adapters.inbound.wire.record_layout import ID_FROM, ID_TO, N_SPANS, TIME_FROM, TIME_TO
from vehicle_anomaly.adapters.inbound.wire.scanned import Scanned, as_array
from vehicle_anomaly.core.score_telemetry import Scores

_encode: Final = msgspec.json.Encoder().encode

# No vehicle, model or version of the template has one of these in its name.
_HOLES: Final = (b"@vehicle@", b"@timestamp@", b"@score@", b"@percentile@")


@dataclass(frozen=True, slots=True)
class Inserted:
    """Texts that stand between verdicts.

    Attributes:
        texts: In order.
        before: The record whose verdict each comes before, rising; the number of records for after the last.
    """

    texts: Sequence[bytes] = ()
    before: Sequence[int] = ()


NOTHING: Final = Inserted()


def verdict_texts(scanned: Scanned, scores: Scores, separator: bytes, inserted: Inserted = NOTHING) -> bytes:
    """Say what a version says of records.

    Args:
        scanned: The records.
        scores: What it says of them.
        separator: One byte that comes behind each verdict and each text, the last one too.
        inserted: What else is to be said.
    """
    unusual = sorted({*scores.missing, *scores.reasons, *scores.explanations})
    texts = scanned.told(unusual)
    told = verdict_responses(scores.of(unusual), [one for one, _ in texts], [other for _, other in texts])
    others = [
        *((record, 0, text) for record, text in zip(inserted.before, inserted.texts, strict=True)),
        *((record, 1, _encode(verdict)) for record, verdict in zip(unusual, told, strict=True)),
    ]
    others.sort(key=lambda other: other[:2])
    pieces, piece_at = _joined(_template(scores))
    other_texts, other_at = _joined([text for _, _, text in others])
    numbers = as_array(_encode(scores.anomaly_scores))
    percentiles = as_array(b"" if scores.percentiles is None else _encode(scores.percentiles))
    spans = scanned.spans
    size = (
        int((spans[:, ID_TO] - spans[:, ID_FROM] + spans[:, TIME_TO] - spans[:, TIME_FROM]).sum())
        + len(scanned) * (pieces.size + 2)
        + numbers.size
        + percentiles.size
        + other_texts.size
        + len(others)
    )
    out = np.empty(size, np.uint8)
    written = splice_kernel.splice(
        scanned.data,
        spans,
        scanned.has_offset,
        pieces,
        piece_at,
        numbers,
        percentiles,
        other_texts,
        other_at,
        np.array([record for record, _, _ in others], np.int64),
        np.array([replaces for _, replaces, _ in others], np.uint8),
        ord(separator),
        out,
    )
    return out[:written].tobytes()


def warm_up() -> None:
    """Compile what writes verdicts, or load what was compiled."""
    nothing = as_array(b"")
    splice_kernel.splice(
        nothing,
        np.empty((0, N_SPANS), np.int64),
        np.empty(0, np.uint8),
        nothing,
        np.zeros(splice_kernel.N_PIECES + 1, np.int64),
        nothing,
        nothing,
        nothing,
        np.zeros(1, np.int64),
        np.empty(0, np.int64),
        np.empty(0, np.uint8),
        0,
        np.empty(0, np.uint8),
    )


def _template(scores: Scores) -> list[bytes]:
    """Return what stands between the fields of a verdict that has nothing to tell but its score."""
    usual = VerdictResponse(
        "@vehicle@", "@timestamp@", scores.model_name.value, scores.model_version.value, 0.0, False, ()
    )
    fields = msgspec.structs.asdict(usual)
    fields["anomaly_score"] = msgspec.Raw(b"@score@")
    if scores.percentiles is not None:
        fields["percentile"] = msgspec.Raw(b"@percentile@")
    rest = _encode(fields)
    pieces = []
    for hole in _HOLES:
        piece, _, rest = rest.partition(hole)
        pieces.append(piece)
    return [*pieces, rest]


def _joined(texts: Sequence[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    return as_array(b"".join(texts)), np.cumsum([0, *map(len, texts)], dtype=np.int64)
