"""One reading at a time: the same scores as of many, without what only many are worth."""

import math
import struct
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vehicle_anomaly.core import single_kernel
from vehicle_anomaly.core.attribution import PathAttribution
from vehicle_anomaly.core.forest import Forest
from vehicle_anomaly.core.guards import Guards, Told
from vehicle_anomaly.core.reading_plan import ReadingPlan
from vehicle_anomaly.core.reason_kernel import MOST_CONTRADICTIONS
from vehicle_anomaly.core.single_kernel import ALARMING, ALWAYS, ANOMALIES, INCOMPLETE, NEVER, SPECIAL

Alone = tuple[float, bool, bool]
"""The anomaly score of a reading, whether it is an anomaly, and whether it lacks a value."""

Entry = tuple[float, float, float, float]
"""Of a feature: what it contributed, what was read and expected, and its deviation; NaN for none."""

ToldAlone = tuple[list[Told], tuple[Sequence[int], Iterable[Entry]] | None]
"""The reasons of a reading, as of many; features, the largest contribution first, and what is said of each,
where that was wanted."""

_MODES: Final = {"never": NEVER, "anomalies": ANOMALIES, "always": ALWAYS}
_TWO: Final = np.full(1, 2.0)
_WHAT, _TOLD, _ENTRY = struct.Struct("4q"), struct.Struct("3d"), struct.Struct("4d")


class _Room(threading.local):
    """Where compiled code puts what it found: a place for each thread."""

    def __init__(self) -> None:
        self.exponent = np.empty(1)
        self.exponent_address = self.exponent.ctypes.data
        self.make_room(1)

    def make_room(self, size: int) -> None:
        """Make room for a reply of `size` numbers."""
        self.size = size
        self._reply = np.empty(size)
        self.address = self._reply.ctypes.data
        self.reply = self._reply.data.cast("B")


_room = _Room()


class SingleReadings:
    """Scores readings of one model that are nothing special, one by one.

    A reading is special when it has no value at all, is not as long as the model wants it, or holds what
    float32 cannot: what there is to say of such ones, those say who take many.
    """

    __slots__ = ("_follow", "_limit", "_most", "_offset", "_order", "_pack", "_plan", "_size", "_tell")

    def __init__(self, forest: Forest, medians: NDArray[np.float64], guards: Guards | None) -> None:
        """Write down where everything stands.

        Args:
            forest: What scores.
            medians: Shape (n_features,): what is expected where nothing tells.
            guards: What stands beside it; without, a negative score is an anomaly.
        """
        self._pack = struct.Struct(f"{forest.n_features}d").pack
        self._order = struct.Struct(f"{forest.n_features}q")
        self._most = forest.n_features + MOST_CONTRADICTIONS + 1
        self._size = single_kernel.reply_size(forest.n_features)
        self._follow, self._tell = single_kernel.follow(), single_kernel.tell()
        self._offset = -forest.offset
        self._limit = 0.0 if guards is None else guards.isolation_limit
        self._plan = ReadingPlan(forest, medians, guards)

    def score(self, values: Sequence[float | None]) -> Alone | None:
        """Give a reading its anomaly score, and tell whether it is an anomaly; None if it is special.

        Args:
            values: In the model's order.

        Returns:
            What `Forest.score` gives, bit for bit, whether there is a reason to call it an anomaly, and
            whether it lacks a value.
        """
        try:
            packed = self._packed(values)
        except (struct.error, OverflowError):
            return None
        room = _room
        told = self._follow(self._plan.address, packed, room.exponent_address)
        if told & SPECIAL:
            return None
        # NumPy's power of arrays, as for many: that of a scalar may differ in the last bit.
        score: float = self._offset - np.power(_TWO, room.exponent).item()
        return score, bool(told & ALARMING) or score < self._limit, bool(told & INCOMPLETE)

    def tell(
        self,
        values: Sequence[float | None],
        score: float,
        explain: str,
        attribution: Callable[[], PathAttribution],
    ) -> ToldAlone:
        """Give the reasons and the explanation of a reading that is nothing special.

        Args:
            values: In the model's order.
            score: What `score` gave.
            explain: `never`, `anomalies` or `always`.
            attribution: Gives what explains the forest's paths; asked for once, when it is needed.
        """
        mode, plan, room = _MODES[explain], self._plan, _room
        if mode and not plan.explains:
            plan.explain_by(attribution())
        if room.size < self._size:
            room.make_room(self._size)
        count = self._tell(plan.address, self._packed(values), score, mode, room.address)
        reply, first = room.reply, 32 * self._most
        told: list[Told] = [
            (0, code, feature, bool(by_others), *of_it)
            for (_, code, feature, by_others), of_it in zip(
                _WHAT.iter_unpack(reply[: 32 * count]),
                _TOLD.iter_unpack(reply[first : first + 24 * count]),
                strict=True,
            )
        ]
        if not (mode == ALWAYS or (mode and count)):
            return told, None
        first = 56 * self._most
        order = self._order.unpack_from(reply, first)
        first += self._order.size
        return told, (order, _ENTRY.iter_unpack(reply[first : first + 32 * len(order)]))

    def _packed(self, values: Sequence[float | None]) -> bytes:
        try:
            return self._pack(*values)
        except struct.error:
            # Most readings lack nothing: to look first would take longer.
            return self._pack(*[math.nan if value is None else value for value in values])


def warm_up() -> None:
    """Compile what judges one reading, or load it compiled."""
    single_kernel.follow()
    single_kernel.tell()
