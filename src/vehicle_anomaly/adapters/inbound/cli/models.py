"""`vehicle-anomaly models`."""

from datetime import datetime

import click

from vehicle_anomaly.adapters.inbound.cli.compare import compare
from vehicle_anomaly.adapters.inbound.cli.examples import examples
from vehicle_anomaly.adapters.inbound.cli.options import as_json as json_option
from vehicle_anomaly.adapters.inbound.cli.printing import print_json, print_table
from vehicle_anomaly.adapters.inbound.cli.promotions import promote, promotions
from vehicle_anomaly.adapters.inbound.cli.report import report
from vehicle_anomaly.adapters.inbound.cli.services import Services
from vehicle_anomaly.adapters.inbound.cli.stores import copy, verify
from vehicle_anomaly.adapters.inbound.wire.answers import (
    ModelsResponse,
    ModelVersionItem,
    metadata_response,
    version_response,
    versions_response,
)
from vehicle_anomaly.core.errors import DamagedModel, UnknownModel
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.ports import ModelRepository, ModelVersions


@click.group(
    epilog=examples(
        "vehicle-anomaly models list",
        "vehicle-anomaly models show default",
        "vehicle-anomaly models report default --open",
        "vehicle-anomaly models compare default 20261122100000000000-5f0c2a9be41d",
        "vehicle-anomaly models promote default 20261122100000000000-5f0c2a9be41d",
        "vehicle-anomaly models promotions default",
        "vehicle-anomaly models copy file:artifacts s3://my-models default 2026-11 --promote",
    ),
)
def models() -> None:
    """List models and versions, report on one, choose which one answers and see who did, copy and verify."""


models.add_command(compare)
models.add_command(copy)
models.add_command(promote)
models.add_command(promotions)
models.add_command(report)
models.add_command(verify)


@models.command(
    "list",
    epilog=examples(
        "vehicle-anomaly models list",
        "vehicle-anomaly models list --json | jq -r '.models[]'",
    ),
)
@json_option
@click.pass_obj
def list_models(services: Services, as_json: bool) -> None:
    """List the models, each with its latest version."""
    store = services.models()
    names = store.names()
    if as_json:
        print_json(ModelsResponse([name.value for name in names]))
        return
    rows = [_model_row(name, store.versions(name)) for name in names]
    print_table(
        ("model", "latest", "trained at", "readings", "features", "versions", "candidates", "damaged"), rows
    )


@models.command(
    epilog=examples(
        "vehicle-anomaly models show default",
        "vehicle-anomaly models show default 2026-11 --json",
    ),
)
@click.argument("name")
@click.argument("version", required=False)
@json_option
@click.pass_obj
def show(services: Services, name: str, version: str | None, as_json: bool) -> None:
    """Show the versions of a model, newest first, or all that is known of one version."""
    store, model_name = services.models(), ModelName(name)
    if version is not None:
        _show_version(store, model_name, ModelVersion(version), as_json=as_json)
        return
    found = store.versions(model_name)
    if as_json:
        print_json(versions_response(name, found))
        return
    rows = [
        (
            known.model_version.value,
            _state(known.model_version, found),
            _at(known.trained_at),
            str(known.record_count),
            str(known.n_features),
        )
        for known in found.versions
    ]
    rows += [(damaged.model_version, f"damaged: {damaged.reason}", "", "", "") for damaged in found.damaged]
    print_table(("version", "state", "trained at", "readings", "features"), rows)


def _state(version: ModelVersion, found: ModelVersions) -> str:
    if version == found.latest:
        return "latest"
    return "candidate" if version in found.candidates else ""


def _show_version(store: ModelRepository, name: ModelName, version: ModelVersion, *, as_json: bool) -> None:
    known, is_latest = store.metadata(name, version), _latest(store, name) == version
    if as_json:
        print_json(version_response(known, store.report(name, version), is_latest=is_latest))
    else:
        answer = metadata_response(known, is_latest=is_latest)
        print_table(("field", "value"), [(field, _told(answer, field)) for field in answer.__struct_fields__])


def _latest(store: ModelRepository, name: ModelName) -> ModelVersion | None:
    try:
        return store.latest(name)
    except (UnknownModel, DamagedModel):
        # The version that is asked for can be shown whatever became of the latest one.
        return None


def _told(answer: ModelVersionItem, field: str) -> str:
    value = getattr(answer, field)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _model_row(name: ModelName, found: ModelVersions) -> list[str]:
    latest = next((known for known in found.versions if known.model_version == found.latest), None)
    told = ["", "", "", ""]
    if latest is not None:
        told = [
            latest.model_version.value,
            _at(latest.trained_at),
            str(latest.record_count),
            str(latest.n_features),
        ]
    return [name.value, *told, str(len(found.versions)), str(len(found.candidates)), str(len(found.damaged))]


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
