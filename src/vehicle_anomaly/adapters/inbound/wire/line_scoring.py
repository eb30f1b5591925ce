"""Lines of records → lines of verdicts and problems."""

from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from vehicle_anomaly.adapters.inbound.wire.answers import VerdictResponse
from vehicle_anomaly.adapters.inbound.wire.bulk import score_records
from vehicle_anomaly.adapters.inbound.wire.decoding import RECORD, Encoding
from vehicle_anomaly.adapters.inbound.wire.limits import NO_LIMITS, MessageLimits
from vehicle_anomaly.adapters.inbound.wire.line_blocks import LineBlock
from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong
from vehicle_anomaly.adapters.inbound.wire.places import Place
from vehicle_anomaly.adapters.inbound.wire.problems import (
    Problem,
    problem_of_malformed,
    problem_of_refusal,
    problem_of_store,
)
from vehicle_anomaly.adapters.inbound.wire.readings import to_reading
from vehicle_anomaly.adapters.inbound.wire.repeated_keys import refuse_repeated
from vehicle_anomaly.adapters.inbound.wire.requests import TelemetryRecord
from vehicle_anomaly.adapters.inbound.wire.scanned import Scan, Shape, are_plain, as_array, likely_shape
from vehicle_anomaly.adapters.inbound.wire.verdict_texts import Inserted, verdict_texts
from vehicle_anomaly.core.errors import DamagedModel, ModelStoreUnavailable, Refusal
from vehicle_anomaly.core.explaining import Explain
from vehicle_anomaly.core.model import ModelMetadata, ModelName, ModelVersion
from vehicle_anomaly.core.score_telemetry import ScoreTelemetry

_BLANK: Final = b" \t\r"
_decode = RECORD[Encoding.JSON]
_decode_quickly = msgspec.json.Decoder(TelemetryRecord).decode
_encode_lines = msgspec.json.Encoder().encode_lines


class LineProblem(Problem, frozen=True, kw_only=True):
    """What is wrong with one line of a stream."""

    line: Annotated[int, Meta(ge=1, description="Number of the line; blank lines count.")]


@dataclass(frozen=True, slots=True)
class LineScoring:
    """Scores lines with one version of a model.

    Attributes:
        score_telemetry: Scores.
        model_name: The model.
        model_version: The version.
        vectors: What a `feature_vector` has to be.
        named: What `features` have to be; None when the model's have no names that stand as they are in JSON.
        explain: Which verdicts are explained; None for the service's choice.
        limits: Of each line.
    """

    score_telemetry: ScoreTelemetry
    model_name: ModelName
    model_version: ModelVersion
    vectors: Shape
    named: Shape | None
    explain: Explain | None = None
    limits: MessageLimits = NO_LIMITS

    @classmethod
    def by(
        cls,
        score_telemetry: ScoreTelemetry,
        model: ModelMetadata,
        explain: Explain | None = None,
        limits: MessageLimits = NO_LIMITS,
    ) -> "LineScoring":
        """Score with a version of which so much is known."""
        names = model.feature_names
        named = None if names is None or not are_plain(names) else Shape(model.n_features, names)
        vectors = Shape(model.n_features)
        return cls(score_telemetry, model.model_name, model.model_version, vectors, named, explain, limits)

    def __call__(self, block: LineBlock) -> bytes:
        """Answer each line with one line, in order; a blank one with none."""
        shape = self._shape(block)
        if block.too_long or shape is None:
            return self._decoded(block)
        scan = Scan(as_array(block.text), shape, block.n_lines)
        texts: list[bytes] = []
        before: list[int] = []
        n_odd = 1
        while not scan.lines():
            odd = _odd_lines(block, scan, n_odd)
            # Where many are odd, what is decoded is as much again each time: few calls, whatever comes.
            n_odd *= 2
            answered = self._decoded(odd).removesuffix(b"\n")
            if answered:
                before.append(scan.n_records)
                texts.append(answered)
        scanned = scan.scanned()
        if not len(scanned):
            return b"".join(b"%b\n" % text for text in texts)
        try:
            scores = self.score_telemetry.score_columns(
                scanned.values, shape.names, self.model_name, self.model_version, self.explain
            )
        except (Refusal, DamagedModel, ModelStoreUnavailable):
            # Neither does this end the stream: the store may be back at the next lines.
            return self._decoded(block)
        return verdict_texts(scanned, scores, b"\n", Inserted(texts, before))

    def _shape(self, block: LineBlock) -> Shape | None:
        """Tell what most lines seem to be, by the first that is plain."""
        found = likely_shape(block.text)
        if found is None:
            return None
        return self.vectors if found.names is None else self.named

    def _decoded(self, block: LineBlock) -> bytes:
        lines = block.lines()
        try:
            records = [_quickly(line) for line in lines if line is not None]
            if len(records) == len(lines):
                return _encode_lines(self._verdicts(records))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, MalformedMessage, Refusal):
            # It does not say which line is wrong, nor where.
            pass
        except (DamagedModel, ModelStoreUnavailable):
            # Neither does this end the stream: the store may be back at the next lines.
            pass
        return _encode_lines(self._one_by_one(block))

    def _one_by_one(self, block: LineBlock) -> list[VerdictResponse | LineProblem]:
        answers: dict[int, VerdictResponse | LineProblem] = {}
        good: dict[int, TelemetryRecord] = {}
        for number, line in enumerate(block.lines(), block.first):
            if line is not None and not line.strip(_BLANK):
                continue
            try:
                good[number] = _record(line, self.limits.line_bytes)
            except MalformedMessage as error:
                answers[number] = _problem(self.limits.told(error), number)
            except Refusal as error:
                answers[number] = _problem(error, number)
        try:
            if good:
                answers |= zip(good, self._verdicts(list(good.values())), strict=True)
        except Refusal:
            for number, record in good.items():
                answers[number] = self._alone(number, record)
        except (DamagedModel, ModelStoreUnavailable) as error:
            answers |= {number: _problem(error, number) for number in good}
        return [answers[number] for number in sorted(answers)]

    def _alone(self, number: int, record: TelemetryRecord) -> VerdictResponse | LineProblem:
        try:
            return self._verdicts([record])[0]
        except (Refusal, DamagedModel, ModelStoreUnavailable) as error:
            return _problem(error, number)

    def _verdicts(self, records: list[TelemetryRecord]) -> list[VerdictResponse]:
        return score_records(
            records, self.score_telemetry, self.model_name, self.model_version, self.explain
        )[1]


def _odd_lines(block: LineBlock, scan: Scan, n_lines: int) -> LineBlock:
    """Take so many lines, where the scan has stopped, out of its way."""
    first, begin = block.first + scan.n_lines, scan.at
    passed = scan.pass_lines(block.text, n_lines)
    return LineBlock(first, block.text[begin : scan.at], passed)


def _quickly(line: bytes) -> TelemetryRecord:
    record = _decode_quickly(line)
    refuse_repeated(line, record)
    return record


def _record(line: bytes | None, max_bytes: int) -> TelemetryRecord:
    if line is None:
        reason = f"expected a line of at most {max_bytes} bytes; it was skipped to its end"
        raise MalformedMessage([Wrong(Place(), reason)])
    record = _decode(line)
    to_reading(record)
    return record


def _problem(
    error: MalformedMessage | Refusal | DamagedModel | ModelStoreUnavailable, number: int
) -> LineProblem:
    if isinstance(error, MalformedMessage):
        told = problem_of_malformed(error)
    elif isinstance(error, Refusal):
        told = problem_of_refusal(error, single=True)
    else:
        told = problem_of_store(error)
    return LineProblem(**msgspec.structs.asdict(told), line=number)
