"""Producer and consumer: what is sent, and what comes back."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from vehicle_anomaly.demo.queue_messages import Json, Outgoing
from vehicle_anomaly.demo.queue_place import INCOMING, TELEMETRY, Place
from vehicle_anomaly.demo.service import ServiceFailed

BY_S3: Final = "(event of S3)"
_BATCH: Final = 10
_LONGEST_SECONDS: Final = 60.0


@dataclass(slots=True)
class Talk:
    """What has been said so far.

    Attributes:
        place: Where.
        kinds: Kind of each request, by message id; requests of S3's own are not among them.
        answers: The result of each request, by its id.
        repeated: Results that came again; delivery is at least once.
        dead_letters: Bodies in the dead-letter queue.
        landed: Objects that were put where S3 tells of them.
        poison: Requests that nobody can decode.
    """

    place: Place
    kinds: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Json] = field(default_factory=dict)
    repeated: int = 0
    dead_letters: list[str] = field(default_factory=list)
    landed: int = 0
    poison: int = 0

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Send messages, ten a call."""
        for start in range(0, len(messages), _BATCH):
            some = messages[start : start + _BATCH]
            entries: list[Any] = [
                {
                    "Id": str(position),
                    "MessageBody": one.body,
                    "MessageAttributes": {
                        "correlation_id": {"DataType": "String", "StringValue": f"demo-{start + position}"}
                    },
                }
                for position, one in enumerate(some)
            ]
            answer = self.place.sqs.send_message_batch(QueueUrl=self.place.requests, Entries=entries)
            for entry in answer["Successful"]:
                self.kinds[entry["MessageId"]] = some[int(entry["Id"])].kind
            self.poison += sum(one.is_poison for one in some)

    def land(self, name: str, content: bytes) -> None:
        """Put an object where S3 tells the workers of it."""
        self.place.s3.put_object(Bucket=TELEMETRY, Key=f"{INCOMING}{name}", Body=content)
        self.landed += 1

    def listen(self) -> None:
        """Receive until every request is answered, and every one that nobody can decode is a dead letter.

        Raises:
            ServiceFailed: That takes longer than a minute.
        """
        end = time.monotonic() + _LONGEST_SECONDS
        while len(self.answers) < len(self.kinds) - self.poison + self.landed:
            self._check(end)
            for body in self._take(self.place.results):
                told = json.loads(body)
                self.repeated += told["request_id"] in self.answers
                self.answers[told["request_id"]] = told
        while len(self.dead_letters) < self.poison:
            self._check(end)
            self.dead_letters += self._take(self.place.dead_letters)

    def kind_of(self, request_id: str) -> str:
        """Return the kind of a request that was answered."""
        return self.kinds.get(request_id, BY_S3)

    def sent(self) -> Counter[str]:
        """Count requests by kind."""
        return Counter(self.kinds.values()) + Counter({BY_S3: self.landed})

    def _take(self, url: str) -> list[str]:
        sqs = self.place.sqs
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=2).get(
            "Messages", []
        )
        if messages:
            entries: list[Any] = [
                {"Id": str(position), "ReceiptHandle": one["ReceiptHandle"]}
                for position, one in enumerate(messages)
            ]
            sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        return [one["Body"] for one in messages]

    def _check(self, end: float) -> None:
        if time.monotonic() > end:
            answered = f"{len(self.answers)} results, {len(self.dead_letters)} dead letters"
            raise ServiceFailed(f"only {answered} within {_LONGEST_SECONDS:.0f} seconds")
