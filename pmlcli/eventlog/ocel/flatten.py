"""Object-centric logs (OCEL 1.0 and 2.0) flattened: the objects of one type become the cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.errors import LogError, nearest
from pmlcli.eventlog.bounds import CELL, CODE, MAX_NAMES, Budget
from pmlcli.eventlog.frame import events_table
from pmlcli.eventlog.ledger import Refusal
from pmlcli.eventlog.log import CASE_PREFIX
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.raw import TEXT, Column, RawTable, TextColumn, shown
from pmlcli.eventlog.source import ByteSource
from pmlcli.eventlog.values import is_inexact

MAX_BYTES = 512 << 20
"""Inflated bytes of an object-centric log: unlike other formats it is held in memory as a whole."""
FIRST_EVENTS = 5
OBJECT_TYPE = "ocel:type:"
"""Begins the name of a column with the ids of an event's objects of a type."""
EVENT_ID = "ocel:eid"
CASE_NAME = f"{CASE_PREFIX}concept:name"
TWIN = ".event"
"""Ends the name of an event's attribute where the plain name is taken."""

_WHOLE, _BROKEN, _TRUTH = {"integer", "int"}, {"float", "real", "double", "number"}, {"boolean", "bool"}


@dataclass
class ObjectEvent:
    """One event: when (as written), what, its own attributes, and the ids of its objects.

    `place` is its 1-based place among the events of the file.
    """

    id: str
    activity: str | None
    time: Any
    attributes: dict[str, Any] = field(default_factory=dict)
    objects: list[str] = field(default_factory=list)
    place: int = 0


class ObjectLog:
    """Events in file order; each object's type, and its attributes as they were first.

    Every event of the file is either in `events` or counted in `refused`, by reason. Raises LogError for an
    object of two types.
    """

    def __init__(self, name: str, budget: Budget) -> None:
        self.name = name
        self._budget = budget
        self.events: list[ObjectEvent] = []
        self.types: dict[str, str] = {}
        self.attributes: dict[str, dict[str, Any]] = {}
        self.changes = 0
        self.notes: Counter[str] = Counter()
        self.refused: dict[str, list[int]] = {}
        self.n_read = 0
        self._event_ids: set[str] = set()

    def add_object(self, object_id: str, object_type: str, where: str = "") -> None:
        """One object, before its attributes; one that comes again is counted."""
        if object_id in self.types:
            self.notes["objects given again"] += 1
        self.see_object(object_id, object_type, where)
        if object_id not in self.attributes:
            self._budget.make(4 * CELL)
            self.attributes[object_id] = {}

    def see_object(self, object_id: str, object_type: str, where: str = "") -> None:
        """An object and its type, where each event names them anew."""
        if self.types.setdefault(object_id, object_type) != object_type:
            raise LogError(
                f"{self.name}: {where}object '{shown(object_id)}' is of the types "
                f"'{shown(self.types[object_id])}' and '{shown(object_type)}'",
                code="log.ocel",
            )

    def add_value(self, object_id: str, name: str, value: Any) -> None:
        """One value of an object's attribute; a later value of the same is only counted."""
        if object_id not in self.types:
            self.notes["values of an object that the log does not have"] += 1
            return
        known = self.attributes.setdefault(object_id, {})
        if value is None or value == "":
            return
        if name in known:
            self.changes += 1
        else:
            self._budget.make(CELL)
            known[name] = value

    def add_event(self, event: ObjectEvent, values: Iterable[tuple[str, Any]] = ()) -> None:
        """The file's next event with its attributes; refused when its id or a name comes twice."""
        self.n_read += 1
        event.place = self.n_read
        reason = None
        for name, value in values:
            if name in event.attributes and event.attributes[name] != value:
                reason = f"'{shown(name)}' given twice"
            event.attributes.setdefault(name, value)
        if event.id and event.id in self._event_ids:
            reason = "event id given before"
        self._event_ids.add(event.id)
        self._budget.make((8 + len(event.attributes) + len(event.objects)) * CELL)
        if reason is None:
            self.events.append(event)
        else:
            self._refuse(reason, event.place)

    def refuse(self, reason: str) -> None:
        """Something of the file that should be an event and is none."""
        self.n_read += 1
        self._refuse(reason, self.n_read)

    def withdraw(self, reason: str, of: Collection[str]) -> None:
        """Refuse the events with these ids after all."""
        for event in self.events:
            if event.id in of:
                self._refuse(reason, event.place)
        self.events = [event for event in self.events if event.id not in of]

    def _refuse(self, reason: str, place: int) -> None:
        self.refused.setdefault(reason, []).append(place)

    def refusals(self) -> list[Refusal]:
        """What was refused, for the ledger."""
        return [
            Refusal(reason, len(places), tuple(sorted(places)[:FIRST_EVENTS]))
            for reason, places in self.refused.items()
        ]


def whole(source: ByteSource) -> bytes:
    """All bytes of an object-centric log; LogError beyond `MAX_BYTES`."""
    pieces, size = [], 0
    for piece in source.chunks():
        size += len(piece)
        if size > MAX_BYTES:
            raise LogError(
                f"{source.name}: an object-centric log of more than {MAX_BYTES >> 20} MiB",
                hint="flatten it with another tool",
                code="log.too-big",
            )
        pieces.append(piece)
    return b"".join(pieces)


def as_declared(value: Any, kind: str | None) -> Any:
    """A value that stands as text, as the type that its log declares; as it stands where it is none."""
    if not isinstance(value, str) or kind is None:
        return value
    try:
        if kind in _WHOLE:
            return int(value)
        if kind in _BROKEN:
            return value if is_inexact(value) else float(value)
    except ValueError:
        return value
    if kind in _TRUTH:
        return {"true": True, "false": False}.get(value.lower(), value)
    return value


def flatten(log: ObjectLog, source: ByteSource, format_name: str, options: ReadOptions) -> RawTable:
    """A row for each event and each of its objects of the chosen type, which names the case.

    Raises LogError when the log has several types of objects and none, or an unknown one, is chosen, and when
    the table would be out of proportion to the file.
    """
    chosen = _chosen_type(log, source.name, options.object_type or options.preferred_object_type)
    budget = Budget(source, options)
    cases = [
        [oid for oid in dict.fromkeys(event.objects) if log.types.get(oid) == chosen] for event in log.events
    ]
    used = [event for event, of_event in zip(log.events, cases, strict=True) if of_event]
    if not used and not log.refused:
        raise LogError(f"{source.name}: no event has an object of type '{chosen}'", code="log.no-events")
    of_event = np.repeat(np.arange(len(used)), [len(found) for found in cases if found])
    case_names = [oid for found in cases for oid in found]
    without = [event.place for event, found in zip(log.events, cases, strict=True) if not found]
    gone = Refusal(f"event without an object of type '{chosen}'", len(without), tuple(without[:FIRST_EVENTS]))
    return RawTable(
        columns=_columns(log, used, of_event, case_names, chosen, budget),
        n_rows=len(case_names),
        lines=np.array([event.place for event in used], dtype=np.int64)[of_event],
        unit="event",
        source=source.identity(format_name),
        refused=log.refusals(),
        notes=_notes(log, chosen, len(case_names) - len(used), len(set(case_names))),
        filtered=[gone] if without else [],
        object_type=chosen,
    )


def _notes(log: ObjectLog, chosen: str, repeats: int, n_cases: int) -> list[tuple[str, int]]:
    objects = sum(object_type == chosen for object_type in log.types.values())
    unknown = sum(oid not in log.types for event in log.events for oid in event.objects)
    notes = [
        (f"events of an object-centric log, flattened on '{chosen}'", log.n_read),
        ("rows that repeat an event for another object of it", repeats),
        ("objects without events", objects - n_cases),
        ("values of objects that change later, taken as they were first", log.changes),
        ("relations to an object that the log does not have", unknown),
        *log.notes.items(),
    ]
    return [note for note in notes if note[1]]


def _columns(
    log: ObjectLog,
    events: list[ObjectEvent],
    of_event: NDArray[np.int64],
    case_names: list[str],
    chosen: str,
    budget: Budget,
) -> dict[str, Column]:
    """The columns of the flat table: each event and each object is made columns of once, then repeated."""
    code_of_case = {case: code for code, case in enumerate(dict.fromkeys(case_names))}
    of_case = np.array([code_of_case[case] for case in case_names], dtype=np.int64)
    per_event = _table([_event_row(log, event, chosen) for event in events], of_event, budget)
    per_case = _table(
        [
            {f"{CASE_PREFIX}{name}": _plain(value) for name, value in log.attributes.get(case, {}).items()}
            for case in code_of_case
        ],
        of_case,
        budget,
    )
    names = TextColumn.of(of_case.astype(np.int32), list(code_of_case), TEXT)
    per_case[CASE_NAME] = names
    own = {name if name not in per_case else name + TWIN: column for name, column in per_event.items()}
    none = TextColumn.of(np.full(len(case_names), -1, dtype=np.int32), [])
    return {CASE_NAME: names, "concept:name": none, "time:timestamp": none} | own | per_case


def _table(records: list[dict[str, Any]], rows: NDArray[np.int64], budget: Budget) -> dict[str, Column]:
    """The columns of records, a row of each as `rows` says."""
    names = {name for record in records for name in record}
    if len(names) > MAX_NAMES:
        raise LogError(f"{budget.name}: more than {MAX_NAMES:,} different attribute names", code="log.limit")
    budget.make(len(names) * (len(records) * CELL + len(rows) * CODE), "a row for each event and object")
    return {
        name: column.iloc[rows].reset_index(drop=True) if isinstance(column, pd.Series) else column.take(rows)
        for name, column in events_table(records).columns.items()
    }


def _chosen_type(log: ObjectLog, name: str, wanted: str | None) -> str:
    counts = Counter(log.types.values())
    if not counts:
        raise LogError(f"{name}: an object-centric log without objects", code="log.no-events")
    if wanted is None and len(counts) == 1:
        return next(iter(counts))
    if wanted in counts:
        assert wanted is not None
        return wanted
    there = ", ".join(f"'{kind}' ({count:,})" for kind, count in sorted(counts.items()))
    near = nearest(wanted, counts) if wanted else None
    what = "several types of objects" if wanted is None else f"no objects of type '{wanted}'"
    example = near or min(counts)
    raise LogError(
        f"{name}: {what} in this object-centric log; there are: {there}",
        hint=f"say which become the cases: --object-type '{example}'",
        code="log.object-type",
        context={"types": dict(counts)},
    )


def _event_row(log: ObjectLog, event: ObjectEvent, chosen: str) -> dict[str, Any]:
    """What an event says in each of its rows."""
    row: dict[str, Any] = {"concept:name": event.activity, "time:timestamp": event.time, EVENT_ID: event.id}
    others: dict[str, list[str]] = {}
    for other in sorted(set(event.objects)):  # their order in the file says nothing
        kind = log.types.get(other)
        if kind is not None and kind != chosen:
            others.setdefault(kind, []).append(other)
    row |= {f"{OBJECT_TYPE}{kind}": "; ".join(ids) for kind, ids in others.items()}
    for name, value in event.attributes.items():
        row[name if name not in row else name + TWIN] = _plain(value)
    return row


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
