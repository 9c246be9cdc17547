"""The rules of the published XES schema (IEEE 1849), written down from its description.

The schema itself also asks that keys be XML names, which no tool keeps: names with blanks are common.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

_NCNAME = re.compile(r"[A-Za-z_][\w.-]*")
_VALUES = {
    "string": re.compile(r"(?s).*"),
    "id": re.compile(r"(?s).*"),
    "int": re.compile(r"[+-]?[0-9]{1,19}"),
    "float": re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|-?INF|NaN"),
    "boolean": re.compile(r"true|false|0|1"),
    "date": re.compile(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})?"
    ),
}
_ATTRIBUTES = (*_VALUES, "list")
_ORDER = {
    "log": (("extension",), ("global",), ("classifier",), _ATTRIBUTES, ("trace",), ("event",)),
    "trace": (_ATTRIBUTES, ("event",)),
    "event": (_ATTRIBUTES,),
    "global": (_ATTRIBUTES,),
}
_REQUIRED = {"extension": ("name", "prefix", "uri"), "classifier": ("name", "keys"), "log": ("xes.version",)}


def violations(xml: bytes) -> list[str]:
    """Every breach of the schema, in words."""
    root = ElementTree.fromstring(xml)
    found = [] if _local(root) == "log" else [f"the root is {root.tag}"]
    for element in root.iter():
        found += _of_element(element)
    if not re.fullmatch(r"[+-]?[0-9]+(?:\.[0-9]*)?", root.get("xes.version", "")):
        found.append("xes.version is no decimal number")
    return found


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _of_element(element: ElementTree.Element) -> list[str]:
    tag = _local(element)
    found = [f"<{tag}> lacks {name}" for name in _REQUIRED.get(tag, ()) if name not in element.attrib]
    if tag in ("extension", "classifier"):
        found += [
            f"{name} of <{tag}> is no name"
            for name in ("name", "prefix")
            if name in element.attrib and not _NCNAME.fullmatch(element.attrib[name])
        ]
    if tag in _VALUES:
        if not element.get("key"):
            found.append(f"<{tag}> without a key")
        if not _VALUES[tag].fullmatch(element.get("value", "missing" if tag != "string" else "")):
            found.append(f"<{tag}> with the value {element.get('value')!r}")
    if tag in _ORDER:
        found += _out_of_order(tag, [_local(child) for child in element])
    return found


def _out_of_order(tag: str, children: list[str]) -> list[str]:
    stage, found = 0, []
    for child in children:
        stages = [number for number, names in enumerate(_ORDER[tag]) if child in names]
        if not stages or stages[0] < stage:
            found.append(f"<{child}> does not belong there in <{tag}>")
        else:
            stage = stages[0]
    return found
