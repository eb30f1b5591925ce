"""Why a reading is an anomaly, in words that a mechanic can act on."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

Code = Literal["missing", "out_of_range", "inconsistent", "isolation"]

CODES: Final[tuple[Code, ...]] = get_args(Code)
"""All codes."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why a reading is an anomaly.

    Attributes:
        code: `missing`: a sensor gave no value that always gave one in training. `out_of_range`: a value is
            outside of what training saw, by a margin. `inconsistent`: the value of one sensor contradicts the
            others. `isolation`: the forest finds the reading as a whole unusual.
        message: A sentence.
        feature: Name or position of the sensor; None when it is about the reading as a whole.
        observed: The sensor's value, in its unit; the anomaly score for `isolation`.
        expected: What the other sensors lead one to expect of it, in its unit.
        limit: The value, in its unit, up to which it would not have been a reason; for `isolation`, the
            anomaly score.
    """

    code: Code
    message: str
    feature: int | str | None = None
    observed: float | None = None
    expected: float | None = None
    limit: float | None = None


def isolation(score: float, limit: float) -> Reason:
    """Say that the forest finds a reading unusual.

    Args:
        score: Its anomaly score.
        limit: The score below which that is a reason.
    """
    message = (
        f"The reading as a whole is unlike those of healthy vehicles: its anomaly score is {score:.3g}, "
        f"below {limit:.3g}."
    )
    return Reason("isolation", message, observed=score, limit=limit)
