"""What came back, as a table. Every figure is counted from the messages."""

from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.table import Table

from vehicle_anomaly.demo.queue_messages import Json
from vehicle_anomaly.demo.queue_talk import Talk


def exchanges(talk: Talk) -> Table:
    """One row per kind of request and what came of it."""
    table = Table(
        box=box.SIMPLE_HEAD, title="What came of the requests", title_justify="left", pad_edge=False
    )
    for name in ("Request", "came to"):
        table.add_column(name, no_wrap=True)
    for name in ("messages", "readings", "of these\nanomalous"):
        table.add_column(name, justify="right")
    groups: dict[tuple[str, str], list[Json]] = {}
    for request_id, told in talk.answers.items():
        groups.setdefault((talk.kind_of(request_id), told["type"]), []).append(told)
    for (kind, result), answers in sorted(groups.items()):
        readings, anomalies = (sum(each) for each in zip(*map(readings_in, answers), strict=True))
        figures = (f"{readings:,}", f"{anomalies:,}") if result not in {"refused", "ingested"} else ("", "")
        table.add_row(kind, result, f"{len(answers):,}", *figures)
    answered = Counter(map(talk.kind_of, talk.answers))
    for kind, count in sorted((talk.sent() - answered).items()):
        table.add_row(kind, "dead letter", f"{count:,}", "", "")
    return table


def refusals(talk: Talk) -> Table:
    """One row per refusal: what it is and what it says."""
    table = Table(box=box.SIMPLE_HEAD, title="Refused, and why", title_justify="left", pad_edge=False)
    table.add_column("Request", no_wrap=True)
    table.add_column("Status", justify="right")
    table.add_column("Detail")
    for request_id, told in talk.answers.items():
        if told["type"] == "refused":
            problem = told["problem"]
            table.add_row(talk.kind_of(request_id), str(problem["status"]), problem["detail"])
    return table


def readings_in(told: Json) -> tuple[int, int]:
    """Readings that a result is about, and those of them that are anomalous."""
    if told["type"] == "scored":
        return 1, int(told["is_anomaly"])
    if told["type"] == "scored_batch":
        return len(told["results"]), sum(verdict["is_anomaly"] for verdict in told["results"])
    if told["type"] == "scored_object":
        return told["record_count"], told["anomaly_count"]
    return 0, 0


def share_line(answered: Sequence[int]) -> str:
    """How many requests each worker answered."""
    return ", ".join(f"worker {number}: {count:,}" for number, count in enumerate(answered, 1))
