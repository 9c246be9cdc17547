"""What the XML parser calls for each tag of an XES file.

Well over a million calls for a common log: the two functions that are called for every attribute of
every event do nothing but append, and everything rare is one step aside.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn
from xml.parsers import expat

from pmlcli.errors import LogError
from pmlcli.eventlog.xes.attributes import AttributeStore, Vocabularies
from pmlcli.eventlog.xes.globals import Globals
from pmlcli.eventlog.xes.scan import Stretch

MAX_DEPTH = 64
MAX_TAG_ATTRIBUTES = 16

_OUTSIDE = -2
"""Level of the parser: outside traces; -1 in a trace; 0 in an event; 1 in its attributes; 2, ... nested."""
_IN_TRACE = -1
_IN_EVENT = 0

_ATTRIBUTE = "trace attribute"
_STRAY_EVENT = "event outside a trace"
"""Places of the parser that no element is named for: their names have blanks."""

_VALUELESS = frozenset({"list", "container", "values"})


class XesHandlers:
    """The parser of one file and what it has taken in so far."""

    def __init__(self, name: str, encoding: str | None) -> None:
        self.name = name
        self.vocabularies = Vocabularies()
        self.events, self.traces = (AttributeStore(name, self.vocabularies) for _ in range(2))
        self.event_lines: list[int] = []
        self.trace_lines: list[int] = []
        self.trace_first_events: list[int] = []
        self.stray_events: list[int] = []
        self.globals = Globals()
        self.classifiers: dict[str, list[str]] = {}
        self.keyless = 0
        self.valueless = 0
        self.is_log = False
        self.has_cdata = False
        self._stack: list[str] = []
        self._path: list[str] = []
        self._path_at = -1
        self._seen: dict[str, int] = {}
        self._seen_owner = (False, 0)
        self._event_names = {"event"}
        self.parser = expat.ParserCreate(encoding, namespace_separator=" ")
        self.parser.ordered_attributes = True
        self.parser.buffer_text = True
        self.encoding = encoding and encoding.lower()
        self.parser.XmlDeclHandler = self._note_encoding
        self.parser.StartCdataSectionHandler = self._note_cdata
        self.parser.StartDoctypeDeclHandler = self._refuse_dtd
        self.parser.EntityDeclHandler = self._refuse_dtd
        self.parser.ExternalEntityRefHandler = self._refuse_dtd
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._hot_handlers()

    def open_element(self) -> str | None:
        """The innermost element around events that is still open."""
        return self._stack[-1] if self._stack else None

    def _hot_handlers(self) -> tuple[Callable[[str, list[str]], None], Callable[[str], None]]:
        """The two functions for tags; the level lives in their closure because attribute look-ups cost."""
        level = _OUTSIDE
        extend, add_element = self.events.flat.extend, self.events.elements.append
        elements, add_start, add_line = (
            self.events.elements,
            self.events.starts.append,
            self.event_lines.append,
        )
        event_names, parser = self._event_names, self.parser

        def start(name: str, attrs: list[str]) -> None:
            nonlocal level
            if level == _IN_EVENT:
                level = 1
                if len(attrs) == 4:
                    extend(attrs)
                    add_element(name)
                else:
                    self._odd_attribute(name, attrs)
            elif level == _IN_TRACE and name in event_names:
                level = _IN_EVENT
                add_start(len(elements))
                add_line(parser.CurrentLineNumber)
            else:
                level = self._start_other(name, attrs, level)

        def end(name: str) -> None:
            nonlocal level
            if level == 1:
                level = _IN_EVENT
            elif level == _IN_EVENT:
                level = _IN_TRACE
            else:
                level = self._end_other(level)

        return start, end

    def pack(self) -> None:
        """Pack the events' attributes; the last one stays, for attributes nested in it may follow."""
        self._path_at -= self.events.pack(keep=1)

    @property
    def between_traces(self) -> bool:
        """Whether the parser stands in the log and in nothing else."""
        return self._stack == ["log"]

    def take(self, stretch: Stretch) -> None:
        """Take in whole traces that were read the quick way."""
        self.events.pack()
        self.traces.pack()
        first = len(self.event_lines)
        self.trace_first_events += (first + stretch.first_events).tolist()
        for store, lines, part in (
            (self.events, self.event_lines, stretch.events),
            (self.traces, self.trace_lines, stretch.traces),
        ):
            store.pack_codes(part.keys, part.tags, part.values, part.starts)
            lines += part.lines.tolist()

    def _note_encoding(self, version: str, encoding: str | None, standalone: int) -> None:
        self.encoding = self.encoding or (encoding and encoding.lower())

    def _note_cdata(self) -> None:
        self.has_cdata = True

    def _start_other(self, name: str, attrs: list[str], level: int) -> int:
        """Any tag but an event and its own attributes; the new level."""
        local = name.rpartition(" ")[2]
        if len(attrs) > 2 * MAX_TAG_ATTRIBUTES:
            self._refuse(f"more than {MAX_TAG_ATTRIBUTES} attributes in <{local}>", "log.limit")
        if level + len(self._stack) > MAX_DEPTH:
            self._refuse(f"nested deeper than {MAX_DEPTH}", "log.limit")
        if level > _IN_EVENT:
            self._nested_attribute(local, attrs, level)
            return level + 1
        parent = self._stack[-1] if self._stack else None
        if parent == "trace" and local == "event":
            self._event_names.add(name)
            self.events.starts.append(len(self.events.elements))
            self.event_lines.append(self.parser.CurrentLineNumber)
            return _IN_EVENT
        self._stack.append(self._enter(parent, local, attrs))
        return _IN_TRACE if self._stack[-1] == "trace" else _OUTSIDE

    def _enter(self, parent: str | None, local: str, attrs: list[str]) -> str:
        """What the new element is, outside events; takes in what it says."""
        if parent is None:
            self._check_root(local)
        elif parent in ("trace", _ATTRIBUTE):
            self._check_stray(local)
            self._path.append(self._take(self.traces, local, attrs, self._path))
            return _ATTRIBUTE
        elif parent == "log" and local == "trace":
            self._path = []
            self.traces.starts.append(len(self.traces.elements))
            self.trace_lines.append(self.parser.CurrentLineNumber)
            self.trace_first_events.append(len(self.event_lines))
        elif parent == "log" and local == "event":
            self.stray_events.append(self.parser.CurrentLineNumber)
            return _STRAY_EVENT
        elif parent == "log" and local == "classifier":
            self._add_classifier(attrs)
        elif parent == "log" and local == "global":
            self.globals.enter(attrs)
        elif parent == "global":
            self._check_stray(local)
            self.globals.add(local, attrs)
        else:
            self._check_stray(local)
        return local

    def _end_other(self, level: int) -> int:
        if level > _IN_EVENT:
            return level - 1
        if self._stack.pop() == _ATTRIBUTE:
            self._path.pop()
        return _IN_TRACE if self._stack and self._stack[-1] == "trace" else _OUTSIDE

    def _odd_attribute(self, name: str, attrs: list[str]) -> None:
        """An event's attribute with more or less than a key and a value, such as a list."""
        local = name.rpartition(" ")[2]
        self._check_stray(local)
        self._path = [self._take(self.events, local, attrs, [])]
        self._path_at = len(self.events.elements)

    def _nested_attribute(self, local: str, attrs: list[str], level: int) -> None:
        self._check_stray(local)
        if level == 1 and len(self.events.elements) != self._path_at:
            last = self.events.flat[-4:]
            self._path = [last[1] if last[0] == "key" else last[3]]
        parents = self._path[:level]
        self._path = [*parents, self._take(self.events, local, attrs, parents)]
        self._path_at = len(self.events.elements)

    def _take(self, store: AttributeStore, local: str, attrs: list[str], parents: list[str]) -> str:
        """Take in one attribute under its dotted name; its own key ('' for what has none)."""
        if len(attrs) > 2 * MAX_TAG_ATTRIBUTES:
            self._refuse(f"more than {MAX_TAG_ATTRIBUTES} attributes in <{local}>", "log.limit")
        found = dict(zip(attrs[::2], attrs[1::2], strict=True))
        key, value = found.get("key"), found.get("value")
        if key is None:
            self.keyless += local != "values"
            return ""
        if value is None:
            self.valueless += local not in _VALUELESS
            return key
        dotted = ".".join([*filter(None, parents), key])
        if any(parents):
            dotted = self._numbered(store, dotted)
        store.add(local, dotted, value)
        return key

    def _numbered(self, store: AttributeStore, dotted: str) -> str:
        """The dotted name, with .2, .3, ... where its list has it again."""
        owner = len(self.trace_lines) if store is self.traces else len(self.event_lines)
        if self._seen_owner != (store is self.traces, owner):
            self._seen_owner = (store is self.traces, owner)
            self._seen.clear()
        self._seen[dotted] = count = self._seen.get(dotted, 0) + 1
        return dotted if count == 1 else f"{dotted}.{count}"

    def _add_classifier(self, attrs: list[str]) -> None:
        found = dict(zip(attrs[::2], attrs[1::2], strict=True))
        keys = [quoted or plain for quoted, plain in re.findall(r"'([^']*)'|(\S+)", found.get("keys", ""))]
        if found.get("name") and keys:
            self.classifiers[found["name"]] = keys

    def _check_root(self, local: str) -> None:
        if local != "log":
            self._refuse(f"the root element is <{local[:40]}>, not <log>", "log.format")
        self.is_log = True

    def _check_stray(self, local: str) -> None:
        if local in ("log", "trace", "event"):
            within = self._stack[-1] if self._stack else "event"
            self._refuse(f"<{local}> stands inside <{within}>", "log.xes")

    def _refuse_dtd(self, name: str | None, *_: object) -> NoReturn:
        if name is not None and name.lower() == "html":
            self._refuse("an HTML page, not a log", "log.format")
        self._refuse("a DTD is not allowed in a log", "log.dtd")

    def _refuse(self, what: str, code: str) -> NoReturn:
        line = self.parser.CurrentLineNumber
        raise LogError(f"{self.name}: line {line}: {what}", code=code, context={"line": line})
