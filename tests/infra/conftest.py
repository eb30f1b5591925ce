"""The templates of every variant, synthesised once."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from infra import synth
from tests.infra.template import Templates

PROJECT = Path(__file__).parents[2]
PYTHON = PROJECT / ".venv-infra" / "bin" / "python"
VARIANTS = tuple(synth.VARIANTS)
SECONDS = 240


@pytest.fixture(scope="session")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a folder of templates for each variant."""
    if not PYTHON.exists():
        pytest.skip("the CDK is not here: `just setup-infra` makes .venv-infra")
    folder = tmp_path_factory.mktemp("synthesised")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    subprocess.run(
        [str(PYTHON), "-m", "infra.synth", str(folder)], cwd=PROJECT, env=environ, check=True, timeout=SECONDS
    )
    return folder


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def templates(synthesised: Path, variant: str) -> Templates:
    return Templates(synthesised / variant)


@pytest.fixture
def production(synthesised: Path) -> Templates:
    return Templates(synthesised / "prod-https")


@pytest.fixture
def findings(synthesised: Path, variant: str) -> list[dict[str, object]]:
    """Return what cdk-nag and the CDK's own rules found."""
    report = synthesised / variant / "validation-report.json"
    if not report.exists():
        return []
    return [v for plugin in json.loads(report.read_text())["pluginReports"] for v in plugin["violations"]]
