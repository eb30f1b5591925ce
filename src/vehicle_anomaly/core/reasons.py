"""Why a reading is an anomaly, in words that a mechanic can act on."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

Code = Literal["out_of_range", "missing", "inconsistent", "isolation"]

CODES: Final[tuple[Code, ...]] = get_args(Code)
"""All codes, in the order in which reasons are told."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why a reading is an anomaly.

    Attributes:
        code: `out_of_range`: a value is outside of what training saw, by a margin. `missing`: a sensor gave
            no value that always gave one in training, or no sensor gave any. `inconsistent`: the value of one
            sensor contradicts the others. `isolation`: the forest finds the reading as a whole unusual.
        feature: Name or position of the sensor; None when it is about the reading as a whole.
        observed: The sensor's value, in its unit; the anomaly score for `isolation`.
        expected: What the other sensors lead one to expect of it, in its unit; what is usual in training
            where none of them tells.
        limit: The value, in its unit, up to which there would not have been this reason: of `inconsistent`,
            on the way to what is expected; for `isolation`, the anomaly score.
        deviation: How much higher than `expected` it is, in spreads: half the range of the middle 68 % of
            what it read in training where the others read the same, but no less than a thirty-second of that
            in all training. None without a value or a spread.
        by_others: Whether other sensors tell what to expect.
    """

    code: Code
    feature: int | str | None = None
    observed: float | None = None
    expected: float | None = None
    limit: float | None = None
    deviation: float | None = None
    by_others: bool = True

    @property
    def message(self) -> str:
        """A sentence."""
        # Made when it is asked for: most readings of a large batch are only counted.
        name = self.feature if isinstance(self.feature, str) else f"Feature {self.feature}"
        # By `z`, a zero has no sign.
        who = "The other sensors suggest" if self.by_others else "Usual is"
        expected = "" if self.expected is None else f" {who} about {self.expected:z.4g}."
        match self.code:
            case "out_of_range":
                return f"{name} reads {self.observed:z.4g}, {self._side()} all that training saw.{expected}"
            case "missing" if self.feature is None:
                return "No sensor has a value: there is nothing to judge the vehicle by."
            case "missing":
                return f"{name} has no value, though it had one in training.{expected}"
            case "inconsistent" if not self.by_others:
                return f"{name} reads {self.observed:z.4g}, which is unusual by itself.{expected}"
            case "inconsistent":
                return (
                    f"{name} reads {self.observed:z.4g}, which contradicts the other sensors.{self._bound()}"
                )
            case "isolation":
                return (
                    "The reading as a whole is unlike those of healthy vehicles: its anomaly score is "
                    f"{self.observed:.3g}, below {self.limit:.3g}."
                )

    def _side(self) -> str:
        if self.observed is None or self.limit is None:
            return "outside of"
        return "above" if self.observed > self.limit else "below"

    def _bound(self) -> str:
        if self.expected is None:
            return ""
        if self.limit is None or self.observed is None:
            return f" They suggest about {self.expected:z.4g}."
        most = "at most" if self.observed > self.limit else "at least"
        return f" They suggest about {self.expected:z.4g}, {most} {self.limit:z.4g}."


SILENCE: Final = Reason("missing", by_others=False)
"""No sensor has a value."""


def isolation(score: float, limit: float) -> Reason:
    """Say that the forest finds a reading unusual.

    Args:
        score: Its anomaly score.
        limit: The score below which that is a reason.
    """
    return Reason("isolation", observed=score, limit=limit + 0.0)  # never -0.0
