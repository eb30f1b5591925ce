"""What went wrong, as callers are told: problem details (RFC 9457), the same on every driver."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong
from vehicle_anomaly.adapters.inbound.wire.places import Place
from vehicle_anomaly.core.errors import (
    DamagedModel,
    EmptyBatch,
    FeatureWithoutValues,
    Flaw,
    IncomparableVersions,
    InvalidFalseAlarmRate,
    InvalidFeatureNames,
    InvalidModelName,
    InvalidModelVersion,
    InvalidReading,
    InvalidTelemetry,
    ModelStoreUnavailable,
    NoTrainingSample,
    NoVersionPromoted,
    Refusal,
    TooManyRecords,
    UnknownFeature,
    UnknownModel,
    UnknownModelVersion,
    UnnamedFeatures,
    UntrustedModel,
    VersionExists,
    WrongFeatureCount,
)

TYPE_PREFIX: Final = "urn:vehicle-anomaly:problem:"


class ProblemPlace(msgspec.Struct, frozen=True):
    """One place in the request, and what is wrong there."""

    pointer: Annotated[str, Meta(description="JSON pointer (RFC 6901) into the request.")]
    detail: str


class Problem(msgspec.Struct, frozen=True):
    """Problem details (RFC 9457)."""

    type: Annotated[str, Meta(description="Names the kind of problem.", extra_json_schema={"format": "uri"})]
    title: Annotated[str, Meta(description="The kind of problem in words.")]
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: Annotated[str, Meta(description="What is wrong this time, and where.")]
    errors: Annotated[list[ProblemPlace], Meta(description="Every place that is wrong.")] | UnsetType = UNSET


# What a refusal is called, and its status as HTTP has it. A test sees to it that every one is here.
REFUSALS: Final[dict[type[Refusal], tuple[str, str, int]]] = {
    InvalidModelName: ("invalid-model-name", "Not the name of a model", 400),
    InvalidModelVersion: ("invalid-model-version", "Not the name of a version", 400),
    InvalidFalseAlarmRate: ("invalid-false-alarm-rate", "Not a false-alarm rate", 400),
    TooManyRecords: ("too-many-records", "Too many records", 413),
    EmptyBatch: ("empty-batch", "A batch without records", 400),
    WrongFeatureCount: ("wrong-feature-count", "Wrong number of features", 400),
    UnknownFeature: ("unknown-feature", "Unknown feature", 400),
    UnnamedFeatures: ("unnamed-features", "The features have no names", 400),
    InvalidFeatureNames: ("invalid-feature-names", "Not names of the features", 400),
    InvalidReading: ("invalid-reading", "Not a reading", 400),
    FeatureWithoutValues: ("feature-without-values", "A feature without any value", 400),
    UnknownModel: ("unknown-model", "Unknown model", 404),
    IncomparableVersions: ("incomparable-versions", "The versions have other features", 400),
    NoTrainingSample: ("no-training-sample", "The version kept nothing of its training", 404),
    NoVersionPromoted: ("no-version-promoted", "No version of the model has been promoted", 404),
    UnknownModelVersion: ("unknown-model-version", "Unknown version of a model", 404),
    VersionExists: ("version-exists", "The version exists with other content", 409),
}


def problem_of_refusal(refusal: Refusal, *, single: bool = False) -> Problem:
    """Say what the core refuses.

    Args:
        refusal: It.
        single: Whether the message is one record: then places do not begin with `records`.
    """
    kind, title, status = REFUSALS[type(refusal)]
    if isinstance(refusal, InvalidTelemetry):
        wrong = [Wrong(_place(flaw, single=single), flaw.reason) for flaw in refusal.flaws]
        return _problem_at(wrong, kind, title, status)
    if isinstance(refusal, InvalidModelName):
        return _problem_at([Wrong(Place(("model_name",)), str(refusal))], kind, title, status)
    if isinstance(refusal, InvalidModelVersion):
        return _problem_at([Wrong(Place(("model_version",)), str(refusal))], kind, title, status)
    if isinstance(refusal, InvalidFalseAlarmRate):
        return _problem_at([Wrong(Place(("false_alarm_rate",)), str(refusal))], kind, title, status)
    return problem(kind, title, status, str(refusal))


def problem_of_malformed(malformed: MalformedMessage) -> Problem:
    """Say why a message cannot be decoded."""
    return _problem_at(malformed.wrong, "malformed-message", "Malformed message", 400)


def problem_of_store(error: ModelStoreUnavailable | DamagedModel) -> Problem:
    """Say why a model could not be read; it may be there again later."""
    if isinstance(error, UntrustedModel):
        return problem("untrusted-model", "The stored model is not trusted", 503, str(error))
    if isinstance(error, DamagedModel):
        return problem("damaged-model", "The stored model is damaged", 503, str(error))
    return problem("model-store-unavailable", "The model store is out of reach", 503, str(error))


def problem(kind: str, title: str, status: int, detail: str) -> Problem:
    """Make a problem that is at no place in the message."""
    return Problem(type=TYPE_PREFIX + kind, title=title, status=status, detail=detail)


def _problem_at(wrong: list[Wrong] | tuple[Wrong, ...], kind: str, title: str, status: int) -> Problem:
    more = f" (and {len(wrong) - 1} more, see errors)" if len(wrong) > 1 else ""
    return Problem(
        type=TYPE_PREFIX + kind,
        title=title,
        status=status,
        detail=f"{wrong[0]}{more}",
        errors=[ProblemPlace(each.place.pointer, each.reason) for each in wrong],
    )


def _place(flaw: Flaw, *, single: bool) -> Place:
    steps: list[str | int] = [] if flaw.record is None or single else ["records", flaw.record]
    steps.append(flaw.field)
    if flaw.item is not None:
        steps.append(flaw.item)
    return Place(tuple(steps))
