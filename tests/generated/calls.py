"""Runs schemathesis against a service that runs."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

REPOSITORY: Final = Path(__file__).parents[2]

# What there is in the service, so that not all that is generated is about models that there are not.
_CONFIGURATION: Final = """
hooks = "tests.generated.hooks"

# Each run is like the first: nothing is replayed of an earlier one, and nothing is left in the project.
[cache]
enabled = false

[dictionaries.models]
values = ["default", "vans"]
[dictionaries.versions]
values = ["v1", "v2", "latest"]

[parameters]
"path.name" = { dictionary = "models", probability = 0.7 }
"path.version" = { dictionary = "versions", probability = 0.7 }
"query.with" = { dictionary = "versions", probability = 0.5 }
"query.model_name" = { dictionary = "models", probability = 0.5 }
"query.model_version" = { dictionary = "versions", probability = 0.5 }
"body.model_name" = { dictionary = "models", probability = 0.5 }
"body.model_version" = { dictionary = "versions", probability = 0.5 }
"""


@dataclass(frozen=True, slots=True)
class Generated:
    """What came of a run.

    Attributes:
        status: 0 where no check failed.
        output: What it printed.
        report: Its JSON report.
    """

    status: int
    output: str
    report: Any


def call_as_documented(
    url: str, folder: Path, *options: str, key: str | None = None, timeout: float
) -> Generated:
    """Call a service in all ways in which its OpenAPI document says that it is called, and in wrong ones.

    Args:
        url: Where it is.
        folder: Empty; takes configuration and report.
        options: Of the command line.
        key: Good for everything; None where the service asks for none.
        timeout: In seconds.
    """
    configuration, report = folder / "schemathesis.toml", folder / "report.json"
    told = _CONFIGURATION
    if key is not None:
        # Not as X-API-Key too: who sends two keys is refused.
        told += f'\n[auth.openapi.bearer]\nbearer = "{key}"\n'
    configuration.write_text(told, encoding="utf-8")
    document = folder / "openapi.json"
    headers = {} if key is None else {"X-API-Key": key}
    document.write_bytes(httpx.get(f"{url}/schema/openapi.json", headers=headers, trust_env=False).content)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration)),
        *(
            "run",
            str(document),
            "--url",
            url,
            "--no-color",
            "--continue-on-failure",
            "--report-json-path",
            str(report),
        ),
        *options,
    ]
    ended = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=timeout
    )
    return Generated(
        ended.returncode, ended.stdout + ended.stderr, json.loads(report.read_text(encoding="utf-8"))
    )
