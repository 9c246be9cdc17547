"""Median: the median remaining time after the same last activities (baseline)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.parameters import Least
from pmlcli.algorithms.remaining_time._rows import learned_rows, remaining_seconds
from pmlcli.algorithms.remaining_time._states import Keys, learn_states, look_up, window_keys
from pmlcli.algorithms.remaining_time._task import RemainingTimePredictor
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.sequences import SequenceEncoding, Sequences


@dataclass(kw_only=True)
class Median(RemainingTimePredictor[Sequences]):
    """Predicts the median of the remaining times after the last activities of a case.

    If fewer than `least` training prefixes ended with them, it uses fewer activities, and finally none: the
    median over all prefixes.
    """

    source: ClassVar[str] = (
        "Verenich, Dumas, La Rosa, Maggi and Teinemaa (2019), Survey and cross-benchmark comparison of "
        "remaining time prediction methods, ACM TIST 10(4)"
    )

    order: Annotated[
        int, Param("Maximum number of last activities in a context.", ge=0, le=30, unit="activities")
    ] = 2
    least: Least = 20

    states_: Keys = field(init=False, repr=False)
    """Ascending keys of the contexts."""
    seconds_: Floats = field(init=False, repr=False)
    """Quantiles of the seconds that remained, (contexts, levels)."""

    def make_encoding(self) -> SequenceEncoding:
        """Whole traces as sequences."""
        return SequenceEncoding()

    def fit(self, data: Sequences) -> None:
        """Sorts what remained by context."""
        rows = learned_rows(data)
        keys = [level[rows] for level in window_keys(data, self.order)]
        self.states_, self.seconds_ = learn_states(keys, remaining_seconds(data)[rows], self.least)

    def quantiles(self, data: Sequences, rows: Codes) -> Floats:
        """Those of the longest known context."""
        keys = [level[rows] for level in window_keys(data, self.order)]
        return look_up(self.states_, self.seconds_, keys)
