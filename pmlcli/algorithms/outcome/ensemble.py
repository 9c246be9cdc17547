"""Ensemble: what several predictors of the outcome say together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._base import Algorithm, clone
from pmlcli.algorithms._members import members
from pmlcli.algorithms._outcome import OutcomePredictor
from pmlcli.algorithms._outcome_mixture import Mixture, find_mixture
from pmlcli.algorithms._outcome_rows import held_out_parts, lessons
from pmlcli.algorithms._param import Param
from pmlcli.encoding.outcome import OutcomePrefixes

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(kw_only=True)
class OutcomeEnsemble(OutcomePredictor):
    """Mixes the log-odds of its members. How much each counts, and how far its odds are to be believed, is
    found on held-out cases; mixtures that rank nearly as well as the best are averaged.
    """

    source: ClassVar[str] = "Caruana et al. (2004), Ensemble selection from libraries of models, ICML"
    extra: ClassVar[str | None] = "neural"
    container: ClassVar[str] = "members"
    tolerance: ClassVar[float] = 1e-9

    members: Annotated[tuple[str, ...], Param("Predictors to ask.")] = ("logistic", "boosting", "gru")
    trees: Annotated[int, Param("Most trees of `boosting`.", ge=1, le=10_000)] = 300
    max_epochs: Annotated[int, Param("Most passes of `gru` over the training part.", ge=1)] = 30

    weights_: Floats = field(init=False, repr=False)
    """How much each member counts, (members,); scales and offsets as in `Mixture`."""
    scales_: Floats = field(init=False, repr=False)
    offsets_: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._members: dict[str, OutcomePredictor] = members(self, self.members)

    def asked_algorithms(self) -> dict[str, Algorithm]:
        """The members."""
        return dict(self._members)

    def fit(self, data: OutcomePrefixes) -> None:
        """Finds the mixture on cases that copies of the members were not trained on, then trains them."""
        self.weights_, self.scales_, self.offsets_ = self._mixture(data)
        for one in self._members.values():
            one.fit(data)

    def refit(self, data: OutcomePrefixes, trial: Self) -> None:
        """Trains the members on everything; the mixture is the trial's, unless it knew fewer outcomes."""
        known = trial.offsets_.shape[1] == data.n_classes
        self.weights_, self.scales_ = trial.weights_, trial.scales_
        self.offsets_ = trial.offsets_ if known else np.zeros((len(self.members), data.n_classes))
        for name, one in self._members.items():
            one.refit(data, trial._members[name])

    def _mixture(self, data: OutcomePrefixes) -> Mixture:
        taught = lessons(data)
        shares: list[list[Floats]] = [[np.zeros((0, data.n_classes))] for _ in self._members]
        rows = [np.zeros(0, dtype=np.int64)]
        for is_held_out in held_out_parts(data, taught):
            of_part = np.unique(taught.cases[is_held_out])
            early, late = (data.take(c) for c in (np.setdiff1d(np.arange(data.n_cases), of_part), of_part))
            for found, one in zip(shares, self._members.values(), strict=True):
                copy = cast(OutcomePredictor, clone(one))
                copy.fit(early)
                found.append(copy.probabilities(late, np.flatnonzero(late.is_counted)))
            events, _offsets = data.rows_of(of_part)
            rows.append(events[data.is_counted[events]])
        held_out = np.concatenate(rows)
        of_row = data.case_of_event[held_out]
        return find_mixture([np.concatenate(found) for found in shares], data.target[of_row], of_row)

    def probabilities(self, data: OutcomePrefixes, rows: Rows) -> Floats:
        """The mixture of what the members say."""
        mixture = Mixture(self.weights_, self.scales_, self.offsets_)
        return mixture.mixed([one.probabilities(data, rows) for one in self._members.values()])
