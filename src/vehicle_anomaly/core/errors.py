"""What can go wrong, named by the fact and carrying its fields.

A `Refusal` is the core's answer to something a caller asked for: asking again changes nothing.
`ModelStoreUnavailable` and `DamagedModel` are no refusals: the request was fine, the infrastructure is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

_MAX_CANDIDATES = 3


@dataclass(frozen=True, slots=True)
class Flaw:
    """One place in a request and what is wrong there.

    Attributes:
        field: The field at fault, such as `feature_vector` or `feature_names`.
        reason: What is wrong, in words that follow "field: ".
        record: Position of the record in the batch, from 0; None when the batch as a whole is at fault.
        item: Position in the vector, or name of the feature, when one of them is at fault.
    """

    field: str
    reason: str
    record: int | None = None
    item: int | str | None = None


class Refusal(Exception):
    """The core refuses what was asked for; the same request will be refused again."""


class InvalidModelName(Refusal):
    """A text that names no model."""

    def __init__(self, value: str, expected: str) -> None:
        self.value = value
        self.expected = expected
        super().__init__(f"{value[:80]!r} is not a model name: expected {expected}")


class InvalidModelVersion(Refusal):
    """A text that names no version of a model."""

    def __init__(self, value: str, expected: str) -> None:
        self.value = value
        self.expected = expected
        super().__init__(f"{value[:160]!r} is not a model version: expected {expected}")


class InvalidFalseAlarmRate(Refusal):
    """A false-alarm rate that no model can be trained for, or that this service cannot train for."""

    def __init__(self, value: float, expected: str) -> None:
        self.value = value
        self.expected = expected
        super().__init__(f"{value} is not a false-alarm rate: expected {expected}")


class UnknownModel(Refusal):
    """No version of this model was ever published, or none is the latest."""

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name
        super().__init__(f"model {model_name!r} is not available: no version of it has been published")


class NoVersionPromoted(UnknownModel):
    """The model has versions, which wait as candidates: none was ever made the latest."""

    def __init__(self, model_name: str, candidates: Sequence[str]) -> None:
        super().__init__(model_name)
        self.candidates = tuple(candidates)
        names = ", ".join(self.candidates[:_MAX_CANDIDATES])
        more = len(self.candidates) - _MAX_CANDIDATES
        self.args = (
            f"model {model_name!r} is not available: none of its versions has been promoted yet; waiting as "
            f"candidates: {names}{f' and {more} more' if more > 0 else ''}; promote one with PUT "
            f"/models/{model_name}/latest, or vehicle-anomaly models promote {model_name} "
            f"{self.candidates[0]}",
        )


class UnknownModelVersion(Refusal):
    """The model exists or not; this version of it does not."""

    def __init__(self, model_name: str, model_version: str) -> None:
        self.model_name = model_name
        self.model_version = model_version
        super().__init__(f"version {model_version!r} of model {model_name!r} is not available")


class NoTrainingSample(Refusal):
    """A version that kept nothing of what it was trained on."""

    def __init__(self, model_name: str, model_version: str) -> None:
        self.model_name = model_name
        self.model_version = model_version
        super().__init__(
            f"version {model_version!r} of model {model_name!r} kept no reading of its training, as "
            "versions from before did not: send readings to compare the versions on, by POST or as files"
        )


class IncomparableVersions(Refusal):
    """Two versions whose features cannot be told to be the same."""

    def __init__(self, model_name: str, model_version: str, other_version: str, reason: str) -> None:
        self.model_name = model_name
        self.model_version = model_version
        self.other_version = other_version
        super().__init__(
            f"versions {model_version!r} and {other_version!r} of model {model_name!r} cannot be compared: "
            f"{reason}; train with feature_names to compare by name"
        )


class TooManyRecords(Refusal):
    """A batch of more records than may be sent at once."""

    def __init__(self, count: int, limit: int) -> None:
        self.count = count
        self.limit = limit
        super().__init__(f"records: expected at most {limit} (MAX_RECORDS), got {count}: send them in parts")


class VersionExists(Refusal):
    """A version is immutable, and this one holds other content already."""

    def __init__(self, model_name: str, model_version: str) -> None:
        self.model_name = model_name
        self.model_version = model_version
        super().__init__(
            f"version {model_version!r} of model {model_name!r} exists already with other content: "
            "a published version never changes"
        )


class InvalidTelemetry(Refusal):
    """Readings that cannot be trained on or scored; says where, for as many places as were found.

    Attributes:
        flaws: At least one.
    """

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        self.flaws = tuple(flaws)
        super().__init__("; ".join(f"{flaw.field}: {flaw.reason}" for flaw in self.flaws))


class EmptyBatch(InvalidTelemetry):
    """A batch without a record."""

    def __init__(self) -> None:
        super().__init__([Flaw("records", "expected at least one record, got none")])


class WrongFeatureCount(InvalidTelemetry):
    """Vectors that are not as long as the model, or the rest of the batch, wants them."""


class UnknownFeature(InvalidTelemetry):
    """Readings that name a feature the model or the batch does not have."""


class UnnamedFeatures(InvalidTelemetry):
    """Readings by name for a model, or in a batch, whose features have no names."""


class InvalidFeatureNames(InvalidTelemetry):
    """Feature names that do not name each position once."""


class InvalidReading(InvalidTelemetry):
    """A value, a vehicle or a time that no reading can have."""


class FeatureWithoutValues(InvalidTelemetry):
    """Features that no record of a training batch has a value for: there is nothing to learn."""


class DamagedModel(Exception):
    """A stored version, or the pointer to the latest one, is not what was published."""

    def __init__(self, model_name: str, model_version: str, reason: str) -> None:
        self.model_name = model_name
        self.model_version = model_version
        self.reason = reason
        super().__init__(f"version {model_version!r} of model {model_name!r} is damaged: {reason}")


class UntrustedModel(DamagedModel):
    """A stored version that nobody who is trusted has signed: whether it was published is not known."""

    def __init__(self, model_name: str, model_version: str, reason: str) -> None:
        super().__init__(model_name, model_version, reason)
        self.args = (f"version {model_version!r} of model {model_name!r} is not trusted: {reason}",)


class ModelStoreUnavailable(Exception):
    """The model store cannot be reached or written; the same request may succeed later."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the model store is out of reach: {reason}")
