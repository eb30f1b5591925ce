"""How much one message may hold, however it is written and whichever way it comes."""

from collections.abc import Sized
from dataclasses import dataclass

from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong
from vehicle_anomaly.adapters.inbound.wire.places import Place
from vehicle_anomaly.adapters.inbound.wire.readings import MAX_RECORD_BYTES
from vehicle_anomaly.core.errors import Flaw, TooManyRecords, WrongFeatureCount
from vehicle_anomaly.core.telemetry import MAX_FEATURES
from vehicle_anomaly.core.train_model import TrainModelCommand

MAX_RECORDS = 1_000_000
MAX_NESTING = 16


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """How much.

    Attributes:
        records: Of a batch; a stream of lines may have any number.
        features: Of what a model is trained on. A reading to score has as many as its model or is refused, so
            that this bounds those too.
        line_bytes: Of a line in a stream.
        nesting: Arrays and objects that may be open at once. No message that is right has more than four.
    """

    records: int = MAX_RECORDS
    features: int = MAX_FEATURES
    line_bytes: int = MAX_RECORD_BYTES
    nesting: int = MAX_NESTING

    def check_records(self, records: Sized) -> None:
        """Refuse too many records.

        Raises:
            TooManyRecords: There are.
        """
        if len(records) > self.records:
            raise TooManyRecords(len(records), self.records)

    def told(self, malformed: MalformedMessage) -> MalformedMessage:
        """Return what is told of a message that cannot be decoded: that it nests too deep, if it does."""
        if malformed.levels <= self.nesting:
            return malformed
        reason = (
            f"nested too deep: expected at most {self.nesting} levels (MAX_NESTING), got {malformed.levels}"
        )
        # Of several places nobody knows which is the deep one.
        place = malformed.wrong[0].place if len(malformed.wrong) == 1 else Place()
        return MalformedMessage([Wrong(place, reason)], malformed.levels)

    def checked(self, command: TrainModelCommand) -> TrainModelCommand:
        """Return a command whose batch is within limits.

        Raises:
            TooManyRecords: It has more records.
            WrongFeatureCount: It has more features.
        """
        self.check_records(command.batch.vehicle_ids)
        self.check_features(command.batch.values.shape[1])
        return command

    def check_features(self, n_features: int) -> None:
        """Refuse too many features.

        Raises:
            WrongFeatureCount: There are.
        """
        if n_features > self.features:
            reason = f"expected at most {self.features} features (MAX_FEATURES), got {n_features}"
            raise WrongFeatureCount([Flaw("records", reason)])


NO_LIMITS = MessageLimits()
"""None but those that are built in."""
