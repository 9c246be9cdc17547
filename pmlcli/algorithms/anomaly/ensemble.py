"""Ensemble: cases that detectors of several kinds, or one of them very clearly, find odd."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.members import joined_state, members, own_state, restore_members
from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms.anomaly._agreement import joint_surprise, tail_p_values, weighed
from pmlcli.algorithms.anomaly._task import AnomalyDetector
from pmlcli.encoding.base import Encoding
from pmlcli.encoding.bundle import Bundle, BundleEncoding
from pmlcli.evaluation.conformal import held_out
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.split import Split

Scores = NDArray[np.float64]


@dataclass(kw_only=True)
class EnsembleDetector(AnomalyDetector):
    """Asks several detectors. The score is the weighted mean of -log of the shares of held-out cases that
    each finds at least as odd. The more of its oddest tenth one shares with the others, the more it weighs;
    `likelihood` counts three times. One that needs what the log lacks is left out. It pays where oddities
    are of several kinds; where all lie in steps and values, `likelihood` alone finds more.
    """

    members: Annotated[tuple[str, ...], Param("Detectors to ask.")] = (
        "likelihood", "temporal-profile", "resource"
    )  # fmt: skip

    source: ClassVar[str] = "Good: On the weighted combination of significance tests. JRSS B 17 (1955)"

    scales_: dict[str, Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._members = members(self, self.members)

    def make_encoding(self) -> Encoding[Any]:
        """What each member takes."""
        return BundleEncoding({name: one.make_encoding() for name, one in self._members.items()})

    def fit(self, data: Bundle) -> None:
        """Trains the members, and weighs them by what they agree on."""
        for name, part in data.parts.items():
            self._members[name].fit(part)
        self._weigh(data)

    def refit(self, data: Bundle, trial: Self) -> None:
        """Trains the members on everything; their scales are those of the trial's held-out cases."""
        for name, part in data.parts.items():
            self._members[name].refit(part, trial._members[name])
        self._weigh(data)
        self.scales_ |= trial.scales_

    def _weigh(self, data: Bundle) -> None:
        self.asked_ = list(data.parts)
        scores, leads = self._scores(data), [self.task.recommended.endswith(name) for name in self.asked_]
        self.weights_, self.scales_ = weighed(scores, leads).tolist(), self._scaled(scores)

    def _scaled(self, scores: Scores) -> dict[str, Any]:
        return {name: held_out(one) for name, one in zip(self.asked_, scores.T, strict=True)}

    def calibrate(self, encoding: Encoding[Any], split: Split, log: EventLog) -> dict[str, Any]:
        """The members' scores of cases that they were not trained on, and then the ensemble's."""
        self.scales_ = self._scaled(self._scores(encoding.transform(split.test)))
        return super().calibrate(encoding, split, log)

    def score(self, data: Bundle) -> Scores:
        """Weighted mean of -log of the shares of held-out cases at least as odd, (cases,)."""
        return joint_surprise(self._p_values(data), np.array(self.weights_))

    def reasons(self, data: Bundle, flagged: NDArray[np.int64]) -> list[str]:
        """What the member says that adds most to the score."""
        oddest = (np.log(self._p_values(data)[flagged]) * np.array(self.weights_)).argmin(axis=1)
        told = np.full(len(flagged), "", dtype=object)
        for place, name in enumerate(self.asked_):
            mine = np.flatnonzero(oddest == place)
            told[mine] = list(self._members[name].reasons(data.parts[name], flagged[mine]))
        return [str(text) for text in told]

    def _scores(self, data: Bundle) -> Scores:
        return np.column_stack([self._members[name].score(data.parts[name]) for name in self.asked_])

    def _p_values(self, data: Bundle) -> Scores:
        columns = zip(self.asked_, self._scores(data).T, strict=True)
        return np.column_stack([tail_p_values(self.scales_[name], scores) for name, scores in columns])

    def state(self) -> dict[str, Any]:
        """Its own, and that of each member."""
        return joined_state(super().state(), {name: self._members[name] for name in self.asked_})

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        super().restore(own_state(state))
        restore_members(state, {name: self._members[name] for name in self.asked_})
