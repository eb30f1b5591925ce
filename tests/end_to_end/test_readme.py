"""The tour of the README works as it is printed."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.service_process import service_process
from vehicle_anomaly.settings import FilesystemStore, S3Store, Settings

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_tour_works_as_printed(tmp_path: Path) -> None:
    steps = re.findall(r"<!-- tour -->\n```sh\n(.*?)```", README.read_text(), re.DOTALL)
    printed = re.search(r"```json\n(.*?)```", README.read_text(), re.DOTALL)
    assert printed is not None
    answers = []
    with service_process(tmp_path / "models") as url:
        for step in steps:
            # Each answer on a line of its own.
            script = step.replace("localhost:8000", url).replace("curl -s", "curl -s -w '\\n'")
            ran = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", script],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=True,
            )
            answers += [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]

    monday, healthy, odd, tuesday, versions, rolled_back, problem = answers
    assert (monday["model_version"], monday["record_count"]) == ("monday", 500)
    assert healthy["is_anomaly"] is False
    assert odd["is_anomaly"] is True
    assert odd["missing"] == ["coolant_temperature_celsius"]
    assert {reason["code"] for reason in odd["reasons"]} >= {"missing", "out_of_range"}
    assert (healthy["reasons"], healthy["explanation"]) == ([], None)
    assert odd["percentile"] < 0.05 < healthy["percentile"]
    assert len(odd["explanation"]) == 3
    assert tuesday["model_version"] == versions["latest"] == "tuesday"
    assert [version["model_version"] for version in versions["versions"]] == ["tuesday", "monday"]
    assert rolled_back["model_version"] == "monday"
    packed = msgspec.msgpack.decode((tmp_path / "verdict.msgpack").read_bytes())
    assert (packed["model_version"], packed["anomaly_score"]) == ("monday", healthy["anomaly_score"])
    assert problem == json.loads(printed.group(1))


def test_the_environment_table_is_that_of_the_settings() -> None:

    table = README.read_text().partition("## Environment")[2].partition("\n## ")[0]
    told = set(re.findall(r"`([A-Z_]+)`", "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))))
    fields = {
        field.name.upper()
        for kind in (Settings, FilesystemStore, S3Store)
        for field in msgspec.structs.fields(kind)
    }
    assert told == fields
