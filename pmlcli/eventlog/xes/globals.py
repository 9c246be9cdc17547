"""Attributes that an XES file declares global: said where events or traces lack them, filled on request."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pmlcli.eventlog.raw import TEXT, TextColumn
from pmlcli.eventlog.xes.attributes import KINDS

SCOPES = ("trace", "event")


@dataclass
class Globals:
    """The declared attributes of each scope: key to kind and default value."""

    declared: dict[str, dict[str, tuple[str, str]]] = field(default_factory=lambda: {s: {} for s in SCOPES})
    _scope: str | None = None

    def enter(self, attrs: list[str]) -> None:
        """A `<global>` begins; its scope is `event` where it says none, as the standard has it."""
        scope = dict(zip(attrs[::2], attrs[1::2], strict=True)).get("scope", "event")
        self._scope = scope if scope in SCOPES else None

    def add(self, kind: str, attrs: list[str]) -> None:
        """One attribute of the `<global>` that was entered last."""
        found = dict(zip(attrs[::2], attrs[1::2], strict=True))
        if self._scope is not None and kind in KINDS and "key" in found and found.get("value"):
            self.declared[self._scope][found["key"]] = (kind, found["value"])

    def apply(
        self, scope: str, columns: dict[str, TextColumn], size: int, *, fill: bool
    ) -> list[tuple[str, int]]:
        """Notes on owners that lack a declared attribute; with `fill` they get its default, in place."""
        notes = []
        for key, (kind, default) in self.declared[scope].items():
            column = columns.get(key, TextColumn(np.full(size, -1, np.int32), np.empty(0, object), kind))
            lacking = column.codes < 0
            if not lacking.any():
                continue
            if fill:
                columns[key] = _filled(column, default, kind)
            done = "given its default" if fill else "left without"
            plural = "traces" if scope == "trace" else "events"
            notes.append(
                (f"{plural} that lack '{key}', which the log declares global, {done}", int(lacking.sum()))
            )
        return notes


def _filled(column: TextColumn, default: str, kind: str) -> TextColumn:
    codes = np.where(column.codes < 0, np.int32(len(column.values)), column.codes).astype(np.int32)
    merged: dict[str, int] = {}
    values = [*column.values, default]
    renumber = np.array([merged.setdefault(value, len(merged)) for value in values], dtype=np.int32)
    return TextColumn.of(renumber[codes], list(merged), column.kind if column.kind == kind else TEXT)
