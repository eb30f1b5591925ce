"""What a caller names in the query, where the body has no place for it."""

from typing import Final
from urllib.parse import parse_qsl

from litestar.types import HTTPScope

from vehicle_anomaly.adapters.inbound.wire.malformed import MalformedMessage, Wrong, expected_explain
from vehicle_anomaly.adapters.inbound.wire.places import Place
from vehicle_anomaly.core.explaining import EXPLAIN, Explain

NAMED: Final = ("model_name", "model_version")
TRAINED: Final = (*NAMED, "false_alarm_rate")
EXPLAINED: Final = ("explain",)
SCORED: Final = (*NAMED, *EXPLAINED)


def parameters(scope: HTTPScope, known: tuple[str, ...]) -> dict[str, str]:
    """Return the parameters of a request, by name.

    Args:
        scope: Of the request.
        known: Those that there are.

    Raises:
        MalformedMessage: There is another, or one stands twice.
    """
    given: dict[str, str] = {}
    for name, value in _pairs(scope):
        if name not in known:
            expected = " or ".join(filter(None, [", ".join(known[:-1]), *known[-1:]])) or "none"
            raise MalformedMessage([Wrong(Place((name[:80],)), f"unknown parameter, expected {expected}")])
        if name in given:
            raise MalformedMessage([Wrong(Place((name,)), "stands twice in the query")])
        given[name] = value
    return given


def explain_of_message(scope: HTTPScope) -> Explain | None:
    """Return which verdicts the query of a message wants explained; None where it does not say.

    What the message says itself counts more. Names stand in its body alone: a verdict by another version than
    the query names would be worse than none.

    Raises:
        MalformedMessage: It wants what there is not, or names what stands in the body, what nobody knows
            or the same twice.
    """
    refuse_in_query(scope, NAMED, EXPLAINED)
    return explain_in(parameters(scope, EXPLAINED))


def refuse_in_query(scope: HTTPScope, names: tuple[str, ...], known: tuple[str, ...] = ()) -> None:
    """Refuse parameters that a message has a place for in its body, and those that there are not.

    Args:
        scope: Of the request.
        names: Those with a place in the body.
        known: Those that are read in the query all the same.

    Raises:
        MalformedMessage: One stands in the query that is not known, or one stands twice.
    """
    given = {name for name, _ in _pairs(scope)}
    wrong = [
        Wrong(Place((name,)), "stands in the query, where it is read for streams only: put it into the body")
        for name in names
        if name in given
    ]
    if wrong:
        raise MalformedMessage(wrong)
    parameters(scope, known)


def explain_in(given: dict[str, str]) -> Explain | None:
    """Return which verdicts the query wants explained; None where it does not say.

    Raises:
        MalformedMessage: It wants what there is not.
    """
    text = given.get("explain")
    chosen: dict[str, Explain] = {each: each for each in EXPLAIN}
    if text is not None and text not in chosen:
        raise MalformedMessage([Wrong(Place(("explain",)), expected_explain(text))])
    return None if text is None else chosen[text]


def false_alarm_rate_in(given: dict[str, str]) -> float | None:
    """Return the false-alarm rate of the query; None where it names none.

    Raises:
        MalformedMessage: It is no number.
    """
    text = given.get("false_alarm_rate")
    if text is None:
        return None
    try:
        return float(text)
    except ValueError as error:
        wrong = Wrong(Place(("false_alarm_rate",)), f"expected a number, got {text[:80]!r}")
        raise MalformedMessage([wrong]) from error


def _pairs(scope: HTTPScope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
