"""Where the arrays of a model stand, as compiled code that is called by its address finds them.

numba's dispatcher looks at the type, the layout and the owner of each array that it is given. For one reading
that takes longer than the trees do, and most of it is code that nothing else in a request has brought into
the caches. So here the addresses of a model's arrays are written down once, in a *plan*, and a call hands
over where that stands. Whoever makes a plan keeps its arrays, and has checked them.
"""

from typing import Any, Final

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic

from vehicle_anomaly.core.attribution_kernel import Walked
from vehicle_anomaly.core.expectation import Expecting, Steps
from vehicle_anomaly.core.ranked_splits import RankedSplits

# Places in a plan, an int64 each. First counts, then the arrays of a forest as `kernel.follow_one` and
# `attribution_kernel.attribute` take them, with arrays of one for numbers that are no int64; then those of
# `Expecting`, in its order.
N_FEATURES, N_TREES, N_NODES, N_GUARDED, N_GUARD_TREES, GUARD_DEPTH = range(6)
N_CELLS, N_ASKED, N_SPLITS, N_BLOCKS, N_CHANGES = range(6, 11)
LONGEST, TREE_START, DEPTH, FEATURE, THRESHOLD, LEFT, PATH_LENGTH, EXPECTED, MEDIANS = range(11, 20)
ALWAYS_THERE, ISOLATION_LIMIT, GUARDED, GUARD_START, GUARD_FEATURE, GUARD_LEAF = range(20, 26)
ASKED, SPLIT_START, SPLIT_THRESHOLD, SPLIT_TREE, SPLIT_BIT, BLOCK_START, BLOCKS, KEPT = range(26, 34)
STEP_OWN, STEP_START, STEP_CHANGE, BOUNDS, CELL = range(34, 39)
PLAN_SIZE: Final = 39


def _pointer(_context: Any, address: Any, dtype: Any) -> Any:
    made: Any = types.CPointer
    pointer = made(dtype.dtype)

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(pointer))

    return pointer(address, dtype), generate


# Functions of compiled code, whose types mean nothing to others.
at_address: Any = intrinsic(_pointer)
carray: Any = numba.carray  # type: ignore[attr-defined]


@numba.njit(cache=True)
def walked_of(plan: Any) -> Any:
    """Return the trees that score; their `expected` is not to be looked at unless it was put there."""
    n_trees, n_nodes = plan[N_TREES], plan[N_NODES]
    return Walked(
        carray(at_address(plan[TREE_START], np.int64), n_trees + 1),
        carray(at_address(plan[DEPTH], np.int64), n_trees),
        carray(at_address(plan[FEATURE], np.uint16), n_nodes),
        carray(at_address(plan[THRESHOLD], np.float32), n_nodes),
        carray(at_address(plan[LEFT], np.uint32), n_nodes),
        carray(at_address(plan[EXPECTED], np.float64), n_nodes),
    )


@numba.njit(cache=True)
def expecting_of(plan: Any) -> Any:
    """Return what is not to be contradicted."""
    n_features, n_guarded, n_trees = plan[N_FEATURES], plan[N_GUARDED], plan[N_GUARD_TREES]
    n_asked, n_splits, depth = plan[N_ASKED], plan[N_SPLITS], plan[GUARD_DEPTH]
    splits = RankedSplits(
        carray(at_address(plan[ASKED], np.int32), n_asked),
        carray(at_address(plan[SPLIT_START], np.int64), n_asked + 1),
        carray(at_address(plan[SPLIT_THRESHOLD], np.float32), n_splits),
        carray(at_address(plan[SPLIT_TREE], np.uint32), n_splits),
        carray(at_address(plan[SPLIT_BIT], np.uint8), n_splits),
        carray(at_address(plan[BLOCK_START], np.int64), n_asked),
        carray(at_address(plan[BLOCKS], np.uint8), (plan[N_BLOCKS], n_trees)),
    )
    steps = Steps(
        carray(at_address(plan[STEP_OWN], np.uint8), (n_trees, 2)),
        carray(at_address(plan[STEP_START], np.int64), n_guarded + 1),
        carray(at_address(plan[STEP_CHANGE], np.uint32), (plan[N_CHANGES], 4)),
    )
    return Expecting(
        carray(at_address(plan[GUARDED], np.int32), n_guarded),
        carray(at_address(plan[GUARD_START], np.int64), n_guarded + 1),
        carray(at_address(plan[GUARD_FEATURE], np.int32), (n_trees, depth)),
        carray(at_address(plan[GUARD_LEAF], np.float32), (n_trees, 1 << depth)),
        splits,
        carray(at_address(plan[KEPT], np.uint8), (n_guarded, n_trees)),
        steps,
        carray(at_address(plan[BOUNDS], np.float64), (5, n_features)),
        carray(at_address(plan[CELL], np.float32), (2, n_guarded, plan[N_CELLS])),
    )
