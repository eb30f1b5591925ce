"""What the containers are told is what the service reads: in its own words, and to the letter."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from infra.container_environment import container_environment
from tests.infra.template import Templates, service, variables
from vehicle_anomaly.settings import FilesystemStore, S3Store, Settings, load_settings

# What a reference in a template could turn out to be.
_SAMPLES = {
    "URL": "https://sqs.eu-central-1.amazonaws.com/123456789012/some",
    "BUCKET": "some-bucket",
}


def sampled(environ: dict[str, str]) -> dict[str, str]:
    def sample(name: str) -> str:
        (found,) = (value for kind, value in _SAMPLES.items() if kind in name)
        return f"{found}-{name.lower().replace('_', '-')}"

    return {name: sample(name) if value.startswith("<") else value for name, value in environ.items()}


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(model_store=S3Store("some-bucket", "fleet")),
        Settings(model_store=FilesystemStore(Path("/srv/models"))),
        Settings(
            environment="prod",
            log_level="DEBUG",
            host="0.0.0.0",
            port=9000,
            cors_origins=("https://a.example.org", "https://b.example.org"),
            allowed_hosts=("api.example.org",),
            contamination="auto",
            false_alarm_rate=0.002,
            worker_retry_seconds=0.5,
        ),
    ],
)
def test_what_is_written_is_read_back_as_it_was(settings: Settings) -> None:
    assert load_settings(container_environment(settings)) == settings


def test_the_service_understands_all_that_each_task_is_told(templates: Templates) -> None:
    fields = {field.name.upper() for field in msgspec.structs.fields(Settings)}
    known = fields | {"MODEL_STORE", "MODEL_BUCKET", "MODEL_PREFIX"}
    tasks = templates.all("AWS::ECS::TaskDefinition")
    assert len(tasks) == 3
    for task in tasks:
        environ = sampled(variables(service(task)))
        settings = load_settings(environ)
        assert isinstance(settings.model_store, S3Store)
        assert {name for name in environ if not name.startswith("OTEL_")} <= known


def test_a_worker_is_told_of_both_queues_and_of_the_payloads(templates: Templates) -> None:
    settings = load_settings(sampled(variables(service(templates.task("work")))))
    assert settings.request_queue_url
    assert settings.result_queue_url
    assert settings.request_queue_url != settings.result_queue_url
    assert settings.result_payload_bucket


def test_secrets_are_read_by_the_service_under_these_names(templates: Templates) -> None:
    names = {
        secret["Name"]
        for task in templates.all("AWS::ECS::TaskDefinition")
        for secret in service(task)["Secrets"]
    }
    assert names == {"API_KEYS", "MODEL_SIGNING_KEY"}
    for task in templates.all("AWS::ECS::TaskDefinition"):
        for secret in service(task)["Secrets"]:
            # Each from the secret of its own name.
            assert secret["Name"].lower().replace("_", "-") in json.dumps(secret["ValueFrom"])
    read = {field.name.upper() for field in msgspec.structs.fields(Settings)}
    assert names <= read


def test_no_secret_is_in_a_variable(templates: Templates) -> None:
    for task in templates.all("AWS::ECS::TaskDefinition"):
        for found in task["ContainerDefinitions"]:
            for name in variables(found):
                assert not re.search("KEY|SECRET|TOKEN|PASSWORD", name)
