"""Ways to go on from a network and from cases that had come the same way: the most typical of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

from pmlcli.algorithms._base import Algorithm
from pmlcli.algorithms._members import member
from pmlcli.algorithms._param import Param
from pmlcli.algorithms._prefix import Rows
from pmlcli.algorithms._suffix import Continuations, SuffixPredictor, blended
from pmlcli.encoding.sequences import Sequences


@dataclass(kw_only=True)
class EnsembleSuffix(SuffixPredictor):
    """Asks the network and the medoid how a case may go on, gives each its share of the weight, and answers
    with the suffix that is most like all of these.
    """

    medoid_share: Annotated[
        float, Param("Weight of the continuations seen in training; the network has the rest.", ge=0, le=1)
    ] = 0.25
    max_epochs: Annotated[int, Param("Most passes of the network over the training part.", ge=1)] = 30
    units: Annotated[int, Param("Width of the network's recurrent layer.", ge=1, le=4096)] = 64
    draws: Annotated[int, Param("Ways to go on that the network draws for each case.", ge=1, le=1000)] = 64

    extra: ClassVar[str | None] = "neural"
    container: ClassVar[str] = "members"
    tolerance: ClassVar[float] = 1e-9
    source: ClassVar[str] = (
        "Kumar and Byrne (2004), Minimum Bayes-risk decoding for statistical machine translation"
    )

    def __post_init__(self) -> None:
        self._members: dict[str, SuffixPredictor] = {
            name: member(self, f"{self.task}/{name}") for name in ("gru", "medoid")
        }

    def asked_algorithms(self) -> dict[str, Algorithm]:
        """The network and the medoid."""
        return dict(self._members)

    def fit(self, data: Sequences) -> None:
        """Trains both."""
        for one in self._members.values():
            one.fit(data)

    def refit(self, data: Sequences, trial: Self) -> None:
        """Trains both on everything, guided by the trial's."""
        for name, one in self._members.items():
            one.refit(data, trial._members[name])

    def continuations(self, data: Sequences, rows: Rows) -> Continuations:
        """Those of both, weighed."""
        parts = [one.continuations(data, rows) for one in self._members.values()]
        return blended(parts, (1 - self.medoid_share, self.medoid_share))
