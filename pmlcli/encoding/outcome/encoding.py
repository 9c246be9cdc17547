"""What the outcome of a case is, and prefixes beside which it stands as far as it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from pmlcli.encoding.attributes import coded, require_column
from pmlcli.encoding.events.prefixes import NEVER_ATTRIBUTES, PrefixEncoding, Prefixes
from pmlcli.encoding.outcome.conditions import Comparison, Judgement, Quantity
from pmlcli.encoding.outcome.leaks import tells_outcome
from pmlcli.encoding.outcome.rule import parse_rule
from pmlcli.errors import LogError, ValidationError, nearest
from pmlcli.eventlog.far_events import near_end
from pmlcli.eventlog.log import MISSING, EventLog
from pmlcli.eventlog.times.duration import duration_seconds

UNKNOWN = -1
"""In place of a class: not known, or not in training."""
MOST_OUTCOMES = 50
SOURCES = ("label_column", "outcome_activity", "slower_than", "rule")

Classes = NDArray[np.int64]


class Known(NamedTuple):
    """The class of each case, (cases,), and the one that each prefix settles, (events,); `UNKNOWN` else."""

    target: Classes
    settled: Classes
    is_counted: NDArray[np.bool_]
    """(events,): prefixes to learn from: the class is known, and neither settled nor past with the case."""


@dataclass(frozen=True)
class OutcomeSource:
    """Where a case's outcome is found: one of `SOURCES`, and the column, activity, duration or rule."""

    kind: str
    text: str

    def __post_init__(self) -> None:
        if self.kind == "label_column" and self.text in NEVER_ATTRIBUTES:
            raise ValidationError(
                f"'{self.text}' cannot be the label", hint="a label is a column that says how a case ended"
            )
        self.judgement()

    def judgement(self) -> Judgement | None:
        """What is true of the cases of the second class; None where a column names the classes."""
        if self.kind == "outcome_activity":
            return Comparison(Quantity("count", self.text), ">", 0.0)
        if self.kind == "slower_than":
            return Comparison(
                Quantity("duration"), ">", duration_seconds(self.text, "duration for --slower-than")
            )
        return parse_rule(self.text) if self.kind == "rule" else None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that tell the outcome, and so never describe a case."""
        judgement = self.judgement()
        if judgement is None:
            return (self.text,)
        return tuple(q.name for q in judgement.quantities() if q.kind == "column")

    @property
    def limit(self) -> float:
        """Seconds for which a case must have been watched: the longest that its duration is compared with.

        Of the cases that began later only the short ones would be known.
        """
        judgement = self.judgement()
        return 0.0 if judgement is None else judgement.longest

    def watched(self, log: EventLog, until: int | None = None) -> NDArray[np.bool_]:
        """Which cases began at least `limit` before `until` (microseconds UTC; the last event), (cases,)."""
        if self.limit == 0 or log.times is None or log.n_cases == 0:
            return np.ones(log.n_cases, dtype=np.bool_)
        last = near_end(log) if until is None else until
        return np.asarray(((last or 0) - log.starts) / 1e6 >= self.limit)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The two classes, the one that the source is about last; None where a column names them."""
        return {
            "label_column": None,
            "outcome_activity": (f"no {self.text}", self.text),
            "slower_than": (f"within {self.text}", f"slower than {self.text}"),
            "rule": ("no", "yes"),
        }[self.kind]

    def require(self, log: EventLog) -> None:
        """Raises LogError, with the nearest name, for an activity or column that the training log lacks."""
        for column in self.columns:
            require_column(log, column)
        judgement = self.judgement()
        for quantity in () if judgement is None else judgement.quantities():
            if quantity.kind == "count" and quantity.name not in log.activities:
                near = nearest(quantity.name, log.activities)
                raise LogError(
                    f"no event of the log has the activity '{quantity.name}'",
                    code="log.activity",
                    hint=f"did you mean '{near}'?" if near else "`pmlcli inspect LOG` lists the activities",
                    context={"activity": quantity.name},
                )


@dataclass(frozen=True)
class OutcomePrefixes(Prefixes):
    """Prefixes with the outcomes of their cases, as far as these are known.

    - `target`: int64 (cases,), the case's class; `settled`: int64 (events,), the class that the events so far
      settle, whatever comes; `UNKNOWN` where there is none
    - `is_counted`: bool (events,), which prefixes to learn from and measure
    - `class_names`: the classes; `left_out`: columns that tell the outcome, and so are not looked at
    """

    OF_EVENTS: ClassVar[tuple[str, ...]] = (*Prefixes.OF_EVENTS, "settled", "is_counted")
    OF_CASES: ClassVar[tuple[str, ...]] = (*Prefixes.OF_CASES, "target")

    target: Classes
    settled: Classes
    is_counted: NDArray[np.bool_]
    class_names: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def target_of_event(self) -> Classes:
        """The class of each prefix's case, (events,)."""
        return np.repeat(self.target, self.lengths)


class OutcomeEncoding(PrefixEncoding):
    """Prefixes and the outcome of their cases.

    Columns that the outcome is read from are never features; nor, unless they are named in `attributes`,
    columns that tell it one to one. A log without them is encoded all the same: then no outcome is known.
    """

    name: ClassVar[str] = "outcome-prefixes"

    def __init__(
        self, source: OutcomeSource, attributes: Sequence[str] | None = None, *, inter_case: bool = False
    ) -> None:
        super().__init__(attributes, inter_case=inter_case, never=source.columns)
        telling = {*source.columns} & {*(attributes or ())}
        if telling:
            raise ValidationError(
                f"column '{min(telling)}' reveals the outcome, so it cannot be an attribute",
                hint=f"leave '{min(telling)}' out of `-p attributes=...`",
                context={"column": min(telling), "parameter": "attributes"},
            )
        self.source = source
        self.class_names = source.class_names or ()
        self.left_out: tuple[str, ...] = ()

    def fit(self, log: EventLog) -> Self:
        """Learns the classes and which columns tell them, and what `PrefixEncoding` does.

        LogError for a misspelt column or activity, and for a case with two labels.
        """
        self.source.require(log)
        if self.source.kind == "label_column":
            names, codes = coded(log, self.source.text)
            self.class_names = tuple(names[code] for code in np.unique(codes[codes != MISSING]))
            self._require_few()
        super().fit(log)
        telling = self._telling(log) if self.attributes is None else ()
        self.left_out = tuple(column for column in telling if column not in log.known_at_start)
        self.leave_out(self.left_out)
        return self

    def _require_few(self) -> None:
        column, count = self.source.text, len(self.class_names)
        if count > MOST_OUTCOMES:
            raise LogError(
                f"column '{column}' has {count:,} different values, but outcomes may have {MOST_OUTCOMES}",
                code="log.label",
                hint="name a column of few values, or a rule about it: --rule '`COLUMN` > 100'",
                context={"column": column, "count": count},
            )

    def transform(self, log: EventLog, until: int | None = None) -> OutcomePrefixes:
        """The log's prefixes, and the outcomes of the cases where the log tells them.

        `until` (microseconds UTC) is when its cases were last looked at: its last event, unless told.
        """
        prefixes = super().transform(log)
        known = self.known(log, prefixes.is_running, until)
        return OutcomePrefixes(
            **vars(prefixes), **known._asdict(), class_names=self.class_names, left_out=self.left_out
        )

    def known(self, log: EventLog, is_running: NDArray[np.bool_], until: int | None = None) -> Known:
        """What the log tells of the outcomes, where these of its cases, (cases,), have not ended."""
        judgement = self.source.judgement()
        if judgement is None:
            target = self.labels(log)
            return Known(target, _none(log.n_events), np.repeat(target != UNKNOWN, log.lengths))
        now, yes, no = judgement.judge(log)
        settled = np.where(yes, 1, np.where(no, 0, UNKNOWN))
        last = log.offsets[1:] - 1
        has_columns = all(column in log.frame.columns for column in self.source.columns)
        is_told = ~is_running & has_columns
        target = np.where(settled[last] != UNKNOWN, settled[last], np.where(is_told, now[last], UNKNOWN))
        if self.source.kind == "slower_than":
            # What goes on does so after the log's end, and so past the limit.
            target = np.where(is_running, 1, target)
        target = np.where(self.source.watched(log, until), target, UNKNOWN)
        is_counted = np.repeat(target != UNKNOWN, log.lengths) & (settled == UNKNOWN)
        is_counted[last[~is_running]] = False
        return Known(target, settled, is_counted)

    def labels(self, log: EventLog) -> Classes:
        """The class of each case; LogError for a case with two, UNKNOWN for a label that training lacked."""
        column = self.source.text
        if column not in log.frame.columns:
            return _none(log.n_cases)
        names, codes = coded(log, column)
        given, cases = codes[codes != MISSING], log.case_of_event[codes != MISSING]
        lowest, highest = np.full(log.n_cases, len(names)), _none(log.n_cases)
        np.minimum.at(lowest, cases, given)
        np.maximum.at(highest, cases, given)
        twice = np.flatnonzero((highest != UNKNOWN) & (lowest != highest))
        if len(twice):
            case, first, second = log.case_ids[twice[0]], names[lowest[twice[0]]], names[highest[twice[0]]]
            raise LogError(
                f"column '{column}': case '{case}' has two labels, '{first}' and '{second}'"
                + (f", and {len(twice) - 1:,} more cases have several" if len(twice) > 1 else ""),
                code="log.label",
                hint="a label is one value a case; name another column, or correct the log",
                context={"column": column, "case": str(case), "count": len(twice)},
            )
        place = {name: code for code, name in enumerate(self.class_names)}
        return np.asarray([*(place.get(n, UNKNOWN) for n in names), UNKNOWN], dtype=np.int64)[highest]

    def _telling(self, log: EventLog) -> list[str]:
        """Chosen attributes whose last value before the outcome is settled tells it one to one."""
        prefixes = super().transform(log)
        known = self.known(log, prefixes.is_running)
        places = np.where(known.is_counted, np.arange(log.n_events), -1)
        last = np.maximum.reduceat(places, log.offsets[:-1])
        rows, target = last[last >= 0], known.target[last >= 0]
        found = []
        for is_number, attributes, values in (
            (True, self.numbers, prefixes.numbers),
            (False, self.categories, prefixes.categories),
        ):
            for attribute, column in zip(attributes, values[rows].T.astype(np.float64), strict=True):
                if tells_outcome(column, target, is_number=is_number):
                    found.append(attribute.column)
        return found

    def state(self) -> dict[str, Any]:  # noqa: D102
        return super().state() | {
            "source": [self.source.kind, self.source.text],
            "class_names": list(self.class_names),
            "left_out": list(self.left_out),
        }

    @classmethod
    def unfitted(cls, state: dict[str, Any]) -> Self:  # noqa: D102
        kind, text = state["source"]
        return cls(OutcomeSource(str(kind), str(text)))

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:  # noqa: D102
        encoding = super().from_state(state)
        encoding.class_names, encoding.left_out = tuple(state["class_names"]), tuple(state["left_out"])
        return encoding


def _none(count: int) -> Classes:
    return np.full(count, UNKNOWN, dtype=np.int64)
