"""What about a batch makes a model of it worse, and what to do about it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal, get_args

from vehicle_anomaly.core.far_outliers import far_outlier
from vehicle_anomaly.core.feature_summary import FeatureSummary
from vehicle_anomaly.core.sequences import Sequences
from vehicle_anomaly.core.told_apart import told_apart

Code = Literal[
    "no_guards",
    "ranges_only",
    "uncertain_rate",
    "few_readings",
    "few_vehicles",
    "dominant_vehicle",
    "out_of_order",
    "repeated_times",
    "duplicates",
    "constant",
    "mostly_missing",
    "stuck",
    "copy",
    "few_values",
    "far_outlier",
]

FEW_READINGS: Final = 256
"""What each tree is grown on: of a smaller batch, every tree sees the same."""
FEW_VEHICLES: Final = 3
DOMINANT_SHARE: Final = 0.5
MOSTLY_MISSING: Final = 0.9
FEW_VALUES: Final = 3

MAX_FEATURES_A_CODE: Final = 20
"""Features that are named with one code; how many more there are, the last warning of that code says."""


@dataclass(frozen=True, slots=True)
class BatchWarning:
    """Something about a batch that its sender should know.

    Attributes:
        code: What kind of thing.
        feature: Name or position of the feature that it is about; None when it is about the batch.
        message: What was found, and what to do.
    """

    code: Code
    feature: int | str | None
    message: str

    def __post_init__(self) -> None:
        if self.code not in get_args(Code):
            raise ValueError(f"code: expected one of {', '.join(get_args(Code))}, got {self.code!r}")


def there_are(n_readings: int) -> str:
    """Begin a sentence with how many readings there are."""
    return "There is 1 reading" if n_readings == 1 else f"There are {n_readings} readings"


def batch_warnings(
    n_readings: int,
    sequences: Sequences,
    features: Sequence[FeatureSummary],
    copies: Mapping[int, tuple[int, float]],
) -> tuple[BatchWarning, ...]:
    """Judge a batch.

    Args:
        n_readings: How many there are.
        sequences: What their order tells.
        features: What the values of each feature tell.
        copies: Features that follow another one: which, and their correlation.
    """
    about_features = [
        *_of_values(features),
        *_of_stuck(sequences, features),
        *_of_copies(features, copies),
    ]
    rank = {code: number for number, code in enumerate(get_args(Code))}
    about_features.sort(key=lambda warning: rank[warning.code])
    return (*_of_the_batch(n_readings, sequences), *_bounded(about_features))


def _of_the_batch(n_readings: int, sequences: Sequences) -> Iterator[BatchWarning]:
    n_vehicles, most = len(sequences.vehicle_ids), int(sequences.readings_per_vehicle.argmax())
    share = int(sequences.readings_per_vehicle[most]) / n_readings
    if n_readings < FEW_READINGS:
        yield BatchWarning(
            "few_readings",
            None,
            f"{there_are(n_readings)} only, and each tree could learn from {FEW_READINGS}: send "
            "more, or expect that much of what is normal will be called an anomaly.",
        )
    if n_vehicles < FEW_VEHICLES:
        of_vehicles, these = ("one vehicle", "it") if n_vehicles == 1 else ("two vehicles", "them")
        yield BatchWarning(
            "few_vehicles",
            None,
            f"All readings are of {of_vehicles}: use the model for {these} alone, or train on more, for "
            "what is normal for others is not in it.",
        )
    elif share > DOMINANT_SHARE:
        yield BatchWarning(
            "dominant_vehicle",
            None,
            f"{_percent(share)} of the readings are of one of {n_vehicles} vehicles, "
            f"{sequences.vehicle_ids[most]!r}: send fewer of it, or the model learns that vehicle and not "
            "the fleet.",
        )
    if sequences.out_of_order:
        yield BatchWarning(
            "out_of_order",
            None,
            f"{_readings(sequences.out_of_order)} earlier than the one before of the same vehicle: they were "
            "put in order here; check the clocks of the vehicles and how files are joined.",
        )
    if sequences.repeated_times:
        yield BatchWarning(
            "repeated_times",
            None,
            f"{_readings(sequences.repeated_times)} of the same vehicle and time as another one, with other "
            "values: check whether two vehicles share an identifier, or times are rounded.",
        )
    if sequences.duplicates:
        yield BatchWarning(
            "duplicates",
            None,
            f"{_readings(sequences.duplicates)} a repetition of another one, value by value: leave them out, "
            "for they count twice.",
        )


def _of_values(features: Iterable[FeatureSummary]) -> Iterator[BatchWarning]:
    for each in features:
        name = _named(each.feature)
        if each.minimum == each.maximum:
            (value,) = told_apart(each.minimum)
            yield BatchWarning(
                "constant",
                each.feature,
                f"{name} is {value} wherever it has a value, so nothing is learnt of it: leave it out, or "
                "check the sensor.",
            )
        elif each.distinct <= FEW_VALUES:
            yield BatchWarning(
                "few_values",
                each.feature,
                f"{name} has {each.distinct} different values only: if it is a state, such as a gear or a "
                "switch, train one model for each state instead.",
            )
        if each.missing_share >= MOSTLY_MISSING:
            yield BatchWarning(
                "mostly_missing",
                each.feature,
                f"{name} is missing in {_percent(each.missing_share)} of the readings, which count as its "
                "median: leave it out, or check why vehicles do not send it.",
            )
        far = far_outlier(each) if each.distinct > FEW_VALUES else None
        if far is not None:
            farthest, low, high = told_apart(far.value, far.low, far.high)
            yield BatchWarning(
                "far_outlier",
                each.feature,
                f"{name} is {farthest} at its farthest, though {_percent(far.share)} of its values lie from "
                f"{low} to {high}: if that stands for no value, send null instead.",
            )


def _of_stuck(sequences: Sequences, features: Sequence[FeatureSummary]) -> Iterator[BatchWarning]:
    for stuck in sequences.stuck:
        feature, more = features[stuck.column].feature, stuck.vehicles - 1
        others = "" if not more else f", and in {more} other vehicle{'s' if more > 1 else ''} too"
        (value,) = told_apart(stuck.value)
        yield BatchWarning(
            "stuck",
            feature,
            f"{_named(feature)} of vehicle {stuck.vehicle_id!r} stays at {value} for at least "
            f"{stuck.readings:,} readings in a row while other signals move{others}: check the sensor, and "
            "train without these readings.",
        )


def _of_copies(
    features: Sequence[FeatureSummary], copies: Mapping[int, tuple[int, float]]
) -> Iterator[BatchWarning]:
    for column, (first, correlation) in sorted(copies.items()):
        feature, other = features[column].feature, features[first].feature
        kind = "follows" if correlation > 0 else "mirrors"
        yield BatchWarning(
            "copy",
            feature,
            f"{_named(feature)} {kind} {_named(other)} in every reading: leave one of them out, for the "
            "signal counts twice.",
        )


def _bounded(warnings: Iterable[BatchWarning]) -> Iterator[BatchWarning]:
    """Name some features a code, and count the others."""
    for code, of_code in groupby(warnings, key=lambda warning: warning.code):
        listed = list(of_code)
        yield from listed[:MAX_FEATURES_A_CODE]
        more = len(listed) - MAX_FEATURES_A_CODE
        if more > 0:
            yield BatchWarning(code, None, f"The same is true of {more:,} more features.")


def _named(feature: int | str) -> str:
    return feature if isinstance(feature, str) else f"Feature {feature}"


def _readings(count: int) -> str:
    return "1 reading is" if count == 1 else f"{count:,} readings are"


def _percent(share: float) -> str:
    # Never rounded to all or nothing, which it is not.
    return f"{100 * share:.0f} %" if 0.01 <= share <= 0.99 else f"{100 * share:.2f} %"
