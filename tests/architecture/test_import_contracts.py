"""The import contracts of pyproject.toml hold, and would not hold if they named what is not there."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


def _lint(config: Path) -> subprocess.CompletedProcess[str]:
    command = [str(LINT_IMPORTS), "--config", str(config), "--no-cache"]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def _contract(tmp_path: Path, contract: str) -> Path:
    config = tmp_path / "contracts.toml"
    head = '[tool.importlinter]\nroot_package = "vehicle_anomaly"\ninclude_external_packages = true\n'
    config.write_text(f"{head}[[tool.importlinter.contracts]]\nname = 'one'\n{contract}")
    return config


def test_contracts_hold() -> None:
    linted = _lint(PROJECT / "pyproject.toml")
    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert " 0 broken" in linted.stdout


def test_a_contract_that_names_a_missing_module_fails(tmp_path: Path) -> None:
    contract = 'type = "independence"\nmodules = ["vehicle_anomaly.core", "vehicle_anomaly.missing"]\n'
    linted = _lint(_contract(tmp_path, contract))
    assert linted.returncode != 0
    assert "vehicle_anomaly.missing" in linted.stdout + linted.stderr


def test_an_owner_that_no_longer_imports_its_library_fails(tmp_path: Path) -> None:
    contract = (
        'type = "forbidden"\nsource_modules = ["vehicle_anomaly"]\nforbidden_modules = ["sklearn"]\n'
        'ignore_imports = ["vehicle_anomaly.core.fitting -> sklearn", '
        '"vehicle_anomaly.container -> sklearn"]\n'
    )
    linted = _lint(_contract(tmp_path, contract))
    assert linted.returncode != 0
    assert "vehicle_anomaly.container -> sklearn" in linted.stdout + linted.stderr


def test_the_core_would_be_caught_reading_files(tmp_path: Path) -> None:
    """The pure core is held to what the linter really sees: the standard library too."""
    contract = (
        'type = "forbidden"\nsource_modules = ["vehicle_anomaly.adapters"]\n'
        'forbidden_modules = ["os", "pathlib", "time"]\nallow_indirect_imports = true\n'
    )
    linted = _lint(_contract(tmp_path, contract))
    assert linted.returncode != 0
    assert "sealed_folder -> os" in linted.stdout
