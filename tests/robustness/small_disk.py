"""The service on a disk of two megabytes that fills up, and that turns read-only; a program of its own.

Run in a mount namespace of its own (`unshare --map-root-user --mount`), where it may mount.
"""

import errno
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.adapters.inbound.http.service import BATCH, Service, problem_in, running
from vehicle_anomaly.adapters.outbound.filesystem_models import FilesystemModels
from vehicle_anomaly.core.model import ModelName, ModelVersion

DEFAULT = ModelName("default")
SCORE = (sys.executable, "-m", "vehicle_anomaly", "score")


def mount(folder: Path, options: str) -> None:
    """Mount, or mount again, a disk of two megabytes."""
    command = ["mount", "-t", "tmpfs", "-o", f"size=2m,{options}", "tmpfs", str(folder)]
    subprocess.run(command, check=True)


def fill(folder: Path) -> Path:
    """Leave less room than a version takes; return what fills it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return filler


def ingest(service: Service, version: str) -> int:
    """Train, and return the status; what is refused is refused with a problem that names the store."""
    response = service.client.post("/ingest", json={**BATCH, "model_version": version})
    if not response.is_success:
        problem = problem_in(response)
        assert problem.type.endswith("model-store-unavailable"), problem
    return response.status_code


def whole(store: Path, *expected: str) -> None:
    """Check that these versions are there, whole, and the last of them answers; and nothing else is there."""
    models = FilesystemModels(store)
    known = models.versions(DEFAULT)
    assert known.damaged == ()
    assert {each.model_version.value for each in known.versions} == {*expected}, known
    assert known.latest == ModelVersion(expected[-1])
    assert list((store / "default").glob(".tmp*")) == []


def score_into(folder: Path, store: Path) -> None:
    """Score into a file on the full disk: it and what to do is told, and what was there stays."""
    verdicts = folder / "verdicts.ndjson"
    before = {*folder.iterdir()}, verdicts.read_text()
    ended = subprocess.run(
        [*SCORE, "--input-format", "ndjson", "--output", str(verdicts), "-"],
        input="".join(json.dumps(each) + "\n" for each in BATCH["records"]),
        env={**os.environ, "MODEL_ARTIFACT_DIR": str(store)},
        capture_output=True,
        text=True,
        check=False,
    )
    what_to_do = "make room there, or let --output name a file on another disk"
    told = f"vehicle-anomaly: error: {verdicts}: No space left on device: {what_to_do}\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", told), ended
    assert ({*folder.iterdir()}, verdicts.read_text()) == before


def run(folder: Path) -> None:
    """Fill the disk and empty it; make it read-only and writable again."""
    mount(folder, "rw")
    store = folder / "models"
    (folder / "verdicts.ndjson").write_text("before\n")
    with running(store) as service:
        filler = fill(folder)
        score_into(folder, store)
        assert ingest(service, "v2") == 503
        assert service.still_scores()
        whole(store, "v1")
        filler.unlink()
        assert ingest(service, "v2") == 201
        whole(store, "v1", "v2")

        mount(folder, "remount,ro")
        assert ingest(service, "v3") == 503
        answer = service.client.put("/models/default/latest", json={"model_version": "v1"})
        assert answer.status_code == 503, answer.text
        assert service.still_scores()
        try:
            fill(folder)
        except OSError as error:
            assert error.errno == errno.EROFS  # noqa: PT017  # it is really read-only
        else:
            raise AssertionError("the disk is not read-only")
        whole(store, "v1", "v2")
        mount(folder, "remount,rw")
        assert ingest(service, "v3") == 201
        whole(store, "v1", "v2", "v3")


if __name__ == "__main__":
    run(Path(sys.argv[1]))
