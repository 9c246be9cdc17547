"""The rules of the schema of IEEE 1849-2016 (xes-ieee-1849-2016.xsd), written down type by type.

One rule is left out: keys must be XML names there, which no tool keeps, as names with blanks are common.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from xml.etree import ElementTree

_NCNAME = re.compile(r"[^\W\d][\w.-]*").fullmatch
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)").fullmatch
_DOUBLE = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|-?INF|NaN").fullmatch
_DATE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
).fullmatch
_URI = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:.*)|[^:]*").fullmatch
_ANY = re.compile(r"(?s).*").fullmatch


def _long(text: str) -> bool:
    return re.fullmatch("[+-]?[0-9]+", text) is not None and -(2**63) <= int(text) < 2**63


def _date(text: str) -> bool:
    match = _DATE(re.sub(r"T24:00:00(?=\.?0*(?:[-+Z]|$))", "T00:00:00", text))
    try:
        return match is not None and datetime.fromisoformat(match[1]) is not None
    except ValueError:
        return False


Rule = Callable[[str], object]

_VALUES: dict[str, Rule] = {
    "string": _ANY,
    "date": _date,
    "int": _long,
    "float": _DOUBLE,
    "boolean": re.compile(r"true|false|0|1").fullmatch,
    "id": _ANY,
}
_GROUP = (*_VALUES, "list")
_CHILDREN: dict[str, tuple[tuple[str, ...], ...]] = {
    "log": (("extension",), ("global",), ("classifier",), _GROUP, ("trace",), ("event",)),
    "trace": (_GROUP, ("event",)),
    "list": (_GROUP, ("values",)),
    "extension": (),
    "classifier": (),
}
"""What may stand in an element, in this order; in all others it is attributes."""
_REQUIRED: dict[str, dict[str, Rule]] = {
    "log": {"xes.version": _DECIMAL},
    "extension": {"name": _NCNAME, "prefix": _NCNAME, "uri": _URI},
    "classifier": {"name": _NCNAME, "keys": _ANY},
    "list": {"key": bool},
    "values": {"key": bool},
    **{tag: {"key": bool, "value": rule} for tag, rule in _VALUES.items()},
}
_OPTIONAL: dict[str, dict[str, Rule]] = {
    "log": {"xes.features": _ANY},
    "global": {"scope": _NCNAME},
    "classifier": {"scope": _NCNAME},
}


def violations(xml: bytes) -> list[str]:
    """Every breach of the schema, in words."""
    root = ElementTree.fromstring(xml)
    found = [] if root.tag == "log" else [f"the root is {root.tag}"]
    for element in root.iter():
        found += [*_of_attributes(element), *_of_children(element)]
    return found


def _of_attributes(element: ElementTree.Element) -> list[str]:
    required, optional = (rules.get(element.tag, {}) for rules in (_REQUIRED, _OPTIONAL))
    found = [f"<{element.tag}> lacks {name}" for name in required if name not in element.attrib]
    for name, value in element.attrib.items():
        rule = {**required, **optional}.get(name)
        if rule is None or not rule(value.strip(" \t\r\n")):
            found.append(f"<{element.tag}> with {name}={value!r}")
    return found


def _of_children(element: ElementTree.Element) -> list[str]:
    texts = [element.text, *(child.tail for child in element)]
    stages = _CHILDREN.get(element.tag, (_GROUP,))
    text = "".join(filter(None, texts)) if stages == () else "".join(filter(None, texts)).strip()
    found = [f"text in <{element.tag}>"] if text else []
    stage = 0
    for child in element:
        where = [number for number, names in enumerate(stages) if child.tag in names]
        if not where or where[0] < stage:
            found.append(f"<{child.tag}> does not belong there in <{element.tag}>")
        else:
            stage = where[0]
    if element.tag == "list" and len(element.findall("values")) != 1:
        found.append("<list> without exactly one <values>")
    return found
