"""OCEL in JSON: 1.0 (`ocel:events`, `ocel:objects`) and 2.0 (`events`, `objects`)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pmlcli.errors import LogError
from pmlcli.eventlog.bounds import CELL, Budget
from pmlcli.eventlog.ocel.flatten import ObjectEvent, ObjectLog, as_declared, flatten, whole
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.raw import RawTable, shown
from pmlcli.eventlog.source import ByteSource

Json = Mapping[str, Any]

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)


def read_ocel_json(source: ByteSource, options: ReadOptions) -> RawTable:
    """The raw table of an object-centric log in JSON, flattened on `options.object_type`.

    Raises LogError for what is no JSON, or not laid out as OCEL is.
    """
    try:
        data = whole(source)
        marks = 4 * data.count(b"{") + 2 * data.count(b"[") + data.count(b",")
        Budget(source, options).make(marks * CELL)  # what the parser makes of it, before it does
        text = data.decode(json.detect_encoding(data))  # strictly, which json.loads does not
        _refuse_half_characters(text)
        document = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        what = error if isinstance(error, ValueError) else "nested too deep"
        raise LogError(f"{source.name}: damaged JSON: {what}", code="log.damaged") from error
    if not isinstance(document, dict) or not ("ocel:events" in document or "events" in document):
        raise LogError(
            f"{source.name}: looks like JSON, but not like an object-centric log (OCEL)",
            hint="a log is CSV, XES, Parquet or OCEL",
            code="log.format",
        )
    if "ocel:events" in document and "events" in document:
        raise LogError(
            f"{source.name}: events of OCEL 1.0 and of OCEL 2.0 in one file",
            hint="take one of them out",
            code="log.ocel",
        )
    log = ObjectLog(source.name, Budget(source, options))
    try:
        (_first_version if "ocel:events" in document else _second_version)(document, log)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LogError(
            f"{source.name}: not laid out as OCEL is ({type(error).__name__}: {error})", code="log.ocel"
        ) from error
    return flatten(log, source, "ocel-json", options)


def _refuse_half_characters(text: str) -> None:
    """ValueError for an escape that stands for half a character, which nothing can write again."""
    half = next((found for found in _ESCAPE.finditer(text) if found["half"]), None)
    if half is not None:
        line = text.count("\n", 0, half.start()) + 1
        raise ValueError(f"half a character ({half['half']}): line {line}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; ValueError for a key given twice, of which Python would keep the last."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {shown(repr(twice))} is given twice in one object")
    return found


def _first_version(document: Json, log: ObjectLog) -> None:
    for object_id, found in document.get("ocel:objects", {}).items():
        log.add_object(object_id, str(found["ocel:type"]))
        for name, value in found.get("ocel:ovmap", {}).items():
            log.add_value(object_id, name, value)
    for event_id, found in document["ocel:events"].items():
        event = ObjectEvent(event_id, found.get("ocel:activity"), found.get("ocel:timestamp"))
        event.objects = list(map(str, found.get("ocel:omap", [])))
        log.add_event(event, found.get("ocel:vmap", {}).items())


def _second_version(document: Json, log: ObjectLog) -> None:
    kinds = {key: _declared(document.get(key, [])) for key in ("objectTypes", "eventTypes")}
    for found in document.get("objects", []):
        object_id, object_type = str(found["id"]), str(found["type"])
        log.add_object(object_id, object_type)
        # values may stand in any order; those without a time have always been
        for value in sorted(found.get("attributes") or [], key=lambda value: str(value.get("time", ""))):
            kind = kinds["objectTypes"].get((object_type, value["name"]))
            log.add_value(object_id, value["name"], as_declared(value.get("value"), kind))
    for found in document["events"]:
        activity = found.get("type")
        event = ObjectEvent(str(found["id"]), activity, found.get("time"))
        event.objects = [str(relation["objectId"]) for relation in found.get("relationships") or []]
        declared = kinds["eventTypes"]
        log.add_event(
            event,
            [
                (value["name"], as_declared(value.get("value"), declared.get((activity, value["name"]))))
                for value in found.get("attributes") or []
            ],
        )


def _declared(types: list[Json]) -> dict[tuple[str, str], str]:
    return {
        (kind["name"], attribute["name"]): attribute.get("type", "")
        for kind in types
        for attribute in kind.get("attributes") or []
    }
