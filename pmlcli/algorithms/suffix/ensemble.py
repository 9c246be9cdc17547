"""Ways to go on from a network and from cases that had come the same way: the most typical of all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Self

import numpy as np

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.parameters import DrawCount, HiddenSize, MaxEpochs
from pmlcli.algorithms._learning.validation import latest_rows
from pmlcli.algorithms._prefixes.request import Rows
from pmlcli.algorithms.suffix._choice import best_choice
from pmlcli.algorithms.suffix._continuations import Continuations, blended, even_cases
from pmlcli.algorithms.suffix._task import SuffixPredictor
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes

MEMBERS = ("gru", "medoid")
SHARES = (0.25, 0.5, 0.0, 0.75, 1.0)
LOOKED_AT = 600
"""The ways to choose are tried on about so many prefixes."""


@dataclass(kw_only=True)
class EnsembleSuffix(SuffixPredictor[Prefixes]):
    """Asks the network and the medoid how a case may go on, gives each its share of the weight, and answers
    with the suffix that is most like all of these.
    """

    medoid_share: Annotated[
        float | None,
        Param(
            "Weight of the continuations seen in training, the network has the rest; none: what is best for "
            "the latest training cases.",
            ge=0,
            le=1,
        ),
    ] = None
    max_epochs: MaxEpochs = 30
    hidden_size: HiddenSize = 64
    draws: DrawCount = 32

    extra: ClassVar[str | None] = "neural"
    container: ClassVar[str] = "members"
    tolerance: ClassVar[float] = 1e-9
    source: ClassVar[str] = (
        "Kumar and Byrne (2004), Minimum Bayes-risk decoding for statistical machine translation"
    )

    medoid_share_: float = field(init=False, repr=False)
    by_case_: bool = field(init=False, repr=False)

    def make_encoding(self) -> PrefixEncoding:
        """What the network reads; the medoid looks at the activities alone."""
        return PrefixEncoding()

    def member_names(self) -> tuple[str, ...]:
        """The network and the medoid."""
        return MEMBERS

    def fit(self, data: Prefixes) -> None:
        """Finds on the latest cases how to choose, from what the others taught; then trains both on all."""
        gru, medoid = self.parts.values()
        gru.fit_held_out(data)
        is_late = latest_rows(data, data.offsets[:-1])
        medoid.fit(data.take(np.flatnonzero(~is_late)))
        self._settle(data.take(np.flatnonzero(is_late & ~data.is_running)))
        self.refit(data, self)

    def refit(self, data: Prefixes, trial: Self) -> None:
        """Trains both on everything, guided by the trial's."""
        self.medoid_share_, self.by_case_ = trial.medoid_share_, trial.by_case_
        for name, one in self.parts.items():
            one.refit(data, trial.parts[name])

    def continuations(self, data: Prefixes, rows: Rows) -> Continuations:
        """Those of both, weighed."""
        shares = (1 - self.medoid_share_, self.medoid_share_)
        asked = [one for one, share in zip(self.parts.values(), shares, strict=True) if share > 0]
        parts: list[Continuations] = [one.continuations(data, rows) for one in asked]
        return parts[0] if len(parts) == 1 else blended(parts, shares)

    def is_by_case(self) -> bool:
        """As it was better for the latest cases."""
        return self.by_case_

    def _settle(self, late: Prefixes) -> None:
        late = late.take(np.flatnonzero(even_cases(late.lengths, LOOKED_AT)))
        parts = [one.continuations(late, np.arange(late.n_events)) for one in self.parts.values()]
        shares = SHARES if self.medoid_share is None else (self.medoid_share,)
        self.medoid_share_, self.by_case_ = best_choice(late, parts, shares)
