"""How much each of several predictors should count, found on held-out cases."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._calibration import softmax
from pmlcli.algorithms._outcome_scales import LEAST, fit_scale
from pmlcli.evaluation.ranking import macro_auc_over

STEPS = 4
"""Mixtures are tried in steps of a quarter."""
AVERAGED = 0.25
"""So many of the mixtures tried, those that rank best, are averaged: few cases would not tell them apart."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Mixture(NamedTuple):
    """Of each member, (members,), how much it counts and how far its log-odds are stretched, and by class,
    (members, classes), what is added to them.
    """

    weights: Floats
    scales: Floats
    offsets: Floats

    def mixed(self, shares: list[Floats]) -> Floats:
        """One (rows, classes) from each member's: the weighted mean of the logarithms, member by member."""
        total = np.zeros_like(shares[0])
        for weight, scale, offset, one in zip(self.weights, self.scales, self.offsets, shares, strict=True):
            total += weight * (scale * np.log(np.maximum(one, LEAST)) + offset)
        return softmax(total)


def find_mixture(shares: list[Floats], target: Ints, cases: Ints) -> Mixture:
    """The mixture that ranks held-out prefixes best: shares by member, classes and cases, (rows,).

    Equal weights where nothing can be ranked.
    """
    fitted = [fit_scale(one, target, cases) for one in shares]
    scales, offsets = np.array([scale for scale, _ in fitted]), np.stack([offset for _, offset in fitted])
    equal = np.full(len(shares), 1 / len(shares))
    tried = [np.array(some) / STEPS for some in product(range(STEPS + 1), repeat=len(shares))]
    tried = [weights for weights in tried if weights.sum() == 1]
    rows = np.arange(len(target))
    found = [Mixture(weights, scales, offsets).mixed(shares) for weights in tried]
    ranked = np.array([macro_auc_over(target, one, rows, len(rows))(rows) for one in found])
    if not np.isfinite(ranked).all():
        return Mixture(equal, scales, offsets)
    best = np.argsort(-ranked, kind="stable")[: max(round(AVERAGED * len(tried)), 1)]
    return Mixture(np.mean([tried[place] for place in best], axis=0), scales, offsets)
