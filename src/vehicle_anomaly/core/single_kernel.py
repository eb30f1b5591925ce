"""The walk of one reading, compiled to be called by its address.

numba's dispatcher looks at the type, the layout and the owner of each array that it is given. For one reading
that takes longer than the trees do, and most of it is code that nothing else in a request has brought into
the caches. So here the addresses of a model's arrays are written down once, in a *plan*, and a call hands
over where that stands. Whoever makes a plan keeps its arrays, and has checked them.
"""

from ctypes import PYFUNCTYPE, c_char_p, c_int32, c_void_p
from functools import cache
from typing import Any, Final

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic

from vehicle_anomaly.core.kernel import follow_one
from vehicle_anomaly.core.reason_kernel import find_leaves, sum_leaves

INCOMPLETE, BEYOND_FLOAT32, ALARMING = 1, 2, 3
"""What is told of a reading; 0 where there is nothing to tell."""

# Places in a plan, an int64 each. Counts, the longest path length's array of one, and the arrays of a forest
# as `kernel.follow_few` takes them.
N_FEATURES, N_TREES, N_NODES, LONGEST, TREE_START, DEPTH, FEATURE, THRESHOLD, LEFT, PATH_LENGTH = range(10)
# Behind them, where guards take part, theirs as `reason_kernel.reasons` takes them.
N_GUARDED, N_GUARD_TREES, GUARD_DEPTH, GUARD_START, GUARD_FEATURE, GUARD_THRESHOLD, GUARD_LEAF = range(10, 17)
LOWEST, HIGHEST, CONTRADICTION_LIMIT = range(17, 20)
PLAN_SIZE: Final = 20
NO_GUARDS: Final = -1
"""Stands for `N_GUARDED` where no guards take part; what is behind it is not looked at then."""

# Machine code lives as long as what numba made of it.
_kept: Final[list[Any]] = []
_MAX_FLOAT32: Final = float(np.finfo(np.float32).max)


def _pointer(_context: Any, address: Any, dtype: Any) -> Any:
    made: Any = types.CPointer
    pointer = made(dtype.dtype)

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(pointer))

    return pointer(address, dtype), generate


# Functions of compiled code, whose types mean nothing to others.
_at: Any = intrinsic(_pointer)
carray: Any = numba.carray  # type: ignore[attr-defined]


@numba.njit(cache=True)
def _walk(plan: Any, x: Any) -> Any:
    n_trees, n_nodes = plan[N_TREES], plan[N_NODES]
    return follow_one(
        x,
        carray(_at(plan[TREE_START], np.int64), n_trees + 1),
        carray(_at(plan[DEPTH], np.int64), n_trees),
        carray(_at(plan[FEATURE], np.uint16), n_nodes),
        carray(_at(plan[THRESHOLD], np.float32), n_nodes),
        carray(_at(plan[LEFT], np.uint32), n_nodes),
        carray(_at(plan[PATH_LENGTH], np.float64), n_nodes),
    )


@numba.njit(cache=True)
def _alarms(plan: Any, values: Any, x: Any) -> bool:
    # As `guard_kernel.alarms`, but for what needs the score.
    lowest = carray(_at(plan[LOWEST], np.float64), values.shape[0])
    highest = carray(_at(plan[HIGHEST], np.float64), values.shape[0])
    for each in range(values.shape[0]):
        if values[each] < lowest[each] or values[each] > highest[each]:
            return True
    n_guarded, n_trees, depth = plan[N_GUARDED], plan[N_GUARD_TREES], plan[GUARD_DEPTH]
    place, logits = np.empty(n_trees, np.int32), np.empty(n_guarded, np.float32)
    find_leaves(
        x,
        carray(_at(plan[GUARD_FEATURE], np.int32), (n_trees, depth)),
        carray(_at(plan[GUARD_THRESHOLD], np.float32), (n_trees, depth)),
        place,
    )
    start = carray(_at(plan[GUARD_START], np.int64), n_guarded + 1)
    leaf = carray(_at(plan[GUARD_LEAF], np.float32), (n_trees, 1 << depth))
    sum_leaves(start, leaf, place, logits)
    limit = carray(_at(plan[CONTRADICTION_LIMIT], np.float32), n_guarded)
    alarming = False
    for each in range(n_guarded):
        alarming |= logits[each] > limit[each]
    return alarming


def _follow(plan_at: Any, values_at: Any, exponent_at: Any) -> int:
    plan = carray(plan_at, PLAN_SIZE)
    values = carray(values_at, plan[N_FEATURES])
    x = np.empty(values.shape[0], np.float32)
    for each in range(values.shape[0]):
        if np.isnan(values[each]):
            return INCOMPLETE
        if abs(values[each]) > _MAX_FLOAT32:
            return BEYOND_FLOAT32
        x[each] = np.float32(values[each])
    longest = carray(_at(plan[LONGEST], np.float64), 1)[0]
    carray(exponent_at, 1)[0] = _walk(plan, x) / -longest if longest > 0 else -1.0
    return ALARMING if plan[N_GUARDED] != NO_GUARDS and _alarms(plan, values, x) else 0


@cache
def follow() -> Any:
    """Return the compiled function; the first call compiles it, or loads it compiled.

    It is called without giving up the GIL, which would take longer than what it does:

        follow()(plan, values, exponent) -> told

    `plan` and `exponent` are addresses: of the plan, and of a float64 that is filled in with minus the sum of
    path lengths over the longest, of which 2 to the power is the score of the paper; not if the reading is
    incomplete or beyond float32. `values` are the float64 of the reading, as bytes.
    """
    pointer: Any = types.CPointer
    signature = types.int32(pointer(types.int64), pointer(types.float64), pointer(types.float64))
    compiled: Any = numba.cfunc(signature, cache=True)(_follow)
    _kept.append(compiled)
    return PYFUNCTYPE(c_int32, c_void_p, c_char_p, c_void_p)(compiled.address)
