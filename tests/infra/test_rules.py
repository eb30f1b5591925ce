"""AWS's own rules for what is well built, and CloudFormation's for what can be."""

import ast
import subprocess
from pathlib import Path

import pytest

from tests.infra.conftest import PROJECT, PYTHON, VARIANTS
from tests.infra.template import Templates


def test_cdk_nag_finds_nothing_that_is_not_acknowledged(findings: list[dict[str, object]]) -> None:
    assert findings == []


def test_cdk_nag_would_find_something() -> None:
    """A bucket that anyone may ask in the clear, held against the same rules."""
    if not PYTHON.exists():
        pytest.skip("the CDK is not here: `just setup-infra` makes .venv-infra")
    program = """
from infra.javascript import use_bundled_node
use_bundled_node()
from aws_cdk import App, Stack, Validations
from aws_cdk.aws_s3 import Bucket
from cdk_nag import AwsSolutionsChecks
app = App(analytics_reporting=False)
Bucket(Stack(app, "open"), "Open")
Validations.of(app).add_plugins(AwsSolutionsChecks(app))
app.synth()
"""
    ran = subprocess.run(
        [str(PYTHON), "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert ran.returncode != 0
    assert "AwsSolutions-S10" in ran.stdout + ran.stderr


def test_each_acknowledgement_says_why() -> None:
    calls = [
        node
        for file in (PROJECT / "infra").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"acknowledge", "acknowledge_template"}
        and isinstance(node.args[1], ast.Constant)
    ]
    assert calls
    for call in calls:
        reason = call.args[2]
        assert isinstance(reason, ast.Constant)
        assert len(str(reason.value)) > 60


def test_cfn_lint_finds_nothing(synthesised: Path) -> None:
    files = [str(file) for name in VARIANTS for file in (synthesised / name).glob("*.template.json")]
    assert len(files) == 16
    linted = subprocess.run(
        [str(PYTHON.with_name("cfn-lint")), "--regions", "eu-central-1", "--template", *files],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_synthesis_asks_nobody(templates: Templates) -> None:
    """Nothing was looked up in an account, and no file has to be sent ahead."""
    assert "missing" not in (templates.folder / "manifest.json").read_text()
    for file in templates.folder.glob("*.assets.json"):
        assert ".zip" not in file.read_text()
