"""What is said of a batch that a model was trained on."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from vehicle_anomaly.core import fitting
from vehicle_anomaly.core.batch_warnings import MAX_FEATURES_A_CODE
from vehicle_anomaly.core.feature_summary import QUANTILE_LEVELS, sample_rows
from vehicle_anomaly.core.fitting import ForestParameters
from vehicle_anomaly.core.forest import Forest
from vehicle_anomaly.core.guard_fitting import GuardParameters
from vehicle_anomaly.core.guard_warnings import guard_warnings
from vehicle_anomaly.core.histogram import Histogram
from vehicle_anomaly.core.telemetry import MAX_FEATURE, TelemetryBatch
from vehicle_anomaly.core.training_report import EarlierVersion, TrainingReport, training_report

N_VEHICLES = 5
SMALL = ForestParameters(n_estimators=10, contamination=0.1, random_state=7)


def fleet(
    n_readings: int = 1000, n_features: int = 4, seed: int = 0, names: Sequence[str] | None = None
) -> TelemetryBatch:
    """Make a batch about which there is nothing to say: its vehicles send in turns."""
    return TelemetryBatch(
        np.random.default_rng(seed).normal(50, 10, (n_readings, n_features)),
        [f"veh-{number % N_VEHICLES}" for number in range(n_readings)],
        seconds(np.arange(n_readings)),
        None if names is None else tuple(names),
    )


def seconds(after: NDArray[np.generic]) -> NDArray[np.datetime64]:
    noon = np.datetime64("2026-03-01T12:00:00", "us")
    times: NDArray[np.datetime64] = noon + after.astype("timedelta64[s]")
    return times


def grown(batch: TelemetryBatch) -> tuple[NDArray[np.float64], Forest]:
    medians = np.nanmedian(batch.values, axis=0)
    return medians, fitting.fit(np.where(np.isnan(batch.values), medians, batch.values), SMALL)[0]


def report(batch: TelemetryBatch, before: TrainingReport | None = None) -> TrainingReport:
    earlier = None if before is None else EarlierVersion("v1", before)
    return training_report(batch, *grown(batch), earlier)


def warned(batch: TelemetryBatch) -> list[tuple[str, int | str | None]]:
    return [(warning.code, warning.feature) for warning in report(batch).warnings]


def test_a_healthy_batch_is_no_cause_for_warnings() -> None:
    assert warned(fleet()) == []


@pytest.mark.parametrize(
    ("n_readings", "rate", "codes"),
    [
        (99, 0.01, ["no_guards"]),
        (100, 0.01, ["ranges_only"]),
        (499, 0.001, ["ranges_only", "uncertain_rate"]),
        (500, 0.01, []),
        (999, 0.001, ["uncertain_rate"]),
        (1000, 0.001, []),
    ],
)
def test_what_guards_cannot_learn_is_said(n_readings: int, rate: float, codes: list[str]) -> None:
    told = guard_warnings(n_readings, GuardParameters(rate), 0.05)

    assert [each.code for each in told] == codes
    assert all(f"{n_readings}" in each.message for each in told)
    assert guard_warnings(n_readings, None, 0.05) == ()


def test_range_median_and_what_is_missing_are_exact() -> None:
    batch = fleet(names="abcd")
    batch.values[:300, 1] = np.nan
    told = report(batch).features[1]

    present = batch.values[300:, 1]
    assert told.feature == "b"
    assert (told.minimum, told.maximum) == (present.min(), present.max())
    assert told.median == pytest.approx(np.median(present))
    assert (told.missing, told.missing_share) == (300, 0.3)
    assert told.distinct == 700
    assert sum(told.histogram.counts) == 700
    assert sum(told.shares) == pytest.approx(1)


@pytest.mark.parametrize("n_readings", [1, 2, 3, 50, 1000, 300_000])
def test_quantiles_are_values_that_were_measured_at_about_their_rank(n_readings: int) -> None:
    batch = fleet(n_readings, n_features=1)
    told = (
        training_report(batch, *grown(fleet(300, n_features=1)), None) if n_readings > 1000 else report(batch)
    )

    ordered = np.sort(batch.values[:, 0])
    for level, quantile in zip(QUANTILE_LEVELS, told.features[0].quantiles, strict=True):
        rank = int(np.searchsorted(ordered, quantile))
        assert ordered[rank] == quantile
        assert rank == pytest.approx(level * (n_readings - 1), abs=0.5 + 0.005 * n_readings)


def test_a_sample_takes_one_of_each_stretch_and_not_the_same_of_each() -> None:
    rows = sample_rows(1_000_000, 10, 10_000)

    assert rows is not None
    np.testing.assert_array_equal(rows // 100, np.arange(10_000))
    assert set((rows % 100).tolist()) == set(range(100))


def test_the_extremes_of_float32_are_summarised_too() -> None:
    batch = fleet(n_features=1)
    batch.values[::2, 0], batch.values[1::2, 0] = -MAX_FEATURE, MAX_FEATURE

    told = report(batch).features[0]

    assert (told.minimum, told.maximum, told.distinct) == (-MAX_FEATURE, MAX_FEATURE, 2)
    assert told.histogram.counts[0] == told.histogram.counts[-1] == 500


def test_scores_are_those_of_the_training_readings() -> None:
    batch = fleet()
    medians, forest = grown(batch)

    told = training_report(batch, medians, forest, None).scores

    scores = forest.score(batch.values)
    assert (told.minimum, told.maximum) == (scores.min(), scores.max())
    assert told.share_anomalous == pytest.approx(0.1, abs=0.01)
    assert sum(told.histogram.counts) == told.sampled_readings == 1000


def test_a_signal_that_never_moves_is_constant() -> None:
    batch = fleet(names="abcd")
    batch.values[:, 2] = 7.5
    batch.values[5, 2] = np.nan

    (warning,) = report(batch).warnings

    assert (warning.code, warning.feature) == ("constant", "c")
    assert warning.message == (
        "c is 7.5 wherever it has a value, so nothing is learnt of it: leave it out, or check the sensor."
    )


def test_large_values_are_written_as_they_were_sent() -> None:
    batch, pressures = fleet(names="abcd"), np.random.default_rng(1).normal(120_902_500, 200, 1000)
    batch.values[:, 1] = 1_013_250.5
    batch.values[:, 2] = pressures
    batch.values[17, 2] = 4_294_967_295

    constant, far = report(batch).warnings

    assert constant.message.startswith("b is 1013250.5 wherever it has a value")
    low, high = (f"{np.quantile(pressures, level, method='nearest'):.0f}" for level in (0.01, 0.99))
    assert far.message.startswith("c is 4294967295 at its farthest, though 98 % of its values lie from ")
    assert f" {low[:7]}" in far.message
    assert f" {high[:7]}" in far.message


def test_a_switch_has_few_values() -> None:
    batch = fleet()
    batch.values[:, 3] = np.random.default_rng(1).integers(0, 2, 1000)

    assert warned(batch) == [("few_values", 3)]


def test_a_signal_that_is_nearly_always_missing() -> None:
    batch = fleet()
    batch.values[20:, 0] = np.nan

    assert warned(batch) == [("mostly_missing", 0)]


def test_a_signal_that_follows_another_in_another_unit_is_a_copy() -> None:
    batch = fleet()
    batch.values[:, 2] = 1.8 * batch.values[:, 0] + 32
    batch.values[:, 3] = -batch.values[:, 1]

    assert warned(batch) == [("copy", 2), ("copy", 3)]
    assert "Feature 3 mirrors Feature 1" in report(batch).warnings[1].message


def test_signals_that_are_only_alike_are_no_copies() -> None:
    batch = fleet()
    batch.values[:, 2] = batch.values[:, 0] + np.random.default_rng(1).normal(0, 0.5, 1000)

    assert warned(batch) == []


def test_a_placeholder_lies_far_out() -> None:
    batch = fleet()
    batch.values[17, 1] = 65535

    assert warned(batch) == [("far_outlier", 1)]


@pytest.mark.parametrize("share", [0.001, 0.005, 0.012, 0.02, 0.045])
@pytest.mark.parametrize("placeholder", [65535.0, -9999.0, 1e9])
def test_a_placeholder_is_found_in_some_percent_of_the_readings_too(placeholder: float, share: float) -> None:
    batch = fleet(20_000, names="abcd")
    batch.values[np.random.default_rng(1).random(20_000) < share, 1] = placeholder

    (warning,) = report(batch).warnings

    assert (warning.code, warning.feature) == ("far_outlier", "b")
    assert warning.message.startswith(f"b is {placeholder:.0f} at its farthest, though ")
    assert f"{98 if share < 0.01 else 90} % of its values lie from " in warning.message


@pytest.mark.parametrize("n_readings", [300, 20_000])
def test_long_tails_and_what_seldom_happens_are_no_placeholders(n_readings: int) -> None:
    rng = np.random.default_rng(3)
    batch = fleet(n_readings, n_features=6)
    seldom = rng.random(n_readings) < 0.07
    long_tailed = rng.lognormal(0, 1, n_readings)
    # A tail that a sensor cuts off, a brake that mostly rests, a rare state, two of many, and a rare mode.
    batch.values[:, 0] = np.minimum(long_tailed, np.quantile(long_tailed, 0.985))
    batch.values[:, 1] = np.where(
        seldom, np.minimum(rng.exponential(50, n_readings), 100), rng.random(n_readings)
    )
    batch.values[:, 2] = rng.choice([0, 1, 2, 14], n_readings, p=[0.9, 0.06, 0.02, 0.02])
    batch.values[:, 3] = np.where(rng.random(n_readings) < 0.03, 12, rng.choice(12, n_readings))
    batch.values[:, 4] = np.where(rng.random(n_readings) < 0.03, 500 + 30 * rng.normal(size=n_readings), 50)
    batch.values[:, 4] += rng.normal(0, 10, n_readings)

    assert "far_outlier" not in dict(warned(batch))


def test_a_sensor_that_stands_still_in_one_vehicle_is_stuck() -> None:
    batch = fleet(names="abcd")
    batch.values[3::N_VEHICLES, 1] = 63.5

    (warning,) = report(batch).warnings

    assert (warning.code, warning.feature) == ("stuck", "b")
    assert "vehicle 'veh-3' stays at 63.5 for at least 200 readings in a row" in warning.message


def test_a_sensor_that_stands_still_for_a_long_time_is_stuck() -> None:
    batch = fleet(5000)
    at = np.arange(0, 5000, N_VEHICLES)
    batch.values[at[300:500], 2] = 12.25

    (warning,) = report(batch).warnings

    assert (warning.code, warning.feature) == ("stuck", 2)
    assert "'veh-0' stays at 12.25" in warning.message


def test_a_vehicle_that_rests_is_not_stuck() -> None:
    batch = fleet(10_000, n_features=2)
    at = np.arange(0, 10_000, N_VEHICLES)
    for begin in (100, 500, 1000, 1500):
        batch.values[at[begin : begin + 130], 0] = 0.0

    assert warned(batch) == []


def test_nothing_is_stuck_where_nothing_moves() -> None:
    batch = fleet(5000)
    at = np.arange(0, 5000, N_VEHICLES)
    batch.values[at[300:500]] = batch.values[at[300]]

    assert warned(batch) == []


def test_what_is_missing_for_long_is_not_stuck() -> None:
    batch = fleet(5000)
    batch.values[1::N_VEHICLES, 0] = np.nan
    batch.values[2::N_VEHICLES, 1][300:700] = np.nan

    assert warned(batch) == []


def test_a_signal_that_seldom_moves_anyway_is_not_stuck() -> None:
    batch = fleet(5000)
    batch.values[:, 3] = np.repeat(np.random.default_rng(1).normal(size=5), 1000)

    assert "stuck" not in dict(warned(batch))


def test_readings_out_of_order_repeated_and_twice_are_counted_apart() -> None:
    batch = fleet()
    again = [10, 11, 12]
    values = np.vstack([batch.values, batch.values[again], batch.values[[20]] + 1])
    values[12, 0] = values[1002, 0] = np.nan
    added = [*again, 20]
    twice = TelemetryBatch(
        values,
        [*batch.vehicle_ids, *(batch.vehicle_ids[row] for row in added)],
        np.concatenate([batch.timestamps, batch.timestamps[added]]),
    )

    messages = {warning.code: warning.message for warning in report(twice).warnings}

    assert messages.keys() == {"out_of_order", "repeated_times", "duplicates"}
    assert messages["duplicates"].startswith("3 readings are a repetition")
    assert messages["repeated_times"].startswith("1 reading is of the same vehicle and time")
    # Of 10 to 12, the last vehicles' readings of the batch come before.
    assert messages["out_of_order"].startswith("3 readings are earlier")


def test_few_readings_and_few_vehicles() -> None:
    batch = fleet(100)
    one = replace(batch, vehicle_ids=["veh-1"] * 100)

    assert warned(batch) == [("few_readings", None)]
    assert warned(one) == [("few_readings", None), ("few_vehicles", None)]
    assert "use the model for it alone" in report(one).warnings[1].message


def test_one_vehicle_that_sends_more_than_all_others_together() -> None:
    batch = fleet()
    often = ["veh-1" if number % 10 else f"veh-{number % 7}" for number in range(1000)]

    assert warned(replace(batch, vehicle_ids=often)) == [("dominant_vehicle", None)]


def test_of_thousands_of_features_with_one_flaw_some_are_named_and_the_others_counted() -> None:
    batch = fleet(300, n_features=100)
    batch.values[:, :90] = 1.0

    warnings = report(batch).warnings

    assert [warning.feature for warning in warnings] == [*range(MAX_FEATURES_A_CODE), None]
    assert "70 more features" in warnings[-1].message


def test_one_reading_is_told_of_as_one() -> None:
    few, *_ = report(fleet(1)).warnings
    (unguarded,) = guard_warnings(1, GuardParameters(0.01), 0.05)
    (two,) = guard_warnings(2, GuardParameters(0.01), 0.05)

    assert few.message.startswith("There is 1 reading only, and each tree")
    assert unguarded.message.startswith("There is 1 reading, and guards need 100")
    assert two.message.startswith("There are 2 readings, and guards need 100")


def test_one_reading_is_enough_for_a_report() -> None:
    told = report(fleet(1))

    assert told.features[0].minimum == told.features[0].maximum
    assert len(told.scores.histogram.counts) == 1


def test_the_same_kind_of_readings_are_stable() -> None:
    change = report(fleet(20_000, seed=2), report(fleet(20_000, seed=1))).change

    assert change is not None
    assert change.since_version == "v1"
    assert [each.reading for each in change.features] == ["stable"] * 4
    assert all(0 <= each.psi < 0.01 for each in change.features)


def test_a_shift_is_told_by_feature_and_size() -> None:
    before, now = fleet(20_000, names="abcd", seed=1), fleet(20_000, names="abcd", seed=2)
    now.values[:, 1] += 4
    now.values[:, 2] += 10

    change = report(now, report(before)).change

    assert change is not None
    told = {each.feature: each for each in change.features}
    assert [told[name].reading for name in "abcd"] == ["stable", "shifted", "changed", "stable"]
    assert told["c"].median_before == pytest.approx(50, abs=0.5)


def test_the_index_is_that_of_its_definition() -> None:
    before, now = fleet(20_000, n_features=1, seed=1), fleet(20_000, n_features=1, seed=2)
    now.values[:] += 5
    cuts = np.quantile(before.values, np.arange(1, 10) / 10)
    shares = [
        np.bincount(np.searchsorted(cuts, batch.values[:, 0]), minlength=10) / 20_000
        for batch in (before, now)
    ]
    expected = np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0]))

    change = report(now, report(before)).change

    assert change is not None
    assert change.features[0].psi == pytest.approx(expected, rel=0.02)


def test_by_chance_is_what_happens_by_chance() -> None:
    before, now = fleet(400, 300, seed=1), fleet(600, 300, seed=2)

    change = report(now, report(before)).change

    assert change is not None
    above = np.mean([each.psi > each.by_chance for each in change.features])
    assert 0.02 < above < 0.09


def test_few_readings_that_differ_by_chance_are_stable() -> None:
    change = report(fleet(30, 1, seed=2), report(fleet(30, 1, seed=1))).change

    assert change is not None
    (told,) = change.features
    assert told.psi > 0.1
    assert told.reading == "stable"


@pytest.mark.parametrize("value", [4.0, 6.0])
def test_a_constant_that_is_another_constant_now_has_changed(value: float) -> None:
    before, now = fleet(), fleet(seed=1)
    before.values[:, 0], now.values[:, 0] = 5.0, value

    change = report(now, report(before)).change

    assert change is not None
    assert change.features[0].reading == "changed"


def test_a_signal_that_is_missing_more_often_has_changed() -> None:
    before, now = fleet(), fleet(seed=1)
    now.values[::2, 0] = np.nan

    change = report(now, report(before)).change

    assert change is not None
    assert change.features[0].reading == "changed"


def test_features_that_came_and_went_are_named() -> None:
    change = report(fleet(names="abce"), report(fleet(names="abcd"))).change

    assert change is not None
    assert [each.feature for each in change.features] == ["a", "b", "c"]
    assert (change.added, change.removed) == (("e",), ("d",))


def test_a_histogram_checks_itself() -> None:
    with pytest.raises(ValueError, match="in order"):
        Histogram(2.0, 1.0, (1,))
    with pytest.raises(ValueError, match="counts"):
        Histogram(1.0, 2.0, ())
