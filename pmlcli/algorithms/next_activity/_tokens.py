"""Facts of prefixes as places in a table found by hashing, and the linear model over them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pmlcli.arrays import Codes
from pmlcli.encoding.events.prefixes import Prefixes
from pmlcli.encoding.events.table import running_counts
from pmlcli.eventlog.cases import mixed

ORDER = 5
"""Longest run of last activities that is a fact of its own."""
MOST_COUNTED = 3
"""An activity that occurred more often counts as often as this."""
BATCH = 256
"""Prefixes a step at most."""
FEWEST_STEPS = 50
"""Steps a pass at least, where prefixes are few."""
FIRST_SQUARE = 0.01
"""What the squared slopes of each weight are summed from, so that its first step is no leap."""

Keys = NDArray[np.uint64]


def tokens(data: Prefixes, bits: int) -> Iterator[Codes]:
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


def _binned(data: Prefixes) -> Iterator[Codes]:
    """Position, times and numbers, each in about ten steps; -1 for none."""
    yield np.log2(data.position + 1).astype(np.int64) + np.where(data.position < 8, data.position * 100, 0)
    steps = np.array([20, 20, 8, 7])
    yield from np.rint(data.times * steps).astype(np.int64).T
    signed = np.sign(data.numbers) * np.log1p(np.abs(data.numbers.astype(np.float64)))
    yield from np.where(np.isnan(signed), -1, np.rint(np.nan_to_num(signed) * 4) + 1000).astype(np.int64).T


class Steps(NamedTuple):
    """Passes over the prefixes, size of the first steps, and the seed of the order."""

    epochs: int
    rate: float
    seed: int


def fit_weights(
    places: list[Codes], truth: Codes, weights: NDArray[np.float64], shape: tuple[int, int], how: Steps
) -> NDArray[np.float32]:
    """Multinomial logistic regression, (places + 1, classes), the constant last: passes in random order,
    each weight with steps of its own (Adagrad), which fall to nothing by the end.

    A class that is never true gets no weight but a constant of -30.
    """
    found = np.zeros((shape[0] + 1, shape[1]), dtype=np.float32)
    found[-1] = -30.0
    classes, truth = np.unique(truth, return_inverse=True)
    if len(classes) == 0:
        return found
    facts = np.column_stack([*places, np.full(len(truth), shape[0])]).astype(np.int32)
    own = np.zeros((shape[0] + 1, len(classes)), dtype=np.float32)
    squares = np.full_like(own, FIRST_SQUARE)
    batches = _batches(len(truth), how)
    for step, some in enumerate(batches):
        used, slope = _slope(facts[some], truth[some], weights[some].astype(np.float32), own)
        squares[used] += slope**2
        own[used] -= how.rate * (1 - step / len(batches)) * slope / np.sqrt(squares[used])
    found[:, classes] = own
    return found


def _batches(n_rows: int, how: Steps) -> list[Codes]:
    rng = np.random.Generator(np.random.PCG64(how.seed))
    order = np.concatenate([rng.permutation(n_rows) for _epoch in range(how.epochs)])
    size = min(BATCH, -(-n_rows // FEWEST_STEPS))
    return np.split(order, np.arange(size, len(order), size))


def _slope(
    facts: NDArray[np.int32], truth: Codes, weights: NDArray[np.float32], own: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The places that these prefixes use, and the slope of the loss at the weights there."""
    used, at = np.unique(facts, return_inverse=True)
    ones, starts = np.ones(facts.size, dtype=np.float32), np.arange(len(facts) + 1) * facts.shape[1]
    table = sparse.csr_matrix((ones, at.ravel(), starts), shape=(len(facts), len(used)))
    error = table @ own[used]
    error = np.exp(error - error.max(axis=1, keepdims=True))
    error /= error.sum(axis=1, keepdims=True)
    error[np.arange(len(truth)), truth] -= 1
    return used, np.asarray(table.T @ (error * weights[:, None]), dtype=np.float32)
