"""Probabilities of outcomes made honest on held-out cases, and how early they tell."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from pmlcli.algorithms._learning.calibration import softmax
from pmlcli.arrays import Codes, Floats
from pmlcli.evaluation.ranking import calibration_error, macro_auc_over

LEAST = 1e-6
"""Probabilities are at least this before their logarithm is taken."""
FOLDS = 5
PRIOR = 1.0
"""How strongly the identity is preferred, in cases."""
FEWEST_CASES = 20
"""With fewer held-out cases nothing is rescaled."""
SHOWN_LENGTHS = (1, 2, 3, 5, 8, 13, 20, 30, 40)
SHOWN_LIMITS = (0.3, 0.5, 0.7, 0.9)


def rescaled(shares: Floats, scale: float, offsets: Floats) -> Floats:
    """Platt scaling of (rows, classes): softmax of scale x log p + offsets."""
    return softmax(scale * np.log(np.maximum(shares, LEAST)) + offsets)


def log_loss(shares: Floats, target: Codes, weights: Floats) -> float:
    """The weighted mean over rows of -log of the share that the true class was given."""
    given = np.maximum(shares[np.arange(len(target)), target], LEAST)
    return float(-np.average(np.log(given), weights=weights))


def fit_scale(shares: Floats, target: Codes, cases: Codes) -> tuple[float, Floats]:
    """Scale and offsets of highest likelihood, each case counting as one; near the identity for few cases.

    Platt (1999), Probabilistic outputs for support vector machines; several classes as in Guo et al. (2017).
    """
    n_classes = shares.shape[1]
    if len(np.unique(cases)) < FEWEST_CASES or len(np.unique(target)) < 2:
        return 1.0, np.zeros(n_classes)
    weights = 1.0 / np.bincount(cases)[cases]
    rows = np.arange(len(target))

    def loss(settings: Floats) -> float:
        found = rescaled(shares, float(np.exp(settings[0])), settings[1:])[rows, target]
        return float(-(weights * np.log(np.maximum(found, LEAST))).sum() + PRIOR * (settings**2).sum())

    best = minimize(loss, np.zeros(1 + n_classes), method="L-BFGS-B").x
    return float(np.exp(best[0])), np.asarray(best[1:])


def held_out_error(shares: Floats, target: Codes, cases: Codes) -> float:
    """Calibration error of the likeliest class, each fold of cases rescaled by what the others say."""
    fold, rescaled_shares = cases % FOLDS, shares.copy()
    for number in range(FOLDS):
        here = fold == number
        scale, offsets = fit_scale(shares[~here], target[~here], cases[~here])
        rescaled_shares[here] = rescaled(shares[here], scale, offsets)
    likeliest = rescaled_shares.argmax(axis=1)
    return calibration_error(likeliest == target, rescaled_shares.max(axis=1, initial=0.0))


def by_prefix_length(shares: Floats, target: Codes, lengths: Codes) -> list[dict[str, Any]]:
    """AUC and number of cases at each of some prefix lengths, as far as there are two classes."""
    found = []
    for length in SHOWN_LENGTHS:
        here = np.flatnonzero(lengths == length)
        value = macro_auc_over(target[here], shares[here], np.arange(len(here)), len(here))(
            np.arange(len(here))
        )
        if np.isfinite(value):
            found.append({"prefix_length": length, "auc": value, "cases": len(here)})
    return found


def earliness(
    probability: Floats, is_positive: NDArray[np.bool_], cases: Codes, lengths: Codes
) -> list[dict[str, Any]]:
    """What warning at the first prefix whose probability reaches a limit would have given, by limit.

    `warned`: share of the positive cases warned of; `right`: share of the warnings that were right;
    `events`: median prefix length at the warning. None without any. Rows, (rows,), in order of events.
    """
    found, firsts = [], np.flatnonzero(np.diff(cases, prepend=-1))
    n_positive = int(is_positive[firsts].sum())
    for limit in SHOWN_LIMITS:
        reached = np.flatnonzero(probability >= limit)
        rows = reached[np.unique(cases[reached], return_index=True)[1]]
        right = is_positive[rows]
        found.append(
            {
                "limit": limit,
                "warned": float(right.sum() / n_positive) if n_positive else None,
                "right": float(right.mean()) if len(rows) else None,
                "events": float(np.median(lengths[rows])) if len(rows) else None,
            }
        )
    return found
