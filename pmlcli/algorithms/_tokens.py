"""Facts of prefixes as places in a table found by hashing, and the linear model over them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from pmlcli.encoding.prefix_table import running_counts
from pmlcli.encoding.prefixes import Prefixes
from pmlcli.eventlog.cases import mixed

ORDER = 5
"""Longest run of last activities that is a fact of its own."""
MOST_COUNTED = 3
"""An activity that occurred more often counts as often as this."""
MEMORIES = ("long", "short")
SHORT_MEMORY = 0.125
"""With short memory an event counts half for every such share of the training events that came after it."""

Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]


def tokens(data: Prefixes, bits: int) -> Iterator[Ints]:
    """The place of each fact of each prefix, fact after fact, each (events,) in 0..2**bits - 1."""
    for number, keys in enumerate(_facts(data)):
        own = mixed(np.full(data.n_events, number), np.zeros(data.n_events, dtype=np.int64))
        # A second round of mixing, so that facts which are sums of mixed codes do not cancel out.
        spread = (keys ^ own) * np.uint64(0x9E3779B97F4A7C15)
        yield (spread >> np.uint64(64 - bits)).astype(np.int64)


def _facts(data: Prefixes) -> Iterator[Keys]:
    none = np.zeros(data.n_events, dtype=np.int64)
    runs = none.astype(np.uint64)
    for back in range(ORDER):
        runs = runs + mixed(none + back, np.where(data.position >= back, np.roll(data.activity, back), -1))
        yield runs
        if back == 1:
            two = runs
    last = mixed(none, data.activity)
    for values in (data.resource, *data.categories.T):
        yield mixed(none, values)
        yield last + mixed(none + 1, values)
    yield two + mixed(none + 1, data.resource)
    for values in _binned(data):
        yield mixed(none, values)
        yield last + mixed(none + 1, values)
    seen = np.minimum(running_counts(data.activity, data, data.n_activities), MOST_COUNTED).astype(np.int64)
    for values in seen.T:
        yield mixed(none, values)
    yield last + sum(mixed(none + 1 + place, values > 0) for place, values in enumerate(seen.T))  # type: ignore[misc]
    yield data.prefix_keys(data.activity)


def _binned(data: Prefixes) -> Iterator[Ints]:
    """Position, times and numbers, each in about ten steps; -1 for none."""
    yield np.log2(data.position + 1).astype(np.int64) + np.where(data.position < 8, data.position * 100, 0)
    steps = np.array([20, 20, 8, 7])
    yield from np.rint(data.times * steps).astype(np.int64).T
    signed = np.sign(data.numbers) * np.log1p(np.abs(data.numbers.astype(np.float64)))
    yield from np.where(np.isnan(signed), -1, np.rint(np.nan_to_num(signed) * 4) + 1000).astype(np.int64).T


def memory_weights(data: Prefixes, memory: str) -> NDArray[np.float64]:
    """How much each event counts, 1 on average, (events,): all alike, or those of late cases more."""
    if memory == "long":
        return np.ones(data.n_events)
    rank = np.argsort(np.argsort(data.starts, kind="stable"), kind="stable")
    weights = np.repeat(0.5 ** ((1 - (rank + 1) / data.n_cases) / SHORT_MEMORY), data.lengths)
    return np.asarray(weights / weights.mean())


def fit_weights(
    places: list[Ints],
    truth: Ints,
    weights: NDArray[np.float64],
    shape: tuple[int, int],
    *,
    penalty: float,
    iterations: int,
) -> NDArray[np.float32]:
    """Multinomial logistic regression by L-BFGS: (places + 1, classes), the constant last.

    A class that is never true gets no weight but a constant of -30.
    """
    ones = np.ones(len(places) * len(truth), dtype=np.float64)
    columns = np.column_stack(places).ravel()
    starts = np.arange(len(truth) + 1) * len(places)
    table = sparse.csr_matrix((ones, columns, starts), shape=(len(truth), shape[0]))
    found = np.zeros((shape[0] + 1, shape[1]), dtype=np.float32)
    found[-1] = -30.0
    classes = np.unique(truth)
    if len(classes) < 2:
        found[-1, classes] = 0.0
        return found
    model = LogisticRegression(C=1 / penalty, max_iter=iterations, tol=1e-3)
    with warnings.catch_warnings():
        # Stopping early is meant: more steps fit the training part closer, and what follows it no better.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(table, truth, weights)
    both = np.column_stack([model.coef_, model.intercept_]).T
    if len(classes) == 2:
        both = np.column_stack([-both / 2, both / 2])
    found[:, classes] = both
    return found
