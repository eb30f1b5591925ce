"""`vehicle-anomaly models promote` and `promotions`."""

import click

from vehicle_anomaly.adapters.inbound.cli.examples import examples
from vehicle_anomaly.adapters.inbound.cli.options import as_json as json_option
from vehicle_anomaly.adapters.inbound.cli.printing import print_json, print_table
from vehicle_anomaly.adapters.inbound.cli.services import Services
from vehicle_anomaly.adapters.inbound.cli.user import user_at_host
from vehicle_anomaly.adapters.inbound.wire.answers import PromoteResponse
from vehicle_anomaly.adapters.inbound.wire.promotions import promotions_response
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.core.promote_version import ListPromotions, PromoteVersionCommand


@click.command(
    epilog=examples(
        "vehicle-anomaly models promote default 2026-10",
    ),
)
@click.argument("name")
@click.argument("version")
@json_option
@click.pass_obj
def promote(services: Services, name: str, version: str, as_json: bool) -> None:
    """Make a version the latest, the one that answers when none is named: forward, or back."""
    command = PromoteVersionCommand(ModelName(name), ModelVersion(version), user_at_host())
    services.promote_version()(command)
    if as_json:
        print_json(PromoteResponse(name, version))
    else:
        click.echo(f"{name}: the latest version is now {version}")


@click.command(
    epilog=examples(
        "vehicle-anomaly models promotions default",
        "vehicle-anomaly models promotions default --json | jq -r '.promotions[0].by'",
    ),
)
@click.argument("name")
@json_option
@click.pass_obj
def promotions(services: Services, name: str, as_json: bool) -> None:
    """Tell which version answered from when on, and who decided it, the newest first."""
    answer = promotions_response(name, ListPromotions(services.models())(ModelName(name)))
    if as_json:
        print_json(answer)
        return
    rows = [
        (each.at, each.kind, each.from_version or "", each.to_version, each.by) for each in answer.promotions
    ]
    print_table(("at", "kind", "from", "to", "by"), rows)
