"""The cells of a CSV column, gathered block by block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.csv_scan import Cells, Characters
from pmlcli.eventlog.raw import Column, TextColumn, UniformTexts, Vocabulary
from pmlcli.eventlog.time_layouts import shapes_of


class GatheredColumn:
    """A column under construction: characters while all its texts look alike, codes from then on."""

    def __init__(self) -> None:
        self._vocabulary = Vocabulary()
        self._codes: list[NDArray[np.int32]] = []
        self._alike: list[Characters] = []

    def add(self, cells: Cells) -> None:
        """Take the cells of the next rows."""
        if isinstance(cells, np.ndarray):
            if self._look_alike(cells):
                self._alike.append(cells)
                return
            cells = (None, UniformTexts((cells,)).texts())
        self._settle()
        local, texts = cells
        known = self._vocabulary.codes(texts)
        self._codes.append(known if local is None else known[local])

    def column(self) -> Column:
        """All rows. Nothing can be added after that."""
        if self._alike:
            return UniformTexts(tuple(self._alike))
        codes = np.concatenate([np.empty(0, dtype=np.int32), *self._codes])
        self._codes = []
        return TextColumn.of(codes, list(self._vocabulary))

    def _look_alike(self, cells: Characters) -> bool:
        if self._codes:
            return False
        return not self._alike or np.array_equal(shapes_of(self._alike[0][0]), shapes_of(cells[0]))

    def _settle(self) -> None:
        for part in self._alike:
            self._codes.append(self._vocabulary.codes(UniformTexts((part,)).texts()))
        self._alike = []
