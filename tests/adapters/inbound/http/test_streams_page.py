"""The page on streams says what is so: its examples are run as they stand, but for the port."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.adapters.inbound.http.service import NAMES, READING, Service

PAGE = (Path(__file__).parents[4] / "docs" / "streams.md").read_text()
LINES = [{**READING, "feature_vector": [0.1, -0.2, float(row)]} for row in range(50)]


def _block(kind: str) -> str:
    [block] = re.findall(rf"^ *```{kind}\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.fixture
def readings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with the file that the examples send."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "readings.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return path


def _assert_scored(output: str) -> None:
    told = [json.loads(line) for line in output.splitlines()]
    assert len(told) == len(LINES)
    assert all("anomaly_score" in each for each in told)


def test_the_program_sends_while_it_reads(
    service: Service, readings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    program = _block("python").replace('"127.0.0.1", 8000', f'"{host}", {port}')
    assert port in program
    exec(program, {})
    _assert_scored(capsys.readouterr().out)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_streams_a_file(service: Service, readings: Path) -> None:
    command = _block("sh").replace("http://127.0.0.1:8000", service.url)
    assert service.url in command
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True)
    _assert_scored(done.stdout)


def test_the_problem_is_what_a_short_vector_gets(service: Service) -> None:
    shown = json.loads(_block("json"))
    assert shown["detail"].startswith(f"feature_vector: expected {len(NAMES)} numbers")
    good, short = json.dumps(READING), json.dumps({**READING, "feature_vector": [1.0]})
    answer = service.post(
        "/score/batch", f"{good}\n{good}\n\n{short}\n".encode(), content_type="application/x-ndjson"
    )
    assert json.loads(answer.text.splitlines()[-1]) == shown
