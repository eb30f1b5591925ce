# The one way to do things here: people, the README and CI call the same recipes.

set shell := ["bash", "-euo", "pipefail", "-c"]

python := ".venv/bin/python"
export UV_PYTHON_PREFERENCE := "system"

# List the recipes
default:
    @just --list --unsorted

# Make .venv from the hash-pinned lock; afterwards .venv/bin/vehicle-anomaly is there
setup:
    @[ -x {{ python }} ] || uv venv --quiet --python '>=3.11,<3.15' .venv
    @VIRTUAL_ENV=.venv uv pip sync --quiet --require-hashes requirements-dev.txt
    @VIRTUAL_ENV=.venv uv pip install --quiet --no-deps --no-build-isolation --editable .

# Pin every dependency, with hashes and without the address of an index
lock *ARGS:
    uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links {{ ARGS }} pyproject.toml -o requirements.txt
    uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links {{ ARGS }} -c requirements.txt --extra demo --group dev pyproject.toml -o requirements-dev.txt
