"""The splits of oblivious trees, ranked: so that not each has to be asked what a reading goes beyond."""

from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core.contrast_trees import ContrastTrees

RANKS_AT_ONCE: Final = 32
"""Splits whose bits are laid down together: more would leave more to do one by one, fewer take more room."""


class RankedSplits(NamedTuple):
    """Splits by the feature that they ask for, and of each feature by threshold, the lowest first.

    A value goes beyond all splits of its feature up to some rank. The bits that they set are laid down for
    every 32nd rank, so that only those behind it are set one by one.

    Attributes:
        asked: Shape (n_asked,): the features.
        start: Shape (n_asked + 1,): splits of the k-th are `start[k]:start[k + 1]`.
        threshold: Shape (n_splits,): a value beyond it sets the bit.
        tree: Shape (n_splits,): in whose leaf.
        bit: Shape (n_splits,): of the leaf's number.
        block_start: Shape (n_asked,): the first of `blocks` for the k-th feature.
        blocks: Shape (n_blocks, n_trees): the bits of its first 32 splits together, of its first 64, ….
    """

    asked: NDArray[np.int32]
    start: NDArray[np.int64]
    threshold: NDArray[np.float32]
    tree: NDArray[np.uint32]
    bit: NDArray[np.uint8]
    block_start: NDArray[np.int64]
    blocks: NDArray[np.uint8]

    @classmethod
    def of(cls, trees: ContrastTrees) -> Self:
        """Rank them."""
        order = np.lexsort((trees.split_threshold, trees.split_feature))
        tree, level = np.divmod(order, trees.depth)
        bit = (1 << (trees.depth - 1 - level)).astype(np.uint8)
        asked, start = np.unique(trees.split_feature[order], return_index=True)
        start = np.append(start, order.size)
        n_blocks = np.diff(start) // RANKS_AT_ONCE
        block_start = np.cumsum(n_blocks) - n_blocks
        blocks = np.zeros((int(n_blocks.sum()), trees.n_trees), np.uint8)
        for first, at, count in zip(start.tolist(), block_start.tolist(), n_blocks.tolist(), strict=False):
            own = slice(first, first + count * RANKS_AT_ONCE)
            block = at + np.arange(count).repeat(RANKS_AT_ONCE)
            # No bit twice: their sum is all of them together.
            np.add.at(blocks, (block, tree[own]), bit[own])
            np.cumsum(blocks[at : at + count], axis=0, out=blocks[at : at + count])
        threshold = trees.split_threshold[order]
        return cls(asked, start, threshold, tree.astype(np.uint32), bit, block_start, blocks)
