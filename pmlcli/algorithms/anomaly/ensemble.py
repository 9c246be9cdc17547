"""Ensemble: combines the p-values of several kinds of detectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from pmlcli import runtime
from pmlcli.algorithms._interface.members import joined_state, own_state, restore_members
from pmlcli.algorithms._interface.parameters import MemberNames
from pmlcli.algorithms._learning.choice import by_cost, listed
from pmlcli.algorithms.anomaly._agreement import Weighing, case_scores, weighed
from pmlcli.algorithms.anomaly._judgement import CaseJudgement, Judgement
from pmlcli.algorithms.anomaly._task import AnomalyDetector
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.bundle import Bundle, BundleEncoding
from pmlcli.evaluation.conformal import held_out


@dataclass(kw_only=True)
class EnsembleDetector(AnomalyDetector[Bundle]):
    """The score is the weighted mean of -log of the p-values that the detectors give a case on held-out
    cases. A detector weighs more the more of its most anomalous tenth it shares with the others; `likelihood`
    counts three times. A detector that needs what the log lacks is left out. Use it for anomalies of several
    kinds; if all are in steps and values, `likelihood` alone finds more.
    """

    members: MemberNames = ("likelihood", "temporal-profile", "resource")

    can_stop_early: ClassVar[bool] = True
    source: ClassVar[str] = "Good: On the weighted combination of significance tests. JRSS B 17 (1955)"

    scales_: dict[str, Any] = field(init=False, repr=False)
    _left_out: tuple[str, ...] = field(init=False, repr=False, default=())  # there was no time for them
    _weighed_by: tuple[Bundle, Floats] | None = field(init=False, repr=False, compare=False, default=None)

    def member_names(self) -> tuple[str, ...]:
        """The detectors to ask."""
        return self.members

    def make_encoding(self) -> BundleEncoding:
        """What each member takes."""
        return BundleEncoding({name: one.make_encoding() for name, one in self.parts.items()})

    def fit(self, data: Bundle) -> None:
        """Trains the members, cheapest first, and weighs them by what they agree on."""
        names = by_cost({name: self.parts[name].container for name in data.parts})
        for name in runtime.in_time(names, lambda done: f"{listed(names[done:])} left out"):
            self.parts[name].fit(data.parts[name])
            self._left_out = names[names.index(name) + 1 :]
        self._weigh(data)

    def refit(self, data: Bundle, trial: Self) -> None:
        """Trains the members on everything; their scales are those of the trial's held-out cases."""
        self._left_out = trial._left_out
        for name, part in data.parts.items():
            if name not in self._left_out:
                self.parts[name].refit(part, trial.parts[name])
        self._weigh(data)
        self.scales_ |= trial.scales_

    def _weigh(self, data: Bundle) -> None:
        self.asked_ = [name for name in data.parts if name not in self._left_out]
        scores = case_scores(self._judged(data))
        leads = [self.task.recommended.endswith(name) for name in self.asked_]
        self.weights_, self.scales_ = weighed(scores, leads).tolist(), self._scaled(scores)
        self._weighed_by = (data, scores)

    def _scaled(self, scores: Floats) -> dict[str, Any]:
        return {name: held_out(one) for name, one in zip(self.asked_, scores.T, strict=True)}

    def held_out_scores(self, parts: Iterable[Bundle]) -> Mapping[str, Floats]:
        """The ensemble's, on scales made of the members' own scores of these cases."""
        scores = np.concatenate([case_scores(self._judged(data)) for data in parts])
        self.scales_ = self._scaled(scores)
        return {"case": self._weighing.joint(scores)}

    def judge(self, data: Bundle) -> CaseJudgement:
        """Each member judges once."""
        return self._weighing.judgement(self._judged(data))

    def score(self, data: Bundle) -> Floats:
        """Weighted mean of -log of the shares of held-out cases at least as odd, (cases,)."""
        return self.judge(data).cases

    def reasons(self, data: Bundle, flagged: Codes) -> Sequence[str]:
        """What the member says that adds most to the score."""
        return self.judge(data).reasons(flagged)

    def training_scores(self, data: Bundle) -> Floats:
        """As of any case; the scores by which the members were weighed are not made twice."""
        kept, self._weighed_by = self._weighed_by, None
        return self._weighing.joint(kept[1]) if kept is not None and kept[0] is data else self.score(data)

    @property
    def _weighing(self) -> Weighing:
        return Weighing([self.scales_[name] for name in self.asked_], np.array(self.weights_))

    def _judged(self, data: Bundle) -> list[Judgement]:
        self._weighed_by = None
        return [self.parts[name].judge(data.parts[name]) for name in self.asked_]

    def state(self) -> dict[str, Any]:
        """Its own, and that of each member."""
        return joined_state(super().state(), {name: self.parts[name] for name in self.asked_})

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        super().restore(own_state(state))
        restore_members(state, {name: self.parts[name] for name in self.asked_})
