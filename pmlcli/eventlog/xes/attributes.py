"""The attributes of many events (or traces), taken in as flat lists and kept as small integer arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pmlcli.errors import LogError
from pmlcli.eventlog.raw import TEXT, TextColumn, Vocabulary

MAX_ATTRIBUTES = 1_000
MAX_NAMES = 2_000
MAX_KEY = 1 << 10
MAX_VALUE = 1 << 20

KINDS = frozenset({"string", "date", "int", "float", "boolean", "id"})
_NUMBERS = {"int", "float"}
_STRAY = frozenset({"event", "trace", "log"})

SmallCodes = NDArray[np.int32]
Ints = NDArray[np.integer[Any]]


@dataclass
class Vocabularies:
    """The codes of one file's attribute names, tag names and values."""

    keys: Vocabulary = field(default_factory=Vocabulary)
    tags: Vocabulary = field(default_factory=Vocabulary)
    values: Vocabulary = field(default_factory=Vocabulary)


class AttributeStore:
    """Attributes of numbered owners (events or traces).

    The parser appends to three plain lists: `elements` (one tag name an attribute), `flat` (four texts
    an attribute: `key`, its name, `value`, its value, as they stand in the tag) and `starts` (where each
    owner begins in `elements`). `pack` turns them to codes and empties them.
    """

    def __init__(self, name: str, vocabularies: Vocabularies) -> None:
        self.elements: list[str] = []
        self.flat: list[str] = []
        self.starts: list[int] = []
        self.unknown_kinds = 0
        self._name = name
        self._owners = 0
        self._keys, self._tags, self._values = vocabularies.keys, vocabularies.tags, vocabularies.values
        self._packed: list[tuple[SmallCodes, SmallCodes, SmallCodes, SmallCodes]] = []

    def add(self, element: str, key: str, value: str) -> None:
        """One attribute of the last owner."""
        self.elements.append(element)
        self.flat += ("key", key, "value", value)

    def pack(self, keep: int = 0) -> int:
        """Code what was taken in, but for the last `keep` attributes; how many were coded.

        An owner may go on after it.
        """
        size = len(self.elements) - keep
        flat = self.flat[: 4 * size]
        _put_keys_first(flat)
        starts = [start for start in self.starts if start <= size]
        self.pack_codes(
            self._keys.codes(flat[1::4]),
            self._tags.codes(self.elements[:size]),
            self._values.codes(flat[3::4]),
            np.array(starts, dtype=np.int64),
        )
        del self.elements[:size], self.flat[: 4 * size]
        self.starts[:] = [start - size for start in self.starts if start > size]
        return size

    def pack_codes(self, keys: Ints, tags: Ints, values: Ints, starts: Ints) -> None:
        """Take in coded attributes, and where in them the next owners begin."""
        cuts = np.concatenate(([0], starts, [len(keys)]))
        owners = np.repeat(np.arange(self._owners - 1, self._owners + len(starts)), np.ediff1d(cuts))
        self._owners += len(starts)
        parts = [part.astype(np.int32) for part in (owners, keys, tags, values)]
        self._packed.append((parts[0], parts[1], parts[2], parts[3]))
        self._check_limits()

    @property
    def cells(self) -> int:
        """Cells of the columns that `columns` makes."""
        self.pack()
        return self._owners * len(self._keys)

    def columns(self) -> tuple[dict[str, TextColumn], dict[str, NDArray[np.bool_]], int]:
        """A column for each name in order of first appearance; owners that give a name two values, by
        name; and the number of attributes given twice alike."""
        self.pack()
        owners, keys, tags, values = (np.concatenate(parts) for parts in zip(*self._packed, strict=True))
        texts = np.empty(len(self._values), dtype=object)
        texts[:] = list(self._values)
        if max(map(len, self._values), default=0) > MAX_VALUE:
            raise self._limit(f"a value longer than {MAX_VALUE:,} characters")
        by_key = np.argsort(keys.astype(np.int16), kind="stable")  # few names: a sort by digits
        cuts = np.searchsorted(keys[by_key], np.arange(len(self._keys) + 1))
        unknown = [tag for tag, name in enumerate(self._tags) if name.rpartition(" ")[2] not in KINDS]
        self.unknown_kinds = int(np.isin(tags, unknown).sum())
        columns: dict[str, TextColumn] = {}
        twice: dict[str, NDArray[np.bool_]] = {}
        alike = 0
        for code, key in enumerate(self._keys):
            places = by_key[cuts[code] : cuts[code + 1]]
            if not len(places):
                continue
            where, what = owners[places], values[places]
            again = np.flatnonzero(where[1:] == where[:-1]) + 1
            if len(again):
                differ = again[what[again] != what[again - 1]]
                alike += len(again) - len(differ)
                if len(differ):
                    twice[key] = np.zeros(self._owners, dtype=bool)
                    twice[key][where[differ]] = True
            codes = np.full(self._owners, -1, dtype=np.int32)
            codes[where] = what
            used, distinct = _compact(codes, texts)
            columns[key] = TextColumn.of(used, list(distinct), self._kind(np.unique(tags[places])))
        return columns, twice, alike

    def _kind(self, tags: NDArray[np.int64]) -> str:
        names = list(self._tags)
        kinds = {names[tag].rpartition(" ")[2] for tag in tags}
        if kinds & _STRAY:
            raise LogError(f"{self._name}: <{(kinds & _STRAY).pop()}> stands inside an event", code="log.xes")
        if len(kinds) == 1 and kinds <= KINDS:
            return str(kinds.pop())
        return "float" if kinds == _NUMBERS else TEXT

    def _check_limits(self) -> None:
        owners = self._packed[-1][0]
        if len(owners) and np.bincount(owners - owners[0]).max() > MAX_ATTRIBUTES:
            raise self._limit(f"more than {MAX_ATTRIBUTES:,} attributes in one event or trace")
        if len(self._keys) > MAX_NAMES:
            raise self._limit(f"more than {MAX_NAMES:,} different attribute names")
        if any(len(key) > MAX_KEY for key in self._keys):
            raise self._limit(f"an attribute name longer than {MAX_KEY:,} characters")

    def _limit(self, what: str) -> LogError:
        return LogError(
            f"{self._name}: {what}", code="log.limit", hint="such a log is not read: is it damaged?"
        )


def _put_keys_first(flat: list[str]) -> None:
    """Bring attributes that name their value before their key into order, in place."""
    if set(flat[0::4]) <= {"key"} and set(flat[2::4]) <= {"value"}:
        return
    for at in range(0, len(flat), 4):
        if (flat[at], flat[at + 2]) != ("key", "value"):
            found = {flat[at]: flat[at + 1], flat[at + 2]: flat[at + 3]}
            flat[at : at + 4] = ["key", found.get("key", ""), "value", found.get("value", "")]


def _compact(codes: SmallCodes, texts: NDArray[np.object_]) -> tuple[SmallCodes, NDArray[np.object_]]:
    """Codes into only the texts that occur, in order of first appearance in the log."""
    if len(codes) * 16 > len(texts):
        return TextColumn(codes, texts).used()
    distinct, renumbered = np.unique(codes, return_inverse=True)
    shift = int(distinct[0] == -1) if len(distinct) else 0
    return (renumbered.reshape(-1) - shift).astype(np.int32), texts[distinct[shift:]]
