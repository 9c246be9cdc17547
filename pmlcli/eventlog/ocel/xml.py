"""OCEL in XML: 1.0 (lists of keyed values) and 2.0 (attributes and relationships)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from pmlcli.errors import LogError
from pmlcli.eventlog.bounds import MAX_TEXT, Budget
from pmlcli.eventlog.ocel.flatten import ObjectEvent, ObjectLog, as_declared, flatten, whole
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.raw import RawTable, shown
from pmlcli.eventlog.source import ByteSource

MAX_DEPTH = 64
MAX_INSIDE = 200_000
"""Elements inside one event or object."""
PIECE = 1 << 18

_RECORDS = {
    ("objects", "object"),
    ("events", "event"),
    ("object-types", "object-type"),
    ("event-types", "event-type"),
}
_RECORD_DEPTH = 2
_FIRST_KINDS = {"int": "integer", "float": "float", "boolean": "boolean"}


@dataclass
class _Element:
    tag: str
    attributes: dict[str, str]
    children: list[_Element] = field(default_factory=list)
    text: str = ""

    def all(self, tag: str) -> Iterator[_Element]:
        """The children with this tag."""
        return (child for child in self.children if child.tag == tag)

    def inside(self, outer: str, tag: str) -> Iterator[_Element]:
        """The children with this tag of the children with that tag."""
        return (child for parent in self.all(outer) for child in parent.all(tag))

    def keyed(self, key: str) -> _Element | None:
        """The child of OCEL 1.0 with this key; ValueError where there are several."""
        found = [child for child in self.children if child.attributes.get("key") == key]
        if len(found) > 1:
            raise ValueError(f"the key '{shown(key)}' is given twice")
        return found[0] if found else None


def read_ocel_xml(source: ByteSource, options: ReadOptions) -> RawTable:
    """The raw table of an object-centric log in XML, flattened on `options.object_type`.

    Raises LogError for what is not well-formed XML, has a DTD, or is not laid out as OCEL is.
    """
    data = whole(source)
    reading = _Reading(source.name, Budget(source, options))
    try:
        for start in range(0, len(data), PIECE):
            reading.parser.Parse(data[start : start + PIECE], False)
        reading.parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise LogError(
            f"{source.name}: line {error.lineno}: {expat.ErrorString(error.code)}", code="log.xml"
        ) from error
    except (LookupError, ValueError) as error:  # pyexpat's own look-up of the declared encoding
        raise LogError(f"{source.name}: unknown encoding: {error}", code="log.encoding") from error
    return flatten(reading.log, source, "ocel-xml", options)


class _Reading:
    """The parser of one file, and the log that it fills record by record."""

    def __init__(self, name: str, budget: Budget) -> None:
        self.name = name
        self._inside = 0
        self.log = ObjectLog(name, budget)
        self._kinds: dict[tuple[str, str, str], str] = {}
        self._open: list[_Element] = []
        self._records: dict[str, Callable[[_Element], None]] = {
            "object-type": self._add_kinds,
            "event-type": self._add_kinds,
            "object": self._add_object,
            "event": self._add_event,
        }
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._refuse_dtd
        self.parser.EntityDeclHandler = self._refuse_dtd

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._refuse(f"nested deeper than {MAX_DEPTH}")
        if any(len(value) > MAX_TEXT for value in attributes.values()):
            self._refuse("a value longer than 1 MB")
        element = _Element(tag.rpartition(":")[2], attributes)
        # records are dealt with and forgotten as they end, and nothing but what is inside them is kept
        self._inside = self._inside + 1 if len(self._open) > _RECORD_DEPTH else 0
        if self._inside > MAX_INSIDE:
            self._refuse(f"more than {MAX_INSIDE:,} elements inside one")
        if len(self._open) > _RECORD_DEPTH:
            self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, tag: str) -> None:
        element = self._open.pop()
        if len(self._open) == _RECORD_DEPTH and (self._open[-1].tag, element.tag) in _RECORDS:
            try:
                self._records[element.tag](element)
            except ValueError as error:
                self._refuse(str(error))
        elif element.tag == "event" and not self._is_inside_event():
            self.log.refuse("event outside <events>")

    def _is_inside_event(self) -> bool:
        return any(outer.tag in ("event", "object") for outer in self._open)

    def _characters(self, text: str) -> None:
        if self._open and text.strip("\r\n\t "):
            element = self._open[-1]
            if len(element.text) + len(text) > MAX_TEXT:
                self._refuse("a value longer than 1 MB")
            element.text += text

    def _add_kinds(self, element: _Element) -> None:
        what = element.tag.partition("-")[0]
        for attribute in element.inside("attributes", "attribute"):
            given = attribute.attributes
            self._kinds[what, element.attributes.get("name", ""), given.get("name", "")] = given.get(
                "type", ""
            )

    def _add_object(self, element: _Element) -> None:
        found, keyed = element.attributes, element.keyed("id")
        object_id = found.get("id") or (keyed.attributes.get("value", "") if keyed else "")
        kind = found.get("type") or _value(element.keyed("type")) or ""
        if not object_id:
            self._refuse("an object without an id")
        self.log.add_object(object_id, kind)
        for value in element.inside("attributes", "attribute"):
            name = value.attributes.get("name", "")
            declared = self._kinds.get(("object", kind, name))
            self.log.add_value(object_id, name, as_declared(value.text, declared))
        for name, given in _values(element.keyed("ovmap")):
            self.log.add_value(object_id, name, given)

    def _add_event(self, element: _Element) -> None:
        found = element.attributes
        activity = found.get("type") or _value(element.keyed("activity"))
        event = ObjectEvent(
            found.get("id") or _value(element.keyed("id")) or "",
            activity,
            found.get("time") or _value(element.keyed("timestamp")),
        )
        event.objects = [
            relation.attributes.get("object-id", "")
            for tag in ("relationship", "object")
            for relation in element.inside("objects", tag)
        ]
        related = element.keyed("omap")
        event.objects += [child.attributes.get("value", "") for child in related.children] if related else []
        self.log.add_event(event, self._event_values(element, activity or ""))

    def _event_values(self, element: _Element, activity: str) -> Iterator[tuple[str, object]]:
        for value in element.inside("attributes", "attribute"):
            name = value.attributes.get("name", "")
            given = as_declared(value.text, self._kinds.get(("event", activity, name)))
            yield name, None if given == "" else given
        yield from _values(element.keyed("vmap"))

    def _refuse_dtd(self, *_: object) -> NoReturn:
        self._refuse("a DTD is not allowed in a log")

    def _refuse(self, what: str) -> NoReturn:
        line = self.parser.CurrentLineNumber
        raise LogError(f"{self.name}: line {line}: {what}", code="log.ocel", context={"line": line})


def _value(element: _Element | None) -> str | None:
    return element.attributes.get("value") if element is not None else None


def _values(element: _Element | None) -> Iterator[tuple[str, object]]:
    """The keyed values of OCEL 1.0, as the type that their tags name."""
    for child in element.children if element is not None else ():
        value = as_declared(child.attributes.get("value"), _FIRST_KINDS.get(child.tag))
        yield child.attributes.get("key", ""), value
