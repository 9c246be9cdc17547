"""Object-centric logs (OCEL 1.0 and 2.0) flattened: the objects of one type become the cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pmlcli.errors import LogError, nearest
from pmlcli.eventlog.frame import events_table
from pmlcli.eventlog.ledger import Refusal
from pmlcli.eventlog.log import CASE_PREFIX
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.raw import RawTable
from pmlcli.eventlog.source import ByteSource

MAX_BYTES = 512 << 20
"""Inflated bytes of an object-centric log: unlike other formats it is held in memory as a whole."""
FIRST_EVENTS = 5
OBJECT_TYPE = "ocel:type:"
"""Begins the name of a column with the ids of an event's objects of a type."""
EVENT_ID = "ocel:eid"

_WHOLE, _BROKEN, _TRUTH = {"integer", "int"}, {"float", "real", "double", "number"}, {"boolean", "bool"}


@dataclass
class ObjectEvent:
    """One event: when (as written), what, its own attributes, and the ids of its objects."""

    id: str
    activity: str | None
    time: Any
    attributes: dict[str, Any] = field(default_factory=dict)
    objects: list[str] = field(default_factory=list)


@dataclass
class ObjectLog:
    """Events in file order; each object's type, and its attributes as they were first."""

    events: list[ObjectEvent] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: int = 0

    def add_object(self, object_id: str, object_type: str) -> None:
        """One object, before its attributes."""
        self.types[object_id] = object_type
        self.attributes.setdefault(object_id, {})

    def add_value(self, object_id: str, name: str, value: Any) -> None:
        """One value of an object's attribute; a later value of the same is only counted."""
        known = self.attributes.setdefault(object_id, {})
        if value is None or value == "":
            return
        if name in known:
            self.changes += 1
        else:
            known[name] = value


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
            return float(value)
    except ValueError:
        return value
    if kind in _TRUTH:
        return {"true": True, "false": False}.get(value.lower(), value)
    return value


def flatten(log: ObjectLog, source: ByteSource, format_name: str, options: ReadOptions) -> RawTable:
    """A row for each event and each of its objects of the chosen type, which names the case.

    Raises LogError when the log has several types of objects and none, or an unknown one, is chosen.
    """
    chosen = _chosen_type(log, source.name, options.object_type or options.preferred_object_type)
    rows: list[Mapping[str, Any]] = []
    places: list[int] = []
    without: list[int] = []
    for place, event in enumerate(log.events, 1):
        cases = [oid for oid in dict.fromkeys(event.objects) if log.types.get(oid) == chosen]
        if not cases:
            without.append(place)
        rows += [_row(log, event, case, chosen) for case in cases]
        places += [place] * len(cases)
    used = {row["case:concept:name"] for row in rows}
    objects = sum(object_type == chosen for object_type in log.types.values())
    notes = [
        (f"events of an object-centric log, flattened on '{chosen}'", len(log.events)),
        ("rows that repeat an event for another object of it", len(rows) + len(without) - len(log.events)),
        ("objects without events", objects - len(used)),
        ("values of objects that change later, taken as they were first", log.changes),
    ]
    if not rows:
        raise LogError(f"{source.name}: no event has an object of type '{chosen}'", code="log.no-events")
    table = events_table(rows)
    gone = Refusal(f"event without an object of type '{chosen}'", len(without), tuple(without[:FIRST_EVENTS]))
    return replace(
        table,
        lines=np.array(places, dtype=np.int64),
        unit="event",
        source=source.identity(format_name),
        notes=[note for note in notes if note[1]],
        filtered=[gone] if without else [],
        object_type=chosen,
    )


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


def _row(log: ObjectLog, event: ObjectEvent, case: str, chosen: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "case:concept:name": case,
        "concept:name": event.activity,
        "time:timestamp": event.time,
        EVENT_ID: event.id,
    }
    others: dict[str, list[str]] = {}
    for other in dict.fromkeys(event.objects):
        kind = log.types.get(other)
        if kind is not None and kind != chosen:
            others.setdefault(kind, []).append(other)
    row |= {f"{OBJECT_TYPE}{kind}": "; ".join(ids) for kind, ids in others.items()}
    for name, value in event.attributes.items():
        row.setdefault(name, _plain(value))
    return row | {f"{CASE_PREFIX}{name}": _plain(v) for name, v in log.attributes.get(case, {}).items()}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
