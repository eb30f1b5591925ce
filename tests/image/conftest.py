"""The image, laid out in a folder by the steps of the Dockerfile, and closed to writing."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.image import dockerfile

PROJECT = Path(__file__).parents[2]
NOBODY = 65534


@dataclass(frozen=True)
class Image:
    """What the Dockerfile makes.

    Attributes:
        root: Folder that stands for `/`.
        environ: The environment that the image gives to what it runs.
        command: Entry point and command.
        health_check: What asks whether it lives.
    """

    root: Path
    environ: dict[str, str]
    command: list[str]
    health_check: list[str]


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    python = _python_for_everyone()
    # Not pytest's folder, which nobody else may enter.
    root = Path(tempfile.mkdtemp(prefix="vehicle-anomaly-image-"))
    root.chmod(0o755)
    try:
        _, (build, final) = dockerfile.read(PROJECT / "Dockerfile")
        (root / "bin").mkdir()
        wrapper = root / "bin" / "python"
        wrapper.write_text(f'#!/bin/sh\nexec {python} "$@"\n')
        wrapper.chmod(0o755)
        environ = {"PATH": f"{root}/bin:/usr/bin:/bin", "HOME": str(Path.home())}
        # Which caches and addresses packages come by is the machine's matter.
        environ |= {n: v for n, v in os.environ.items() if n.startswith(("PIP_", "UV_", "SSL_", "HTTP"))}
        dockerfile.carry_out(build, PROJECT, root, environ)
        yield _finished(final, root)
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(root)], check=True)
        shutil.rmtree(root)


def _finished(final: dockerfile.Stage, root: Path) -> Image:
    # All that the last stage takes over; what built it is not there any more.
    taken = {i.rest.split()[-1] for i in final.instructions if i.keyword == "COPY"}
    for folder in (root / "opt").iterdir():
        if f"/opt/{folder.name}" not in taken:
            shutil.rmtree(folder)
    subprocess.run(["chmod", "-R", "a-w,a+rX", str(root)], check=True)
    variables = dockerfile.environment(final, {"PATH": "/usr/bin:/bin"})
    environ = {name: dockerfile.moved(value, root) for name, value in variables.items()}
    return Image(
        root,
        environ,
        _words(final, "ENTRYPOINT") + _words(final, "CMD"),
        _words(final, "HEALTHCHECK"),
    )


def _words(stage: dockerfile.Stage, keyword: str) -> list[str]:
    (rest,) = (i.rest for i in stage.instructions if i.keyword == keyword)
    return [str(word) for word in json.loads(rest[rest.index("[") :])]


def _python_for_everyone() -> Path:
    """Return a Python that a user without rights may run, with what `python -m venv` needs.

    IMAGE_PYTHON names one of the version that PYTHON_IMAGE has; without it, it is the one of the tests.
    """
    if named := os.environ.get("IMAGE_PYTHON"):
        return Path(named)
    check = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"
    for candidate in (Path(sys.base_prefix) / "bin" / "python3", Path("/usr/bin/python3")):
        try:
            ran = subprocess.run(
                [str(candidate), "-c", check], cwd="/", capture_output=True, check=False, user=unprivileged()
            )
        except OSError:
            continue
        if ran.returncode == 0:
            return candidate
    pytest.skip("no Python 3.11 or newer that another user may run")


def unprivileged() -> int | None:
    """Return the user that the image's processes run as here: nobody, or who runs the tests if not root."""
    return NOBODY if os.geteuid() == 0 else None
