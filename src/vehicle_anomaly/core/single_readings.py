"""One reading at a time: the same scores as of many, without what only many are worth."""

import struct
import threading
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import single_kernel as at
from vehicle_anomaly.core.forest import Forest
from vehicle_anomaly.core.guards import Guards

Alone = tuple[float, bool]
"""The anomaly score of a reading, and whether it is an anomaly."""

_TWO: Final = np.full(1, 2.0)


class _Exponent(threading.local):
    """Where the kernel puts what it found: a place for each thread."""

    def __init__(self) -> None:
        self.array = np.empty(1)
        self.address = self.array.ctypes.data


_exponent = _Exponent()


class SingleReadings:
    """Scores readings of one model that are nothing special, one by one.

    A reading is special when it lacks a value, is not as long as the model wants it, or holds what float32
    cannot: what there is to say of such ones, those say who take many.
    """

    __slots__ = ("_arrays", "_follow", "_limit", "_offset", "_pack", "_plan", "_plan_address")

    def __init__(self, forest: Forest, guards: Guards | None) -> None:
        """Write down where everything stands.

        Args:
            forest: What scores.
            guards: What stands beside it; without, a negative score is an anomaly.
        """
        self._pack = struct.Struct(f"{forest.n_features}d").pack
        self._follow = at.follow()
        self._offset = -forest.offset
        self._limit = 0.0 if guards is None else guards.isolation_limit
        self._plan = np.zeros(at.PLAN_SIZE, np.int64)
        self._plan_address = self._plan.ctypes.data
        self._arrays: list[NDArray[np.generic]] = []
        self._plan_forest(forest)
        if guards is None:
            self._plan[at.N_GUARDED] = at.NO_GUARDS
        else:
            self._plan_guards(guards)

    def score(self, values: Sequence[float | None]) -> Alone | None:
        """Give a reading its anomaly score, and tell whether it is an anomaly; None if it is special.

        Args:
            values: In the model's order.

        Returns:
            What `Forest.score` gives, bit for bit, and whether there is a reason to call it an anomaly.
        """
        try:
            packed = self._pack(*values)
        except (struct.error, OverflowError):
            return None
        exponent = _exponent
        told = self._follow(self._plan_address, packed, exponent.address)
        if told and told != at.ALARMING:
            return None
        # NumPy's power of arrays, as for many: that of a scalar may differ in the last bit.
        score: float = self._offset - np.power(_TWO, exponent.array).item()
        return score, told == at.ALARMING or score < self._limit

    def _plan_forest(self, forest: Forest) -> None:
        trees = forest.linked
        self._plan[at.N_FEATURES] = forest.n_features
        self._plan[at.N_TREES] = forest.n_trees
        self._plan[at.N_NODES] = trees.feature.size
        self._put(at.LONGEST, np.array([forest.longest]))
        self._put(at.TREE_START, trees.tree_start)
        self._put(at.DEPTH, trees.depth)
        self._put(at.FEATURE, trees.feature)
        self._put(at.THRESHOLD, trees.threshold)
        self._put(at.LEFT, trees.left)
        self._put(at.PATH_LENGTH, trees.path_length)

    def _plan_guards(self, guards: Guards) -> None:
        trees = guards.trees
        self._plan[at.N_GUARDED] = trees.guarded.size
        self._plan[at.N_GUARD_TREES] = trees.n_trees
        self._plan[at.GUARD_DEPTH] = trees.depth
        self._put(at.GUARD_START, trees.tree_start)
        self._put(at.GUARD_FEATURE, trees.split_feature)
        self._put(at.GUARD_THRESHOLD, trees.split_threshold)
        self._put(at.GUARD_LEAF, trees.leaf)
        self._put(at.LOWEST, guards.lowest)
        self._put(at.HIGHEST, guards.highest)
        self._put(at.CONTRADICTION_LIMIT, guards.contradiction_limit)

    def _put(self, place: int, array: NDArray[np.generic]) -> None:
        self._plan[place] = array.ctypes.data
        self._arrays.append(array)


def warm_up() -> None:
    """Compile what scores one reading, or load it compiled."""
    at.follow()
