"""The pictures show what was scored."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from tests.demo.trips import scored_trip
from vehicle_anomaly.demo.faults import FAULTS
from vehicle_anomaly.demo.picture import write_picture
from vehicle_anomaly.demo.terminal_plot import terminal_plot

DETECTED = [0.1] * 60 + [-0.1] * 60 + [0.12] * 60


@pytest.mark.parametrize("n_faulty", [1, 2, 3, len(FAULTS)])
def test_the_picture_is_a_png_with_colours_for_what_is_flagged_and_what_is_not(
    tmp_path: Path, n_faulty: int
) -> None:
    path = tmp_path / "scores.png"
    scored = [scored_trip(DETECTED, (60, 120), number) for number in range(1, n_faulty + 1)]

    write_picture(path, [*scored, scored_trip(DETECTED, None)])

    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    pixels = imread(path)[:, :, :3]
    assert pixels.shape[1] > 600
    for colour in ("4477aa", "cc3311"):
        wanted = np.array([int(colour[at : at + 2], 16) for at in (0, 2, 4)]) / 255
        assert (np.abs(pixels - wanted).max(axis=2) < 0.02).any()


def test_the_same_verdicts_give_the_same_picture(tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        write_picture(tmp_path / name, [scored_trip(DETECTED, (60, 120))])

    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.parametrize("width", [60, 110])
def test_the_terminal_plot_fits_and_labels_the_threshold(width: int) -> None:
    plot = terminal_plot(scored_trip(DETECTED, (60, 120)), width, 18, colour=False)

    lines = plot.splitlines()
    assert len(lines) <= 18
    assert max(map(len, lines)) <= width
    assert any(line.startswith(" 0.00") for line in lines)
    assert "sensor supply shorted" in lines[0]
    assert "\x1b" not in plot


def test_the_terminal_plot_has_colours_where_they_are_wanted() -> None:
    assert "\x1b[" in terminal_plot(scored_trip(DETECTED, (60, 120)), 80, 18, colour=True)


def test_a_trip_without_a_fault_is_not_drawn() -> None:
    with pytest.raises(ValueError, match="expected a trip with a fault"):
        terminal_plot(scored_trip(DETECTED, None), 80, 18, colour=False)
