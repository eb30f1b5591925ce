"""A batch gives the same model on every processor: what is trained again elsewhere is no other content."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.fakes import a_batch
from tests.guarded import trained
from vehicle_anomaly.core.contrast_fitting import partners

REPOSITORY = Path(__file__).parents[2]
# What NumPy has code for, beyond what every processor of this kind can do.
FOUND: list[str] = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
OTHERS = {
    "without NumPy's faster code": {"NPY_DISABLE_CPU_FEATURES": " ".join(FOUND)},
    "an old one's linear algebra": {"OPENBLAS_CORETYPE": "Nehalem"},
    "its linear algebra in one thread": {"OPENBLAS_NUM_THREADS": "1"},
}


def learnt() -> tuple[str, list[float]]:
    """Train on coarse sensors, most readings of which are equal to others, and tell what came of it.

    Returns:
        A hash, and apart from it the limits that are scores: scikit-learn's end with NumPy's power, of which
        processors with AVX-512 have one of their own, with another last bit.
    """
    values = np.round(3 * np.random.default_rng(4).normal(size=(3000, 4)))
    model = trained(a_batch(values), n_estimators=10)
    assert model.guards is not None
    arrays = {**model.guards.arrays(), **model.guards.trees.arrays(), "medians": model.medians}
    told = hashlib.sha256()
    for name in sorted(arrays):
        told.update(name.encode() + arrays[name].tobytes())
    return told.hexdigest(), [model.forest.offset, model.guards.isolation_limit]


@pytest.mark.parametrize("other", OTHERS)
def test_the_same_guards_on_another_processor(other: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "from tests.core.test_any_processor import learnt; print(*learnt(), sep='|')"],
        cwd=REPOSITORY,
        env={**os.environ, **OTHERS[other]},
        capture_output=True,
        text=True,
        check=True,
    )
    there, limits_there = ended.stdout.strip().rpartition("\n")[2].split("|")
    here, limits = learnt()
    assert there == here
    assert json.loads(limits_there) == pytest.approx(limits, rel=1e-15, abs=1e-15)


def test_partners_do_not_depend_on_the_order_of_what_is_equal() -> None:
    chance = np.random.default_rng(1)
    X = np.round(chance.normal(size=(2000, 5)))
    X[:, 4] = X[:, 3] + (chance.random(2000) < 0.3)

    def chosen(rows: np.ndarray) -> tuple[list[list[int]], list[float]]:
        each, closest = partners(X[rows], 4, np.random.default_rng(2))
        return [one.tolist() for one in each], closest.tolist()

    assert chosen(np.arange(2000)) == chosen(chance.permutation(2000))


def test_what_is_equal_most_of_the_time_goes_together_with_nothing() -> None:
    """Where ties are ranked by where they stand, two such sensors seem to move together."""
    chance = np.random.default_rng(1)
    X = np.where(chance.random((2000, 3)) < 0.98, 0.0, chance.random((2000, 3)))
    _, closest = partners(X, 2, np.random.default_rng(2))
    assert closest.max() < 0.1
