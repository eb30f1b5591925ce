"""What callers get."""

from collections.abc import Iterable
from itertools import repeat
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from vehicle_anomaly.adapters.inbound.wire.fields import ModelNameText, ModelVersionText, Timestamp, VehicleId
from vehicle_anomaly.adapters.inbound.wire.reports import (
    ReportItem,
    WarningItem,
    report_item,
    warning_items,
)
from vehicle_anomaly.core.explaining import Explanation
from vehicle_anomaly.core.model import GuardsKind, ModelMetadata
from vehicle_anomaly.core.ports import ModelVersions
from vehicle_anomaly.core.reasons import Code, Reason
from vehicle_anomaly.core.score_telemetry import Scores, Verdict, Verdicts
from vehicle_anomaly.core.train_model import Published
from vehicle_anomaly.core.training_report import TrainingReport


class ReasonResponse(msgspec.Struct, frozen=True, gc=False):
    """Why a reading is an anomaly."""

    code: Annotated[
        Code,
        Meta(
            description="`out_of_range`: outside what training saw, by a margin. `missing`: no value where "
            "training hardly ever lacked one, or of the whole: no value at all. `inconsistent`: contradicts "
            "the other sensors. `isolation`: the forest finds the reading as a whole unusual."
        ),
    ]
    feature: Annotated[
        str | int | None, Meta(description="The sensor, by name or else by position; null: the whole.")
    ]
    observed: Annotated[
        float | None, Meta(description="The sensor's value; the anomaly score for `isolation`.")
    ]
    expected: Annotated[
        float | None,
        Meta(description="What the other sensors suggest; what is usual where none of them tells."),
    ]
    limit: Annotated[
        float | None,
        Meta(
            description="Of `out_of_range`, the end of what is in range; of `inconsistent`, about where it "
            "would no longer contradict the others; of `isolation`, the score."
        ),
    ]
    message: Annotated[str, Meta(description="A sentence that a mechanic understands.")]
    deviation: Annotated[
        float | None,
        Meta(
            description="How much higher than `expected` it is, in spreads: half the range of the middle "
            "68 % of what is to be expected, but no less than a thirty-second of that in training. "
            "Null without a value or a spread, and for `isolation`."
        ),
    ] = None


class ContributionResponse(msgspec.Struct, frozen=True, gc=False):
    """What one feature contributed to the score of a reading."""

    feature: Annotated[str | int, Meta(description="The sensor, by name or else by position.")]
    contribution: Annotated[
        float,
        Meta(
            description="By how much it made the forest's mean path longer, in splits; negative: shorter, "
            "and the reading more anomalous. All sum to what the path is longer than in training."
        ),
    ]
    observed: Annotated[
        float | None, Meta(description="The sensor's value; null: none, scored as the training median.")
    ]
    expected: Annotated[
        float,
        Meta(description="What the other sensors suggest; the training median where they tell nothing."),
    ]
    deviation: Annotated[
        float | None,
        Meta(
            description="How much higher than `expected` it is, in spreads: half the range of the middle "
            "68 % of what is to be expected, but no less than a thirty-second of that in training. "
            "Null without a value or a spread."
        ),
    ] = None


class VerdictResponse(msgspec.Struct, frozen=True, gc=False):
    """What the model says of one reading."""

    vehicle_id: VehicleId
    timestamp: Timestamp
    model_name: ModelNameText
    model_version: ModelVersionText
    anomaly_score: Annotated[
        float, Meta(description="scikit-learn's `decision_function`: negative is anomalous.")
    ]
    is_anomaly: bool
    missing: Annotated[
        tuple[str | int, ...],
        Meta(
            description="Features without a value, scored as the training median: names, or else positions."
        ),
    ]
    reasons: Annotated[
        tuple[ReasonResponse, ...],
        Meta(description="Why it is an anomaly, the most telling first; none when it is not."),
    ] = ()
    percentile: Annotated[
        float | None,
        Meta(
            description="Share of healthy readings that score lower, 0 to 1; null when the version does not "
            "know, as its `percentile_readings` says."
        ),
    ] = None
    explanation: Annotated[
        tuple[ContributionResponse, ...] | None,
        Meta(description="What each feature contributed, the largest first; null when it was not wanted."),
    ] = None


class ScoreBatchResponse(msgspec.Struct, frozen=True):
    """One verdict per record, in order."""

    model_name: ModelNameText
    model_version: ModelVersionText
    results: list[VerdictResponse]


class ModelMetadataResponse(msgspec.Struct, frozen=True):
    """What is known of one version of a model."""

    model_name: ModelNameText
    model_version: ModelVersionText
    trained_at: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    n_estimators: Annotated[int, Meta(ge=1, description="Trees.")]
    contamination: Annotated[
        float | Literal["auto"], Meta(description="Share of the training records taken as anomalous.")
    ]
    random_state: Annotated[int, Meta(ge=0)]
    max_samples: Annotated[int, Meta(ge=1, description="Records that each tree was grown on.")]
    n_features: Annotated[int, Meta(ge=1)]
    feature_names: list[str] | None
    record_count: Annotated[int, Meta(ge=1)]
    records_with_missing: Annotated[
        int, Meta(ge=0, description="Records that had a missing value, imputed with the median.")
    ]
    missing_per_feature: list[int]
    vehicle_count: Annotated[int, Meta(ge=1)]
    first_timestamp: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    last_timestamp: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    guards: Annotated[
        GuardsKind,
        Meta(
            description="What stands beside the forest. `none`: nothing, as in versions from before. "
            "`ranges`: too few records to compare sensors. `partial`: some sensors are compared with the "
            "others. `full`: all are."
        ),
    ]
    false_alarm_rate: Annotated[
        float | None,
        Meta(description="Share of healthy readings that may be called an anomaly; null without guards."),
    ]
    percentile_readings: Annotated[
        int | None,
        Meta(
            description="Training records whose scores, by trees that did not see them, percentiles are "
            "taken from; null: there are none, as in versions from before or of fewer than 100 records."
        ),
    ]


class IngestResponse(msgspec.Struct, frozen=True):
    """The version that was published."""

    model_name: ModelNameText
    model_version: ModelVersionText
    record_count: Annotated[int, Meta(ge=1)]
    metadata: ModelMetadataResponse
    waits: Annotated[
        bool,
        Meta(
            description="Whether it waits to be promoted, as `AUTO_PROMOTE=false` has it; until then it "
            "answers only where it is named."
        ),
    ] = False
    warnings: Annotated[
        list[WarningItem], Meta(description="What about the records makes it worse, as in its report.")
    ] = []


class ModelsResponse(msgspec.Struct, frozen=True):
    """The models there are."""

    models: list[ModelNameText]


class ModelVersionItem(ModelMetadataResponse, frozen=True):
    """A version in a list."""

    is_latest: bool


class ModelVersionResponse(ModelVersionItem, frozen=True):
    """All that is known of one version."""

    report: Annotated[
        ReportItem | None,
        Meta(description="What was said of its training; null in versions from before there were reports."),
    ]


class DamagedVersionItem(msgspec.Struct, frozen=True):
    """A version that is not what was published, and does not load."""

    model_version: str
    detail: str


class ModelVersionsResponse(msgspec.Struct, frozen=True):
    """The versions of a model, newest first."""

    model_name: ModelNameText
    latest: ModelVersionText | None
    versions: list[ModelVersionItem]
    damaged: list[DamagedVersionItem]
    candidates: Annotated[
        list[ModelVersionText],
        Meta(
            description="Versions that wait to be promoted, newest first: newer than the latest, and never "
            "the latest themselves."
        ),
    ]


class PromoteResponse(msgspec.Struct, frozen=True):
    """The version that answers from now on when none is named."""

    model_name: ModelNameText
    model_version: ModelVersionText


def verdict_response(verdicts: Verdicts, verdict: Verdict, timestamp: str) -> VerdictResponse:
    """Say a verdict, with the timestamp in the words in which it was sent."""
    return VerdictResponse(
        vehicle_id=verdict.vehicle_id,
        timestamp=timestamp,
        model_name=verdicts.model_name.value,
        model_version=verdicts.model_version.value,
        anomaly_score=verdict.anomaly_score,
        is_anomaly=verdict.is_anomaly,
        missing=verdict.missing,
        reasons=reason_responses(verdict.reasons),
        percentile=verdict.percentile,
        explanation=None if verdict.explanation is None else explanation_response(verdict.explanation),
    )


def reason_responses(reasons: tuple[Reason, ...]) -> tuple[ReasonResponse, ...]:
    """Say why a reading is an anomaly."""
    return tuple(
        ReasonResponse(
            reason.code,
            reason.feature,
            reason.observed,
            reason.expected,
            reason.limit,
            reason.message,
            reason.deviation,
        )
        for reason in reasons
    )


def explanation_response(explanation: Explanation) -> tuple[ContributionResponse, ...]:
    """Say what each feature contributed."""
    return tuple(ContributionResponse(*each) for each in explanation)


def verdict_responses(
    scores: Scores, vehicle_ids: Iterable[str], timestamps: Iterable[str]
) -> list[VerdictResponse]:
    """Say what a version says of many readings, in order.

    Args:
        scores: What it says.
        vehicle_ids: One per reading.
        timestamps: One per reading, in the words in which it was sent.
    """
    model_name, model_version = scores.model_name.value, scores.model_version.value
    percentiles: Iterable[float | None] = repeat(None, len(scores.anomaly_scores))
    if scores.percentiles is not None:
        percentiles = scores.percentiles
    told = [
        VerdictResponse(vehicle_id, timestamp, model_name, model_version, score, False, (), (), percentile)
        for vehicle_id, timestamp, score, percentile in zip(
            vehicle_ids, timestamps, scores.anomaly_scores, percentiles, strict=True
        )
    ]
    for position, missing in scores.missing.items():
        told[position] = replace(told[position], missing=missing)
    for position, reasons in scores.reasons.items():
        told[position] = replace(told[position], is_anomaly=True, reasons=reason_responses(reasons))
    for position, explanation in scores.explanations.items():
        told[position] = replace(told[position], explanation=explanation_response(explanation))
    return told


def score_batch_response(verdicts: Verdicts, timestamps: list[str]) -> ScoreBatchResponse:
    """Say the verdicts of a batch, with the timestamps in the words in which they were sent."""
    return ScoreBatchResponse(
        model_name=verdicts.model_name.value,
        model_version=verdicts.model_version.value,
        results=[
            verdict_response(verdicts, verdict, timestamp)
            for verdict, timestamp in zip(verdicts.verdicts, timestamps, strict=True)
        ],
    )


def ingest_response(published: Published) -> IngestResponse:
    """Say which version was published."""
    known = published.metadata
    return IngestResponse(
        model_name=known.model_name.value,
        model_version=known.model_version.value,
        record_count=known.record_count,
        metadata=ModelMetadataResponse(**_told(known)),
        waits=published.waits,
        warnings=warning_items(published.warnings),
    )


def metadata_response(known: ModelMetadata, *, is_latest: bool) -> ModelVersionItem:
    """Say what is known of a version."""
    return ModelVersionItem(**_told(known), is_latest=is_latest)


def version_response(
    known: ModelMetadata, report: TrainingReport | None, *, is_latest: bool
) -> ModelVersionResponse:
    """Say all that is known of one version."""
    told = None if report is None else report_item(report)
    return ModelVersionResponse(**_told(known), is_latest=is_latest, report=told)


def versions_response(model_name: str, found: ModelVersions) -> ModelVersionsResponse:
    """Say which versions there are."""
    return ModelVersionsResponse(
        model_name=model_name,
        latest=found.latest.value if found.latest else None,
        versions=[
            metadata_response(known, is_latest=known.model_version == found.latest)
            for known in found.versions
        ],
        damaged=[DamagedVersionItem(version.model_version, version.reason) for version in found.damaged],
        candidates=[
            known.model_version.value for known in found.versions if known.model_version in found.candidates
        ],
    )


def _told(known: ModelMetadata) -> dict[str, Any]:
    told: dict[str, Any] = {
        field.name: getattr(known, field.name) for field in msgspec.structs.fields(ModelMetadataResponse)
    }
    told["model_name"] = known.model_name.value
    told["model_version"] = known.model_version.value
    for name in ("trained_at", "first_timestamp", "last_timestamp"):
        told[name] = getattr(known, name).isoformat().replace("+00:00", "Z")
    return told
