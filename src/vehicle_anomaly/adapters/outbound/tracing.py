"""Spans of use cases and of the model store. Imported only where traces are on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from vehicle_anomaly.core.errors import UnknownModel
from vehicle_anomaly.core.explaining import Explain
from vehicle_anomaly.core.model import ModelName, ModelVersion, TrainedModel
from vehicle_anomaly.core.score_telemetry import Score, Scores, ScoreTelemetry
from vehicle_anomaly.core.telemetry import NamedValues, Vector

_tracer = trace.get_tracer("vehicle_anomaly")


@contextmanager
def _span(name: str, kind: SpanKind, **attributes: str | int) -> Iterator[Span]:
    told = {f"vehicle_anomaly.{key}": value for key, value in attributes.items()}
    with _tracer.start_as_current_span(
        name,
        kind=kind,
        attributes=told,
        # What an error says may repeat a value of the request.
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


@contextmanager
def training(name: ModelName) -> Iterator[None]:
    """Stand around a training."""
    with _span("train model", SpanKind.INTERNAL, model_name=name.value):
        yield


@contextmanager
def store_operation(store: str, operation: str) -> Iterator[None]:
    """Stand around an operation of the model store."""
    with _span(f"model store {operation}", SpanKind.CLIENT, store=store, operation=operation):
        yield


@dataclass(frozen=True, slots=True)
class TracedScoreTelemetry(ScoreTelemetry):
    """`ScoreTelemetry` in spans."""

    def score_one(
        self,
        values: Vector | NamedValues,
        name: ModelName,
        version: ModelVersion | None,
        explain: Explain | None = None,
    ) -> Score:
        """Score what one reading measured."""
        with _scoring(name, 1):
            model = self.models.load(name, version or self.models.latest(name))
            return ScoreTelemetry.score_by(self, model, values, explain)

    def score_by(
        self, model: TrainedModel, values: Vector | NamedValues, explain: Explain | None = None
    ) -> Score:
        """Score what one reading measured, by a version that is at hand."""
        with _scoring(model.metadata.model_name, 1):
            return ScoreTelemetry.score_by(self, model, values, explain)

    def score_values(
        self,
        values: Sequence[Vector | NamedValues],
        name: ModelName,
        version: ModelVersion | None,
        explain: Explain | None = None,
    ) -> Scores:
        """Score what readings measured."""
        with _scoring(name, len(values)):
            return ScoreTelemetry.score_values(self, values, name, version, explain)

    def score_columns(  # noqa: PLR0913  # as what it does
        self,
        values: np.ndarray,
        names: Sequence[str] | None,
        name: ModelName,
        version: ModelVersion | None,
        explain: Explain | None = None,
        *,
        only_by_name: bool = False,
    ) -> Scores:
        """Score columns."""
        with _scoring(name, len(values)):
            return ScoreTelemetry.score_columns(
                self, values, names, name, version, explain, only_by_name=only_by_name
            )


@contextmanager
def _scoring(name: ModelName, readings: int) -> Iterator[None]:
    with _span("score telemetry", SpanKind.INTERNAL, readings=readings) as span:
        is_known = True
        try:
            yield
        except UnknownModel:
            # What is not there may be anything in the place of a name: a key, too.
            is_known = False
            raise
        finally:
            if is_known:
                span.set_attribute("vehicle_anomaly.model_name", name.value)
