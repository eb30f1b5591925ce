"""A plan: where the arrays of one model stand, and these arrays."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import plan_kernel as at
from vehicle_anomaly.core.attribution import PathAttribution
from vehicle_anomaly.core.expectation import Expecting, nothing_but
from vehicle_anomaly.core.forest import Forest
from vehicle_anomaly.core.guards import Guards


class ReadingPlan:
    """What compiled code needs to know of a model to judge one reading.

    Attributes:
        address: Where the plan stands.
    """

    __slots__ = ("_arrays", "_explains", "_plan", "address")

    def __init__(self, forest: Forest, medians: NDArray[np.float64], guards: Guards | None) -> None:
        """Write down where everything stands.

        Args:
            forest: What scores.
            medians: Shape (n_features,): what is expected where nothing tells.
            guards: What stands beside it; without, a negative score is an anomaly.
        """
        self._plan: Final = np.zeros(at.PLAN_SIZE, np.int64)
        self.address: Final[int] = self._plan.ctypes.data
        self._arrays: Final[list[NDArray[np.generic]]] = []
        self._explains = False
        self._put_forest(forest)
        self._put(at.MEDIANS, medians)
        never = np.zeros(medians.size, np.uint8)
        self._put(at.ALWAYS_THERE, never if guards is None else guards.always_there)
        self._put(at.ISOLATION_LIMIT, np.array([0.0 if guards is None else guards.isolation_limit]))
        self._put_expecting(nothing_but(medians) if guards is None else guards.expecting)

    def explain_by(self, attribution: PathAttribution) -> None:
        """Write down what paths to expect; once more does no harm."""
        self._put(at.EXPECTED, attribution.trees.expected)
        self._explains = True

    @property
    def explains(self) -> bool:
        """Whether that is written down."""
        return self._explains

    def _put_forest(self, forest: Forest) -> None:
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

    def _put_expecting(self, guards: Expecting) -> None:
        splits, steps = guards.splits, guards.steps
        self._plan[at.N_GUARDED] = guards.guarded.size
        self._plan[at.N_GUARD_TREES], self._plan[at.GUARD_DEPTH] = guards.feature.shape
        self._plan[at.N_CELLS] = guards.cells.shape[2]
        self._plan[at.N_ASKED] = splits.asked.size
        self._plan[at.N_SPLITS] = splits.tree.size
        self._plan[at.N_BLOCKS] = len(splits.blocks)
        self._plan[at.N_CHANGES] = len(steps.change)
        arrays: list[NDArray[np.generic]] = [guards.guarded, guards.tree_start, guards.feature, guards.leaf]
        arrays += [*splits, guards.kept, *steps, guards.bounds, guards.cells]
        for place, array in zip(range(at.GUARDED, at.PLAN_SIZE), arrays, strict=True):
            self._put(place, array)

    def _put(self, place: int, array: NDArray[np.generic]) -> None:
        if not array.flags.c_contiguous:
            raise ValueError(f"place {place}: expected an array without gaps")
        # Kept before anybody can find it.
        self._arrays.append(array)
        self._plan[place] = array.ctypes.data
