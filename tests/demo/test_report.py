"""Every figure of the report is counted from the verdicts."""

import io

import pytest
from rich.console import Console

from tests.demo.trips import scored_trip
from vehicle_anomaly.demo import report
from vehicle_anomaly.demo.scored import clearest, false_alarms, outcomes


def printed(*what: object, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(*what)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


SCORED = [
    scored_trip(
        [0.1, -0.1, 0.1, 0.1, -0.3, -0.2, -0.1, 0.2, 0.1, 0.1],
        (4, 8),
        number=1,
        named=("engine_speed_rpm", "throttle_position_percent"),
    ),
    scored_trip([0.1] * 10, (2, 4), number=2),
    scored_trip([-0.1] + [0.1] * 9, None, number=3),
]


def test_shares_are_counted_within_and_outside_the_stretch() -> None:
    first, second = outcomes(SCORED)

    assert (first.vehicle_id, second.vehicle_id) == ("vehicle-01", "vehicle-02")
    assert (first.detected, second.detected) == (0.75, 0.0)
    assert first.flagged_when_healthy == pytest.approx(1 / 6)
    assert second.flagged_when_healthy == 0.0


def test_a_sensor_is_named_where_the_first_reason_of_a_flagged_faulty_reading_names_one_at_fault() -> None:
    first, second = outcomes(SCORED)

    assert first.named == pytest.approx(1 / 3)
    assert first.reason == "throttle_position_percent reads -0.2."
    assert (second.named, second.reason) == (None, "")


def test_where_no_reason_names_a_sensor_at_fault_the_first_of_all_is_told() -> None:
    (outcome,) = outcomes([scored_trip([-0.1, -0.2, 0.1], (0, 2), named=("engine_speed_rpm",))])

    assert (outcome.named, outcome.reason) == (0.0, "engine_speed_rpm reads -0.1.")


def test_false_alarms_are_those_of_all_healthy_readings() -> None:
    assert false_alarms(SCORED) == (2, 6 + 8 + 10)


def test_the_clearest_trip_is_the_one_whose_fault_was_detected_most() -> None:
    assert clearest(SCORED) is SCORED[0]
    assert clearest(SCORED[1:]) is SCORED[1]


def test_the_lowest_faulty_reading_is_within_the_stretch() -> None:
    assert scored_trip([-0.9, 0.1, 0.2, 0.1], (1, 3)).lowest_faulty == 1


def test_the_table_says_per_fault_what_was_measured() -> None:
    text = printed(report.findings(SCORED))

    line = next(line for line in text.splitlines() if "vehicle-01" in line)
    assert line.split()[-4:] == ["4", "75%", "33%", "16.7%"]
    assert "sensor supply shorted" in line
    assert "vehicle-03" not in text


def test_the_reasons_are_told_of_what_was_flagged() -> None:
    told = printed(report.reasons(SCORED)).strip().split(maxsplit=1)

    assert told == ["vehicle-01", "throttle_position_percent reads -0.2."]


def test_false_alarms_are_told_with_what_they_are_a_share_of_and_what_was_asked_for() -> None:
    line = report.false_alarm_line(SCORED, {"false_alarm_rate": 0.01})

    assert "2 of 24 healthy readings, 8.3%" in line
    assert "1.0% were asked for" in line


def test_nothing_was_asked_for_where_guards_are_off() -> None:
    assert report.false_alarm_line(SCORED, {"false_alarm_rate": None}) == (
        "False alarms: 2 of 24 healthy readings, 8.3%. Guards are off: the forest alone has judged."
    )
