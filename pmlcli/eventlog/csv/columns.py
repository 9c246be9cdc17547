"""The cells of a CSV column, gathered block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.csv.scan import Cells, Characters, is_array, unified
from pmlcli.eventlog.raw import Column, TextColumn, UniformTexts, Vocabulary
from pmlcli.eventlog.times.time_layouts import shapes_of

MOST_WAITING = 1 << 30
"""Bytes of dictionaries that wait; together they must have offsets of 32 bits."""


class GatheredColumn:
    """A column under construction: its parts wait while they are of one kind, and are coded from then on.

    Parts are of one kind as characters of times that look alike, or as dictionary arrays.
    """

    def __init__(self) -> None:
        self._vocabulary = Vocabulary()
        self._codes: list[NDArray[np.int32]] = []
        self._alike: list[Characters] = []
        self._arrays: list[Any] = []
        self._size = 0

    def add(self, cells: Cells) -> None:
        """Take the cells of the next rows."""
        if isinstance(cells, np.ndarray) and self._look_alike(cells):
            self._alike.append(cells)
        elif is_array(cells) and self._may_wait(cells):
            self._arrays.append(cells)
        else:
            self._settle()
            self._code(cells)

    def column(self) -> Column:
        """All rows. Nothing can be added after that."""
        if self._alike:
            return UniformTexts(tuple(self._alike))
        if self._arrays:
            return TextColumn.of(*unified(self._arrays), is_tight=True)
        codes = np.concatenate([np.empty(0, dtype=np.int32), *self._codes])
        self._codes = []
        return TextColumn.of(codes, list(self._vocabulary), is_tight=True)

    def _look_alike(self, cells: Characters) -> bool:
        if self._codes or self._arrays:
            return False
        return not self._alike or np.array_equal(shapes_of(self._alike[0][0]), shapes_of(cells[0]))

    def _may_wait(self, array: Any) -> bool:
        self._size += array.dictionary.nbytes
        return not self._codes and not self._alike and self._size <= MOST_WAITING

    def _settle(self) -> None:
        for part in self._alike:
            self._code(part)
        if self._arrays:
            self._code(unified(self._arrays))
        self._alike, self._arrays = [], []

    def _code(self, cells: Cells) -> None:
        if isinstance(cells, np.ndarray):
            cells = (None, UniformTexts((cells,)).texts())
        local, texts = unified([cells]) if is_array(cells) else cells
        known = self._vocabulary.codes(texts)
        self._codes.append(known if local is None else known[local])
