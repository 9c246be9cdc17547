"""What is looked at before a training: what makes it hopeless, and what makes it learn something false."""

from __future__ import annotations

from pmlcli.errors import TrainingError
from pmlcli.eventlog.findings import DataFinding, evidence_of, find_before_training
from pmlcli.eventlog.log import EventLog

MOST_ACTIVITIES = 1_000
"""Different activities that are trained on: tables of which activity follows which grow with their square."""
MOST_ATTRIBUTES = 1_000


def check_extent(log: EventLog) -> None:
    """Raises TrainingError for a log whose activities or attributes make tables that no memory holds."""
    name = log.source.name
    if len(log.activities) > MOST_ACTIVITIES:
        column = log.schema.columns.get("activity", "activity")
        raise TrainingError(
            f"{name}: {len(log.activities):,} different activities in {log.n_events:,} events, more than "
            f"{MOST_ACTIVITIES:,}: '{column}' looks like free text or an identifier",
            hint="name the column of the activity with --activity, or group its values first",
            code="training.activities",
            context={"activities": len(log.activities), "most": MOST_ACTIVITIES},
        )
    attributes = len(log.attribute_columns()) + len(log.case_attribute_columns())
    if attributes > MOST_ATTRIBUTES:
        raise TrainingError(
            f"{name}: {attributes:,} attributes, more than {MOST_ATTRIBUTES:,}",
            hint="leave out columns without information; `pmlcli inspect` lists empty and constant ones",
            code="training.attributes",
            context={"attributes": attributes, "most": MOST_ATTRIBUTES},
        )


def concerns(log: EventLog) -> tuple[str, ...]:
    """What an analyst must know before this log is learned from, a sentence each."""
    return tuple(map(_sentence, find_before_training(evidence_of(log))))


def _sentence(finding: DataFinding) -> str:
    first = finding.examples[0] if finding.examples else None
    places = [] if first is None else [("case", first.case_id), ("line", first.line)]
    where = ", ".join(f"{what} {place}" for what, place in places if place is not None)
    return f"{finding.message}{f' (first: {where})' if where else ''} [{finding.code}]; {finding.fix}"
