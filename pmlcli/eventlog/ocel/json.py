"""OCEL in JSON: 1.0 (`ocel:events`, `ocel:objects`) and 2.0 (`events`, `objects`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pmlcli.errors import LogError
from pmlcli.eventlog.ocel.flatten import ObjectEvent, ObjectLog, as_declared, flatten, whole
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.raw import RawTable
from pmlcli.eventlog.source import ByteSource

Json = Mapping[str, Any]


def read_ocel_json(source: ByteSource, options: ReadOptions) -> RawTable:
    """The raw table of an object-centric log in JSON, flattened on `options.object_type`.

    Raises LogError for what is no JSON, or not laid out as OCEL is.
    """
    try:
        document = json.loads(whole(source))
    except (ValueError, RecursionError) as error:
        what = error if isinstance(error, ValueError) else "nested too deep"
        raise LogError(f"{source.name}: damaged JSON: {what}", code="log.damaged") from error
    if not isinstance(document, dict) or not ("ocel:events" in document or "events" in document):
        raise LogError(
            f"{source.name}: looks like JSON, but not like an object-centric log (OCEL)",
            hint="a log is CSV, XES, Parquet or OCEL",
            code="log.format",
        )
    try:
        log = _first_version(document) if "ocel:events" in document else _second_version(document)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LogError(
            f"{source.name}: not laid out as OCEL is ({type(error).__name__}: {error})", code="log.ocel"
        ) from error
    return flatten(log, source, "ocel-json", options)


def _first_version(document: Json) -> ObjectLog:
    log = ObjectLog()
    for object_id, found in document.get("ocel:objects", {}).items():
        log.add_object(object_id, str(found["ocel:type"]))
        for name, value in found.get("ocel:ovmap", {}).items():
            log.add_value(object_id, name, value)
    for event_id, found in document["ocel:events"].items():
        event = ObjectEvent(event_id, found.get("ocel:activity"), found.get("ocel:timestamp"))
        event.attributes = dict(found.get("ocel:vmap", {}))
        event.objects = list(map(str, found.get("ocel:omap", [])))
        log.events.append(event)
    return log


def _second_version(document: Json) -> ObjectLog:
    log = ObjectLog()
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
        for value in found.get("attributes") or []:
            kind = kinds["eventTypes"].get((activity, value["name"]))
            event.attributes.setdefault(value["name"], as_declared(value.get("value"), kind))
        event.objects = [str(relation["objectId"]) for relation in found.get("relationships") or []]
        log.events.append(event)
    return log


def _declared(types: list[Json]) -> dict[tuple[str, str], str]:
    return {
        (kind["name"], attribute["name"]): attribute.get("type", "")
        for kind in types
        for attribute in kind.get("attributes") or []
    }
