"""Contrasts: what a sensor could say if it were at fault."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_MOST_GAIN: Final = 3.0


def contrast(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Replace each value of one sensor by one that says nothing, or the wrong thing, of the same reading.

    A quarter each: a value of another reading (a sensor that is stuck, late, or of another vehicle), any
    value of its range (noise, a broken wire that floats), a wrong gain, a wrong offset: the kinds of sensor
    fault of the literature (Balaban et al. 2009, "Modeling, Detection, and Disambiguation of Sensor Faults").
    Gains are up to threefold and offsets up to the range, either way. None leaves the range of the values,
    for beyond it there is nothing to be learnt: what would is replaced by one of the first two kinds.

    Args:
        values: Shape (n_readings,), no NaN, not all the same.
        rng: What chance is taken from.

    Returns:
        Shape (n_readings,).
    """
    n_readings = len(values)
    low, high = float(values.min()), float(values.max())
    others = rng.permutation(values)
    anything = rng.uniform(low, high, n_readings)
    gained = values * np.exp(rng.uniform(-np.log(_MOST_GAIN), np.log(_MOST_GAIN), n_readings))
    offset = values + rng.uniform(low - high, high - low, n_readings)
    replaced = np.choose(rng.integers(0, 4, n_readings), [others, anything, gained, offset])
    beyond = (replaced < low) | (replaced > high)
    return np.where(beyond, np.where(rng.random(n_readings) < 0.5, others, anything), replaced)
