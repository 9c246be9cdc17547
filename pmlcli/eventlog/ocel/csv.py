"""OCEL 1.0 in CSV, as pm4py writes it: a row an event, ids of objects in a column `ocel:type:TYPE`."""

from __future__ import annotations

import re
from dataclasses import replace

from pmlcli.errors import LogError
from pmlcli.eventlog.bounds import Budget
from pmlcli.eventlog.csv.reader import read_rows
from pmlcli.eventlog.ledger import Refusal
from pmlcli.eventlog.ocel.flatten import EVENT_ID, OBJECT_TYPE, ObjectEvent, ObjectLog, flatten
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.raw import UNTYPED, RawTable, TextColumn, as_text, shown
from pmlcli.eventlog.source import ByteSource

ACTIVITY, TIME = "ocel:activity", "ocel:timestamp"
_ID = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")


def is_ocel_csv(head: bytes) -> bool:
    """Whether a file's first line names the columns of an object-centric log."""
    first = head.lstrip(b"\r\n").splitlines()[:1] or [b""]
    return ACTIVITY.encode() in first[0] and OBJECT_TYPE.encode() in first[0]


def read_ocel_csv(source: ByteSource, options: ReadOptions) -> RawTable:
    """The raw table of an object-centric log in CSV, flattened on `options.object_type`.

    Raises LogError as `read_csv` does, and for a cell that is no list of ids.
    """
    rows = read_rows(source, options)
    flat = flatten(_object_log(rows, Budget(source, options)), source, "ocel-csv", options)
    places = flat.lines - 1

    def by_line(refusals: list[Refusal]) -> list[Refusal]:
        return [replace(r, lines=tuple(int(rows.lines[place - 1]) for place in r.lines)) for r in refusals]

    # a cell has no type: what was text for the reader may be a number
    columns = {
        name: replace(column, kind=UNTYPED) if isinstance(column, TextColumn) else column
        for name, column in flat.columns.items()
    }
    return replace(
        flat,
        columns=columns,
        lines=rows.lines[places],
        unit=rows.unit,
        refused=[*rows.refused, *by_line(flat.refused)],
        filtered=by_line(flat.filtered),
        notes=[*rows.notes, *flat.notes],
    )


def _object_log(rows: RawTable, budget: Budget) -> ObjectLog:
    log = ObjectLog(rows.name, budget)
    texts = {name: as_text(column).texts().tolist() for name, column in rows.columns.items()}
    of_type = {name: name.removeprefix(OBJECT_TYPE) for name in texts if name.startswith(OBJECT_TYPE)}
    own = [name for name in texts if name not in (*of_type, EVENT_ID, ACTIVITY, TIME)]
    none = [None] * rows.n_rows
    ids, activities, times = (texts.get(name, none) for name in (EVENT_ID, ACTIVITY, TIME))
    for row in range(rows.n_rows):
        event = ObjectEvent(ids[row] or "", activities[row], times[row])
        where = f"line {rows.lines[row]}: "
        for name, object_type in of_type.items():
            for object_id in _ids(texts[name][row], f"{rows.name}: {where}"):
                log.see_object(object_id, object_type, where)
                event.objects.append(object_id)
        log.add_event(event, ((name, texts[name][row]) for name in own))
        event.id = event.id or str(row + 1)
    return log


def _ids(cell: str | None, where: str) -> list[str]:
    """The ids in a cell such as `['o1', 'o2']`."""
    if cell is None:
        return []
    inner = cell.strip()
    is_list = inner.startswith("[") and inner.endswith("]") and len(inner) > 1
    if not is_list or _ID.sub("", inner[1:-1]).replace(",", "").strip():
        raise LogError(
            f"{where}'{shown(cell)}' is no list of objects", hint="as in ['o1', 'o2']", code="log.ocel"
        )
    found = (single or double for single, double in _ID.findall(inner[1:-1]))
    return [re.sub(r"\\(.)", r"\1", object_id) for object_id in found]
