"""The app: four stacks of one environment."""

from aws_cdk import App, Tags, Validations
from aws_cdk import Environment as Place
from cdk_nag import AwsSolutionsChecks

from infra.context import Context
from infra.observability_stack import ObservabilityStack
from infra.queue_stack import QueueStack
from infra.service_stack import ServiceStack
from infra.storage_stack import StorageStack

# Access logs come in by a policy rather than by what S3 calls legacy, an access control list.
_FEATURES = {"@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True}


def build(context: Context, outdir: str | None = None) -> App:
    """Return the app, with AWS's own rules held against it at synthesis.

    Args:
        context: What is to be deployed.
        outdir: Where the templates go; None: where the CDK's command line says.
    """
    app = App(outdir=outdir, analytics_reporting=False, context=_FEATURES)
    row = context.environment
    place = Place(account=context.account, region=context.region)
    name = f"vehicle-anomaly-{row.name}"
    protection = {"env": place, "termination_protection": row.protected}
    queues = QueueStack(app, f"{name}-queues", row=row, **protection)
    storage = StorageStack(app, f"{name}-storage", row=row, requests=queues.requests, **protection)
    services = ServiceStack(
        app, f"{name}-services", context=context, storage=storage, queues=queues, **protection
    )
    ObservabilityStack(
        app, f"{name}-observability", context=context, queues=queues, services=services, **protection
    )
    Tags.of(app).add("application", "vehicle-anomaly")
    Tags.of(app).add("environment", row.name)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app
