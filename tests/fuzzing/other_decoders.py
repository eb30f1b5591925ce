"""What reads messages of queues, lists of keys, variables of the environment and queries."""

from datetime import UTC, datetime
from typing import Any, Final, cast

from litestar.types import HTTPScope

from tests.fuzzing import telemetry_seeds as seeds
from tests.fuzzing.decoder import Decoder
from vehicle_anomaly.adapters.inbound.http.query import (
    SCORED,
    TRAINED,
    explain_in,
    explain_of_message,
    false_alarm_rate_in,
    parameters,
)
from vehicle_anomaly.adapters.inbound.keys.entries import UnusableKeys, decode_entries
from vehicle_anomaly.adapters.inbound.sqs.deliveries import Delivery
from vehicle_anomaly.adapters.inbound.sqs.errors import UndecodableRequest
from vehicle_anomaly.adapters.inbound.sqs.object_events import decode_body
from vehicle_anomaly.adapters.inbound.sqs.payloads import RESERVED_ATTRIBUTE, pointer_of
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage
from vehicle_anomaly.core.errors import Refusal
from vehicle_anomaly.core.model import ModelName, ModelVersion
from vehicle_anomaly.settings import SettingsError, load_settings

_SENT_AT: Final = datetime(2026, 11, 26, tzinfo=UTC)
_EVENT: Final = (
    b'{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},'
    b'"object":{"key":"a+b%2Fc.csv","eTag":"e","sequencer":"0055"}}}]}'
)
_BY_TOPIC: Final = b'{"Type":"Notification","Message":"{\\"Event\\":\\"s3:TestEvent\\"}"}'
_POINTER: Final = b'["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"b","s3Key":"k"}]'
_KEYS: Final = (
    b'[{"id":"fleet-a","sha256":"' + b"0f" * 32 + b'","scopes":["score"],"expires":"2027-06-30T00:00:00Z",'
    b'"requests_per_second":0.5,"models":["fleet-a-"]}]'
)
_VARIABLES: Final = (
    b"PORT=80\nCORS_ORIGINS=https://a.example, *\nALLOWED_HOSTS=*.example.org,[::1]\nCONTAMINATION=auto",
    b"MODEL_STORE=s3\nMODEL_BUCKET=my-models\nMODEL_PREFIX=/fleet/\nHEADER_SECONDS=1e3\nGUARDS=off",
    b"REQUEST_QUEUE_URL=https://sqs.example/1/requests\nLOG_LEVEL=debug\nFALSE_ALARM_RATE=0.01",
)
_QUERIES: Final = (
    b"model_name=vans&model_version=v1&explain=always",
    b"false_alarm_rate=1e-2&model_name=%C3%A9",
)


def other_decoders() -> dict[str, Decoder]:
    """Return them by name."""
    tagged = [
        {"type": kind, **message}
        for kind, messages in (
            ("score", seeds.single()),
            ("ingest", seeds.batches()),
            ("score_batch", seeds.batches()),
        )
        for message in messages
    ]
    return {
        "queue-message": Decoder(
            decode_body, (MalformedMessage,), [*seeds.as_json(*tagged), _EVENT, _BY_TOPIC]
        ),
        "queue-pointer": Decoder(_read_pointer, (UndecodableRequest,), [_POINTER]),
        "keys": Decoder(decode_entries, (UnusableKeys,), [_KEYS]),
        "settings": Decoder(_read_variables, (SettingsError,), _VARIABLES),
        "query": Decoder(_read_query, (MalformedMessage, Refusal), _QUERIES),
    }


def _read_pointer(data: bytes) -> None:
    body = data.decode(errors="replace")
    pointer_of(Delivery("id", "handle", body, {RESERVED_ATTRIBUTE: "1"}, None, _SENT_AT, 1))


def _read_variables(data: bytes) -> None:
    # As the operating system gives them.
    pairs = (line.partition("=") for line in data.decode(errors="surrogateescape").splitlines())
    load_settings({name: value for name, _, value in pairs if "\0" not in value})


def _read_query(data: bytes) -> None:
    scope = cast("HTTPScope", {"query_string": data})
    given: dict[str, Any] = parameters(scope, (*TRAINED, *SCORED))
    explain_in(given)
    false_alarm_rate_in(given)
    ModelName(given.get("model_name", "default"))
    ModelVersion(given.get("model_version", "v1"))
    explain_of_message(scope)
