"""Scores are scikit-learn's over many readings and every size of forest, on ties and thresholds too.

The long form, ten million readings, is marked `soak` and run by `just soak`.
"""

import pytest

from tests.exactness import CORNERS, EVERY, Size, compare, total

ALL_OF_THEM = 10_000_000


@pytest.mark.parametrize(
    ("sizes", "n_readings"),
    [
        (CORNERS, 256),
        pytest.param(
            EVERY, -(-ALL_OF_THEM // len(EVERY)), marks=[pytest.mark.soak, pytest.mark.timeout(7200)]
        ),
    ],
    ids=["corners", "ten million"],
)
def test_scores_and_labels_are_scikit_learns(sizes: list[Size], n_readings: int) -> None:
    found = {size: compare(size, n_readings) for size in sizes}
    assert {size: each for size, each in found.items() if not each.greatest <= 1e-12 or each.n_labels} == {}
    assert total(found.values()).n_readings == n_readings * len(sizes)
