"""Transition system: the remaining times of cases in the same state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, get_args

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.parameters import Least
from pmlcli.algorithms._learning.validation import latest_rows
from pmlcli.algorithms.remaining_time._quantiles import pinball
from pmlcli.algorithms.remaining_time._rows import learned_rows, remaining_seconds
from pmlcli.algorithms.remaining_time._states import Abstraction, Keys, learn_states, look_up, window_keys
from pmlcli.algorithms.remaining_time._task import RemainingTimePredictor
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.sequences import SequenceEncoding, Sequences


@dataclass(kw_only=True)
class TransitionSystem(RemainingTimePredictor[Sequences]):
    """The state of a case is its last activities: in order, as a multiset or as a set. Every state has the
    quantiles of the remaining times in training. A state that hardly any case was in uses those of the state
    with fewer activities.
    """

    source: ClassVar[str] = (
        "van der Aalst, Schonenberg and Song (2011), Time prediction based on process mining, "
        "Information Systems 36(2)"
    )

    abstraction: Annotated[
        Literal["auto", "sequence", "multiset", "set"],
        Param("How the last activities form the state; auto: what predicts the latest cases best."),
    ] = "auto"
    window: Annotated[int, Param("Maximum number of last activities in a state.", ge=1, le=100)] = 8
    least: Least = 10

    chosen_: str = field(init=False, repr=False)
    states_: Keys = field(init=False, repr=False)
    seconds_: Floats = field(init=False, repr=False)

    def make_encoding(self) -> SequenceEncoding:
        """Whole traces as sequences."""
        return SequenceEncoding()

    def fit(self, data: Sequences) -> None:
        """Chooses the abstraction on the latest cases, and learns its states from all."""
        self.chosen_ = self.abstraction
        if self.abstraction == "auto":
            losses = {kind: self._validated(data, kind) for kind in get_args(Abstraction)}
            self.chosen_ = min(losses, key=lambda kind: losses[kind])
        self._learn(data, learned_rows(data))

    def quantiles(self, data: Sequences, rows: Codes) -> Floats:
        """Those of the finest known state."""
        return look_up(self.states_, self.seconds_, self._keys(data, rows))

    def _validated(self, data: Sequences, kind: str) -> float:
        self.chosen_ = kind
        rows = learned_rows(data)
        is_late = latest_rows(data, rows)
        if is_late.all() or not is_late.any():
            return 0.0
        self._learn(data, rows[~is_late])
        return pinball(self.quantiles(data, rows[is_late]), remaining_seconds(data)[rows[is_late]])

    def _learn(self, data: Sequences, rows: Codes) -> None:
        seconds = remaining_seconds(data)[rows]
        self.states_, self.seconds_ = learn_states(self._keys(data, rows), seconds, self.least)

    def _keys(self, data: Sequences, rows: Codes) -> list[Keys]:
        kind: Abstraction = next(one for one in get_args(Abstraction) if one == self.chosen_)
        return [level[rows] for level in window_keys(data, self.window, kind)]
