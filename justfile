# The one way to do things here: people, the README and CI call the same recipes.

set shell := ["bash", "-euo", "pipefail", "-c"]

command := ".venv/bin/vehicle-anomaly"
python := ".venv/bin/python"
pip_compile := "uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links"

# List the recipes
default:
    @just --list --unsorted

# Make .venv from the hash-pinned lock; afterwards .venv/bin/vehicle-anomaly is there
setup:
    @[ -x {{ python }} ] || uv venv --quiet --python '>=3.11,<3.15' .venv
    @VIRTUAL_ENV=.venv uv pip sync --quiet --require-hashes requirements-dev.txt
    @VIRTUAL_ENV=.venv uv pip install --quiet --no-deps --no-build-isolation --editable .
    @[ .venv/warm -nt requirements-dev.txt ] || just _warm

# Compile once, Python's way and numba's: starts are three times as slow where nothing may write bytecode
_warm:
    @VIRTUAL_ENV=.venv uv pip sync --quiet --require-hashes --compile-bytecode requirements-dev.txt
    @VIRTUAL_ENV=.venv uv pip install --quiet --no-deps --no-build-isolation --editable .
    @{{ python }} -m compileall -q src
    @{{ command }} warm-up
    @touch .venv/warm

# Show the whole job end to end on a simulated fleet: train, inject faults, score, draw
demo *ARGS: setup
    {{ command }} demo {{ ARGS }}

# Show the queue end to end on a local S3 and SQS: producer, two workers, results
demo-queue *ARGS: setup
    {{ command }} demo-queue {{ ARGS }}

# Serve the HTTP API; the environment says where and with which store
serve: setup
    {{ command }} serve

# Run the tests, two files at a time, for many wait more than they work; ARGS go to pytest
test *ARGS: setup
    {{ python }} -m pytest --numprocesses 2 --dist loadfile {{ ARGS }}

# Run the long forms of the tests: killing, stopping and poisoning workers for minutes
soak *ARGS: setup
    {{ python }} -m pytest -m soak --timeout 1800 {{ ARGS }}

# Answer the request queue; the environment says which
work: setup
    {{ command }} work

# Check formatting, style, types and who imports whom
lint: setup
    {{ python }} -m ruff format --check --quiet
    {{ python }} -m ruff check --quiet
    {{ python }} -m mypy
    .venv/bin/lint-imports --no-cache

# Compiling nothing ahead: of the CDK's modules, synthesis imports few, and Python compiles those itself.
# Make .venv-infra, which also has the CDK, its node, and what lints files that are no Python
setup-infra:
    @[ -x .venv-infra/bin/python ] || uv venv --quiet --python '>=3.11,<3.15' .venv-infra
    @[ .venv-infra/warm -nt requirements-infra.txt ] || VIRTUAL_ENV=.venv-infra uv pip sync --quiet --require-hashes requirements-infra.txt
    @VIRTUAL_ENV=.venv-infra uv pip install --quiet --no-deps --no-build-isolation --editable .
    @touch .venv-infra/warm

# Synthesise both environments, with and without a certificate, into cdk.out; asks nobody
synth: setup-infra
    rm -rf cdk.out
    .venv-infra/bin/python -m infra.synth cdk.out
    @ls -d cdk.out/*

# Accept what changed in the templates as reviewed
snapshots: setup synth
    {{ python }} -m tests.infra.snapshots cdk.out

# Check the infrastructure with the CDK's own types, the Dockerfile, the workflows and the compose file
lint-infra: setup-infra
    .venv-infra/bin/python -m mypy --cache-dir .mypy_cache/infra infra
    .venv-infra/bin/hadolint Dockerfile
    .venv-infra/bin/actionlint
    .venv-infra/bin/zizmor --offline --quiet --persona pedantic .github/workflows
    .ci/compose config --quiet || [ $? = 3 ]

# Rewrite the code as `lint` wants it, where that can be done without thinking
format: setup
    {{ python }} -m ruff format
    {{ python }} -m ruff check --fix

# Measure all, or the tables named, beside peers in the same run; writes tests/benchmarks/results/
bench *NAMES: setup-bench
    .venv-bench/bin/python -m tests.benchmarks {{ NAMES }}

# Make .venv-bench, which also has the peers; one that has to be compiled is left out where it cannot be
setup-bench:
    @[ -x .venv-bench/bin/python ] || uv venv --quiet --python '>=3.11,<3.15' .venv-bench
    @[ .venv-bench/warm -nt requirements-bench.txt ] || VIRTUAL_ENV=.venv-bench uv pip install --quiet --require-hashes --compile-bytecode -r requirements-bench.txt
    @touch .venv-bench/warm
    @.venv-bench/bin/python -c 'import isotree' 2>/dev/null || echo "compiling isotree: some minutes, once"
    @VIRTUAL_ENV=.venv-bench uv pip install --quiet --require-hashes -r requirements-bench-compiled.txt \
        || echo "isotree could not be compiled: its rows will say \"not measured\""
    @VIRTUAL_ENV=.venv-bench uv pip install --quiet --no-deps --no-build-isolation --editable .

# Hold the measured ratios to half their bars, in under two minutes
bench-quick *NAMES: setup
    {{ python }} -m tests.benchmarks --quick {{ NAMES }}

# Measure what guards find of sensor faults, beside the plain forest; KIT_OBD2_DIR names the real trips
bench-faults: setup
    {{ python }} -m tests.benchmarks.faults

# Draw docs/report.png anew: the report on the demonstration's fleet, with Chromium
report-picture: demo
    #!/usr/bin/env bash
    set -euo pipefail
    folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT
    export MODEL_ARTIFACT_DIR=$folder/models
    {{ command }} train --model-version monday demo/training.csv > /dev/null
    {{ command }} train --model-version tuesday demo/today.csv > /dev/null
    {{ command }} models report default tuesday --output "$folder/report.html" > /dev/null
    chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$folder/profile" \
        --force-device-scale-factor=0.7 --window-size=1000,2120 \
        --screenshot=docs/report.png "file://$folder/report.html" 2> /dev/null

# Pin every dependency with hashes and without the address of an index; `just lock --upgrade` moves them
lock *ARGS:
    {{ pip_compile }} {{ ARGS }} pyproject.toml -o requirements.txt
    {{ pip_compile }} {{ ARGS }} -c requirements.txt --extra arrow --extra demo --extra demo-queue --extra sentry --group dev pyproject.toml -o requirements-dev.txt
    {{ pip_compile }} {{ ARGS }} -c requirements-dev.txt --extra arrow --extra demo --extra demo-queue --extra sentry --group dev --group bench pyproject.toml -o requirements-bench.txt
    {{ pip_compile }} {{ ARGS }} -c requirements-bench.txt --group bench-compiled -o requirements-bench-compiled.txt
    {{ pip_compile }} {{ ARGS }} -c requirements-dev.txt --group build -o requirements-build.txt
    {{ pip_compile }} {{ ARGS }} -c requirements-build.txt --group tools -o requirements-tools.txt
    {{ pip_compile }} {{ ARGS }} -c requirements-dev.txt --group dev --group infra --group lint-files pyproject.toml -o requirements-infra.txt

# All that CI checks
check: lint lint-infra test bench-quick
