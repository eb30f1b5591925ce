"""The page of a report in a real browser, where there is one."""

import subprocess
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from tests.adapters.inbound.browser import BROWSER, OPTIONS, needs_a_browser
from tests.adapters.inbound.http.service import Service
from tests.fakes import a_batch, a_trained_model
from vehicle_anomaly.core.training_report import EarlierVersion

HOSTILE = ("<script>document.title='taken'</script>", '"><img src=x onerror="document.title=1">', "</style>")


def _published(service: Service, n_features: int) -> str:
    """Publish two versions; return the address of the second one's report."""
    model_name = f"wide-{n_features}"
    names = [*HOSTILE, *(f"signal_{number:03}" for number in range(n_features - len(HOSTILE)))]
    reports: list[EarlierVersion | None] = [None]
    for seed, version in enumerate(("v1", "v2")):
        batch = a_batch(n_readings=500, n_features=n_features, seed=seed, feature_names=names)
        model = a_trained_model(version, model_name=model_name, batch=batch, before=reports[-1])
        service.container.model_store().publish(model)
        assert model.report is not None
        reports.append(EarlierVersion(version, model.report))
    return f"{service.url}/models/{model_name}/versions/v2/report"


@needs_a_browser
@pytest.mark.parametrize("n_features", [10, 200])
def test_it_is_drawn_and_nothing_in_it_runs(service: Service, tmp_path: Path, n_features: int) -> None:
    shot = tmp_path / "page.png"
    ended = subprocess.run(
        [
            BROWSER,
            *OPTIONS,
            "--enable-logging=stderr",
            "--dump-dom",
            f"--screenshot={shot}",
            "--window-size=1200,1600",
            f"--user-data-dir={tmp_path / 'profile'}",
            _published(service, n_features),
        ],
        capture_output=True,
        check=True,
        timeout=120,
    )
    shown, said = ended.stdout.decode(), ended.stderr.decode()

    assert f"<title>wide-{n_features} v2: training report</title>" in shown
    assert "<script" not in shown
    assert "<img" not in shown
    assert shown.count("<svg") == 2 + 2 * n_features
    # The browser says so where it refuses a style or a script.
    assert "Content Security Policy" not in said
    picture = np.round(matplotlib.image.imread(shot)[..., :3] * 255).astype(int)
    # The ground and the bars have the colours of the style sheet: it was not refused.
    assert picture[0, 0].tolist() in ([0xFB, 0xFB, 0xFA], [0x14, 0x17, 0x1C])
    bars = (picture == [0x2F, 0x6F, 0x9F]).all(axis=2) | (picture == [0x6F, 0xB1, 0xE0]).all(axis=2)
    assert bars.sum() > 10_000
