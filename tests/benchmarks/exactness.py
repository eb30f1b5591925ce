"""Whether scores and labels are scikit-learn's, over ten million readings and every size of forest.

No quick form: `tests/core/test_exactness.py` holds the corners to the same in every `just check`.
"""

from collections.abc import Iterator

from tests.benchmarks.measure import Row, Sample, Table, at_most
from tests.exactness import EVERY, FEATURES, SAMPLES, TREES, Compared, compare, total

N_READINGS = 10_000_000
# What a reading costs scikit-learn goes with the trees: forests of a thousand get the fewest readings.
_PARTS = {1: 4, 7: 4, 64: 3, 200: 2, 1000: 1}
_SIZES = (
    f"{TREES[0]} to {TREES[-1]:,} trees, `max_samples` {SAMPLES[0]} to {SAMPLES[-1]:,}, "
    f"{FEATURES[0]} to {FEATURES[-1]} features"
)


def measure(n_readings: int = N_READINGS) -> Iterator[Row]:
    """Compare forests of as many trees one after another, then all of them."""
    all_parts = sum(_PARTS[size.n_trees] for size in EVERY)
    found: list[Compared] = []
    for n_trees, parts in _PARTS.items():
        sizes = [size for size in EVERY if size.n_trees == n_trees]
        some = total([compare(size, -(-n_readings * parts // all_parts)) for size in sizes])
        found.append(some)
        yield Row(
            f"greatest difference of two scores, trees: {n_trees:,}",
            Sample.of([some.greatest]),
            note=f"{some.n_readings:,} readings, {len(sizes)} forests; labels that differ: {some.n_labels}",
        )
    whole = total(found)
    yield Row(
        "readings scored by us and by scikit-learn, ties and thresholds among them",
        Sample.of([whole.n_readings]),
        note=f"by forests of {_SIZES}",
        in_readme=True,
    )
    yield Row("forests that scored them", Sample.of([len(EVERY)]), in_readme=True)
    yield Row("greatest difference of two scores", Sample.of([whole.greatest]), bars=(at_most(1e-12),))
    yield Row("labels that differ", Sample.of([whole.n_labels]), bars=(at_most(0),))


TABLE = Table("exactness", f"Scores beside scikit-learn's, {_SIZES.replace('`', '')}", measure)
