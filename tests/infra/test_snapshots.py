"""What a change of the app changes in what AWS is told, for who reviews it. `just snapshots` accepts it."""

import difflib
import json
from pathlib import Path

import pytest

from tests.infra.conftest import VARIANTS

SNAPSHOTS = Path(__file__).with_name("snapshots")


def written(template: Path) -> str:
    """Write a template as snapshots are: sorted, so that only what changed differs."""
    return json.dumps(json.loads(template.read_text()), indent=1, sort_keys=True) + "\n"


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("stack", ["queues", "storage", "services", "observability"])
def test_templates_are_as_they_were_reviewed(synthesised: Path, name: str, stack: str) -> None:
    file = f"vehicle-anomaly-{name.partition('-')[0]}-{stack}.template.json"
    before = (SNAPSHOTS / name / f"{stack}.json").read_text()
    now = written(synthesised / name / file)
    changed = list(
        difflib.unified_diff(before.splitlines(), now.splitlines(), "reviewed", "now", lineterm="", n=6)
    )
    assert not changed, "\n".join(["`just snapshots` accepts this:", *changed[:120]])


def test_every_variant_has_its_snapshots_and_nothing_else_has() -> None:
    assert {folder.name for folder in SNAPSHOTS.iterdir()} == set(VARIANTS)
