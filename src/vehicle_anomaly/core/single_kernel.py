"""The walk of one reading, and what there is to say of it, compiled to be called by their address."""

from ctypes import PYFUNCTYPE, c_char_p, c_double, c_int32, c_int64, c_void_p
from functools import cache
from typing import Any, Final

import numba
import numpy as np
from numba import types

from vehicle_anomaly.core import plan_kernel as at
from vehicle_anomaly.core.attribution_kernel import attribute
from vehicle_anomaly.core.expect_kernel import make_scratch
from vehicle_anomaly.core.explain_kernel import expect_all, lay_out
from vehicle_anomaly.core.kernel import follow_one
from vehicle_anomaly.core.leaf_kernel import find_leaves, sum_leaves
from vehicle_anomaly.core.limit_kernel import least_limit
from vehicle_anomaly.core.plan_kernel import at_address, carray, expecting_of, walked_of
from vehicle_anomaly.core.reason_kernel import MOST_CONTRADICTIONS, reasons_of

ALARMING, INCOMPLETE, SPECIAL = 1, 2, 4
"""What is told of a reading, together; 0 where there is nothing to tell. Special is one that holds what
float32 cannot, or nothing: it has no score then."""
NEVER, ANOMALIES, ALWAYS = range(3)
"""Whether a reading is explained."""

# Machine code lives as long as what numba made of it.
_kept: Final[list[Any]] = []
_MAX_FLOAT32: Final = float(np.finfo(np.float32).max)


@numba.njit(cache=True)
def _alarms(plan: Any, values: Any, x: Any) -> bool:
    # As `guard_kernel.alarms`, but for what needs the score.
    guards = expecting_of(plan)
    always_there = carray(at_address(plan[at.ALWAYS_THERE], np.uint8), values.shape[0])
    for each in range(values.shape[0]):
        if values[each] < guards.bounds[0, each] or values[each] > guards.bounds[1, each]:
            return True
        if np.isnan(values[each]) and always_there[each] != 0:
            return True
    place = np.empty(plan[at.N_GUARD_TREES], np.uint8)
    logits = np.empty(plan[at.N_GUARDED], np.float32)
    find_leaves(x, guards.splits, place)
    sum_leaves(guards.tree_start, guards.leaf, place, logits)
    alarming, least = False, least_limit(x)
    for own in range(logits.shape[0]):
        each = guards.guarded[own]
        alarming |= (logits[own] > max(guards.bounds[4, each], least)) & (x[each] == x[each])
    return alarming


def _follow(plan_at: Any, values_at: Any, exponent_at: Any) -> int:
    plan = carray(plan_at, at.PLAN_SIZE)
    values = carray(values_at, plan[at.N_FEATURES])
    medians = carray(at_address(plan[at.MEDIANS], np.float64), values.shape[0])
    x, filled = np.empty(values.shape[0], np.float32), np.empty(values.shape[0], np.float32)
    n_missing = 0
    for each in range(values.shape[0]):
        if abs(values[each]) > _MAX_FLOAT32:
            return SPECIAL
        missing = np.isnan(values[each])
        n_missing += missing
        x[each] = np.float32(values[each])
        filled[each] = np.float32(medians[each] if missing else values[each])
    if n_missing == values.shape[0]:
        return SPECIAL
    longest = carray(at_address(plan[at.LONGEST], np.float64), 1)[0]
    trees = walked_of(plan)
    path_length = carray(at_address(plan[at.PATH_LENGTH], np.float64), plan[at.N_NODES])
    walked = follow_one(
        filled, trees.tree_start, trees.depth, trees.feature, trees.threshold, trees.left, path_length
    )
    carray(exponent_at, 1)[0] = walked / -longest if longest > 0 else -1.0
    told = ALARMING if _alarms(plan, values, x) else 0
    return told | INCOMPLETE if n_missing else told


def _tell(plan_at: Any, values_at: Any, score: float, explain: int, reply: int) -> int:
    plan = carray(plan_at, at.PLAN_SIZE)
    n_features = plan[at.N_FEATURES]
    most = n_features + MOST_CONTRADICTIONS + 1
    values = carray(values_at, n_features)
    what = carray(at_address(reply, np.int64), (most, 4))
    told = carray(at_address(reply + 32 * most, np.float64), (most, 3))
    guards = expecting_of(plan)
    always_there = carray(at_address(plan[at.ALWAYS_THERE], np.uint8), n_features)
    isolation_limit = carray(at_address(plan[at.ISOLATION_LIMIT], np.float64), 1)[0]
    scratch = make_scratch(guards)
    count = reasons_of(values, score, guards, always_there, isolation_limit, scratch, what, told)
    if explain == ALWAYS or (explain == ANOMALIES and count > 0):
        order = carray(at_address(reply + 56 * most, np.int64), n_features)
        entries = carray(at_address(reply + 56 * most + 8 * n_features, np.float64), (n_features, 4))
        gained = np.empty((1, n_features))
        medians = carray(at_address(plan[at.MEDIANS], np.float64), n_features)
        attribute(carray(values_at, (1, n_features)), medians, walked_of(plan), gained)
        # What was named tells nothing of the others: `scratch` is as that left it.
        value, spread = np.full(n_features, np.nan), np.empty(n_features)
        for k in range(count):
            each = what[k, 2]
            if each >= 0:
                value[each], spread[each] = told[k, 0], told[k, 2]
        expect_all(guards, scratch, value, spread)
        lay_out(values, gained[0], value, spread, order, entries)
    return count


@cache
def follow() -> Any:
    """Return the compiled function; the first call compiles it, or loads it compiled.

    It is called without giving up the GIL, which would take longer than what it does:

        follow()(plan, values, exponent) -> told

    `plan` and `exponent` are addresses: of the plan, and of a float64 that is filled in with minus the sum of
    path lengths over the longest, of which 2 to the power is the score of the paper; not if the reading is
    special. `values` are the float64 of the reading, as bytes; NaN is a missing value.
    """
    signature = types.int32(_pointer_to(types.int64), _pointer_to(types.float64), _pointer_to(types.float64))
    return PYFUNCTYPE(c_int32, c_void_p, c_char_p, c_void_p)(_address(_follow, signature))


@cache
def tell() -> Any:
    """Return the compiled function that gives the reasons and the explanation of a reading; as `follow`.

        tell()(plan, values, score, explain, reply) -> count

    `explain` is `NEVER`, `ANOMALIES` or `ALWAYS`; unless never, the plan says what paths to expect. `reply`
    is an address, where is filled in, 8 bytes each: `what` and `told` of `reason_kernel.reasons` with room
    for one row, of which `count` are used; and `order` and `told` of `explain_kernel.explain`.
    """
    signature = types.int32(
        _pointer_to(types.int64), _pointer_to(types.float64), types.float64, types.int32, types.int64
    )
    prototype = PYFUNCTYPE(c_int32, c_void_p, c_char_p, c_double, c_int32, c_int64)
    return prototype(_address(_tell, signature))


def reply_size(n_features: int) -> int:
    """Return how many numbers of 8 bytes a reply has room for."""
    return 7 * (n_features + MOST_CONTRADICTIONS + 1) + 5 * n_features


def _pointer_to(what: Any) -> Any:
    pointer: Any = types.CPointer
    return pointer(what)


def _address(function: Any, signature: Any) -> int:
    compiled: Any = numba.cfunc(signature, cache=True)(function)
    _kept.append(compiled)
    address: int = compiled.address
    return address
