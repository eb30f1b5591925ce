"""All that there is to say of one reading whose score is there already."""

from vehicle_anomaly.core.explaining import Explain, Explanation, contributions
from vehicle_anomaly.core.judging import Reasons, reason_of
from vehicle_anomaly.core.model import TrainedModel
from vehicle_anomaly.core.telemetry import NamedValues, Vector


def tell_alone(
    model: TrainedModel, values: Vector | NamedValues, score: float, explain: Explain, *, guarded: bool
) -> tuple[Reasons, Explanation | None]:
    """Give its reasons, and its explanation where that is wanted: the same as `judge` and `explanations`.

    Args:
        model: What scored it.
        values: In the model's order, or by name.
        score: What `model.score_alone` gave.
        explain: Whether it is explained.
        guarded: Whether the model's guards take part, if it has any.
    """
    names = model.metadata.feature_names or range(model.metadata.n_features)
    vector = model.vector(values)
    found, explained = model.tell_alone(vector, score, explain, guarded=guarded)
    reasons = tuple([reason_of(told, vector[told[2]], score, names) for told in found])
    return reasons, None if explained is None else contributions(names, *explained)
