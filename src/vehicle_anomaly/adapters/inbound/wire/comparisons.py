"""What callers send and are told when two versions are compared."""

import io
from collections.abc import Sequence
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from vehicle_anomaly.adapters.inbound.wire.answers import ReasonResponse, reason_responses
from vehicle_anomaly.adapters.inbound.wire.commands import MAX_BATCH_VALUES
from vehicle_anomaly.adapters.inbound.wire.decoding import Encoding, batch_decoders
from vehicle_anomaly.adapters.inbound.wire.fields import ModelNameText, ModelVersionText
from vehicle_anomaly.adapters.inbound.wire.limits import NO_LIMITS, MessageLimits
from vehicle_anomaly.adapters.inbound.wire.readings import decode_readings, to_batch
from vehicle_anomaly.core.compare_versions import Comparison, Difference, Source
from vehicle_anomaly.core.telemetry import TelemetryBatch

Record = TypeVar("Record")
_Count = Annotated[int, Meta(ge=0)]
_Share = Annotated[float, Meta(ge=0, le=1)]


class CompareRequest(msgspec.Struct, Generic[Record], forbid_unknown_fields=True):
    """Readings that both versions score; vectors are in the order of the version in the path."""

    records: Annotated[list[Record], Meta(extra_json_schema={"minItems": 1})]


COMPARE = batch_decoders(CompareRequest[msgspec.Raw])


class ScoreShiftItem(msgspec.Struct, frozen=True):
    """How much higher the version scores than the other; above 0 is more normal."""

    mean: float
    lowest: float
    median: float
    highest: float


class ExampleItem(msgspec.Struct, frozen=True):
    """A reading that is judged differently."""

    record: Annotated[int, Meta(ge=0, description="Where it stands in the batch.")]
    vehicle_id: Annotated[str | None, Meta(description="Null of training readings: it is not kept.")]
    timestamp: Annotated[str | None, Meta(description="Null of training readings: it is not kept.")]
    difference: Difference
    anomaly_score: float
    other_anomaly_score: float
    reasons: Annotated[
        tuple[ReasonResponse, ...], Meta(description="Of whichever version calls it an anomaly.")
    ]


class CompareResponse(msgspec.Struct, frozen=True):
    """What would be answered differently if the version answered in place of the other."""

    model_name: ModelNameText
    model_version: ModelVersionText
    other_version: ModelVersionText
    source: Annotated[
        Source, Meta(description="`training_sample`: kept of the batch that the version was trained on.")
    ]
    readings: Annotated[int, Meta(ge=1)]
    differing: Annotated[_Count, Meta(description="Newly and no longer anomalous.")]
    newly_anomalous: _Count
    no_longer_anomalous: _Count
    both_anomalous: _Count
    both_normal: _Count
    share_anomalous: Annotated[_Share, Meta(description="By the version.")]
    other_share_anomalous: Annotated[_Share, Meta(description="By the other version.")]
    score_shift: ScoreShiftItem
    added_features: Annotated[list[str], Meta(description="That the other version does not have.")]
    removed_features: Annotated[list[str], Meta(description="That only the other version has.")]
    examples: Annotated[list[ExampleItem], Meta(description="Five of each difference at most.")]
    guards: Annotated[
        Literal["on", "off"],
        Meta(description="`off`: the forest alone has judged, by versions with guards, too (`GUARDS`)."),
    ]
    hint: Annotated[
        str | None, Meta(description="What makes this comparison tell nothing; null where it tells.")
    ]


def posted_batch(message: bytes, encoding: Encoding, limits: MessageLimits = NO_LIMITS) -> TelemetryBatch:
    """Read the readings of a request to compare.

    Raises:
        MalformedMessage: The message cannot be decoded.
        InvalidTelemetry: Its readings do not fit each other.
        TooManyRecords: There are more than the limit.
    """
    records = COMPARE[encoding](message).records
    limits.check_records(records)
    return batch_of(records, encoding)


def posted_lines(body: bytes, limits: MessageLimits = NO_LIMITS) -> TelemetryBatch:
    """Read readings of which there is one a line, in JSON; as `posted_batch`."""
    records: list[msgspec.Raw] = []
    count = 0
    # One after the other: of millions too many, nothing is kept but how many they are.
    for line in io.BytesIO(body):
        if line.strip():
            count += 1
            if count <= limits.records:
                records.append(msgspec.Raw(line))
    limits.check_records(range(count))
    return batch_of(records, Encoding.JSON)


def batch_of(records: Sequence[msgspec.Raw], encoding: Encoding) -> TelemetryBatch:
    """Read records that are still to be decoded; as `posted_batch`."""
    readings = (reading for reading, _ in decode_readings(records, encoding))
    return to_batch(readings, None, MAX_BATCH_VALUES)


def compare_response(found: Comparison, *, naming: str = "with `with`") -> CompareResponse:
    """Say what would be answered differently.

    Args:
        found: What is said.
        naming: How another version is named where this was asked for; for the hint.
    """
    differing = found.newly_anomalous + found.no_longer_anomalous
    told: dict[str, Any] = {
        name: getattr(found, name)
        for name in ("source", "newly_anomalous", "no_longer_anomalous", "both_anomalous")
    }
    return CompareResponse(
        **told,
        model_name=found.model_name.value,
        model_version=found.model_version.value,
        other_version=found.other_version.value,
        readings=found.n_readings,
        differing=differing,
        both_normal=found.n_readings - differing - found.both_anomalous,
        share_anomalous=(found.newly_anomalous + found.both_anomalous) / found.n_readings,
        other_share_anomalous=(found.no_longer_anomalous + found.both_anomalous) / found.n_readings,
        score_shift=msgspec.convert(found.shift, ScoreShiftItem, from_attributes=True),
        added_features=list(found.added_features),
        removed_features=list(found.removed_features),
        guards="on" if found.guarded else "off",
        hint=_hint(found, naming),
        examples=[
            ExampleItem(
                record=each.record,
                vehicle_id=each.vehicle_id,
                timestamp=None
                if each.timestamp is None
                else each.timestamp.isoformat().replace("+00:00", "Z"),
                difference=each.difference,
                anomaly_score=each.anomaly_score,
                other_anomaly_score=each.other_anomaly_score,
                reasons=reason_responses(each.reasons),
            )
            for each in found.examples
        ],
    )


def _hint(found: Comparison, naming: str) -> str | None:
    if found.model_version != found.other_version:
        return None
    version = found.model_version.value
    return f"{version} is compared with itself, so nothing can differ: name another version {naming}"
