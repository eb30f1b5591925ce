"""`python -m tests.infra.snapshots FOLDER`: take what was synthesised there for what was reviewed."""

import sys
from pathlib import Path

from tests.infra.conftest import VARIANTS
from tests.infra.test_snapshots import SNAPSHOTS, written


def main() -> None:
    """Rewrite the snapshots."""
    for name in VARIANTS:
        (SNAPSHOTS / name).mkdir(parents=True, exist_ok=True)
        for template in (Path(sys.argv[1]) / name).glob("*.template.json"):
            stack = template.name.removesuffix(".template.json").rpartition("-")[2]
            (SNAPSHOTS / name / f"{stack}.json").write_text(written(template))


if __name__ == "__main__":
    main()
