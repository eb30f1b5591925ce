"""The bar of the fault benchmark, on real trips."""

import numpy as np

from tests import real_trips
from tests.guarded import alarm_rate, found, trained
from tests.real_trips import needs_real_trips


@needs_real_trips
def test_faults_are_found_and_named_on_real_trips_at_few_false_alarms() -> None:
    """As in `just bench-faults`, on every fifth faulty reading."""
    batch = real_trips.batch(real_trips.training_trips())
    healthy, names = real_trips.signals(real_trips.test_trips()), batch.feature_names or ()
    assert (len(batch.values), len(healthy)) == (real_trips.TRAINING_READINGS, real_trips.TEST_READINGS)

    model = trained(batch, 0.015)
    results = [
        found(model, real_trips.broken(healthy[::5], names, fault), frozenset(real_trips.blamed(fault)))
        for fault in real_trips.FAULTS
    ]

    assert alarm_rate(model, healthy) <= 0.02
    assert np.mean([each.recall for each in results]) >= 0.80
    assert np.mean([each.named for each in results]) >= 0.85
