"""Why a reading is an anomaly, in words that a mechanic can act on."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from vehicle_anomaly.core.told_apart import told_apart

Code = Literal["out_of_range", "missing", "inconsistent", "isolation"]

CODES: Final[tuple[Code, ...]] = get_args(Code)
"""All codes, in the order in which reasons are told."""

# Of what is expected: values that are tried are kept in single precision.
_PRECISION: Final = 2.0**-24


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why a reading is an anomaly.

    Attributes:
        code: `out_of_range`: a value is outside of what training saw, by a margin. `missing`: a sensor gave
            no value that hardly ever lacked one in training, or no sensor gave any. `inconsistent`: the
            value of one sensor contradicts the others. `isolation`: the forest finds the reading as a whole
            unusual.
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
        match self.code:
            case "out_of_range":
                reads, expected = self._expected()
                return f"{name} reads {reads}, {self._side()} all that training saw.{expected}"
            case "missing" if self.feature is None:
                return "No sensor has a value: there is nothing to judge the vehicle by."
            case "missing":
                _, expected = self._expected()
                return f"{name} has no value, though it had one in training.{expected}"
            case "inconsistent" if not self.by_others:
                reads, expected = self._expected()
                return f"{name} reads {reads}, which is unusual by itself.{expected}"
            case "inconsistent":
                reads, bounds = self._bounds()
                return f"{name} reads {reads}, which contradicts the other sensors.{bounds}"
            case "isolation":
                score, limit = told_apart(self.observed, 0.0 if self.limit is None else self.limit)
                return (
                    "The reading as a whole is unlike those of healthy vehicles: its anomaly score is "
                    f"{score}, below {limit}."
                )

    def _side(self) -> str:
        if self.observed is None or self.limit is None:
            return "outside of"
        return "above" if self.observed > self.limit else "below"

    def _expected(self, who: str | None = None) -> tuple[str, str]:
        """Write what it reads, and a sentence on what is expected of it."""
        if self.expected is None:
            return told_apart(self.observed)[0], ""
        who = who or ("The other sensors suggest" if self.by_others else "Usual is")
        reads, expected = told_apart(self.observed, self.expected)
        return reads, f" {who} about {expected}."

    def _bounds(self) -> tuple[str, str]:
        """Write what it reads, and a sentence on what is expected and how far it may be from that."""
        observed, expected, limit = self.observed, self.expected, self.limit
        if observed is None or expected is None or limit is None:
            return self._expected("They suggest")
        if abs(limit - expected) <= _PRECISION * abs(expected):
            # Nothing else may be: the limit would say the same again.
            return self._expected("They suggest")
        reads, about, bound = told_apart(observed, expected, limit)
        most = "at most" if observed > limit else "at least"
        return reads, f" They suggest about {about}, {most} {bound}."


SILENCE: Final = Reason("missing", by_others=False)
"""No sensor has a value."""


def isolation(score: float, limit: float) -> Reason:
    """Say that the forest finds a reading unusual.

    Args:
        score: Its anomaly score.
        limit: The score below which that is a reason.
    """
    return Reason("isolation", observed=score, limit=limit + 0.0)  # never -0.0
