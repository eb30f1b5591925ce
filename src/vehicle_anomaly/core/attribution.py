"""Which features made a reading's path through a forest shorter or longer, and by how much.

Path attribution (Saabas 2014, "Interpreting random forests"): at each split, the change of the expected path
length is put down to the feature that was asked. It costs a walk, and all there is to it adds up.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from vehicle_anomaly.core import attribution_kernel
from vehicle_anomaly.core.attribution_kernel import Walked
from vehicle_anomaly.core.forest import Forest


@dataclass(frozen=True, slots=True, eq=False)
class PathAttribution:
    """What `attribution_kernel.attribute` walks. It is derived from a forest, and not stored.

    Attributes:
        mean_path_length: Of the readings that the trees were grown on, mean over the trees: what
            contributions count from.
        trees: Of each node, `expected` is the mean path length of the samples below it.
    """

    mean_path_length: float
    trees: Walked

    @classmethod
    def of(cls, forest: Forest) -> Self:
        """Derive it; how many samples are in a leaf, its path length says, in models of any age."""
        linked = forest.linked
        expected = np.empty(linked.path_length.size)
        attribution_kernel.expect(
            linked.tree_start, linked.left, linked.path_length, forest.max_samples, expected
        )
        mean = float(expected[linked.tree_start[:-1]].mean())
        trees = Walked(
            linked.tree_start, linked.depth, linked.feature, linked.threshold, linked.left, expected
        )
        return cls(mean, trees)
