"""How much late cases count more than early ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pmlcli import runtime
from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.encoding.events.sequences import Sequences

PARAMETER, LEARNED = "recency", "recency_"
"""Its name, and that of what it came to in the learned state."""
RECENCIES = ("off", "on")
RECENCY_HALF_LIFE = 0.125
"""Weighted, a case counts half for every such share of the training cases that began after it."""
CLEARLY = 0.95
"""Recency weighting is clearly better where it errs by less than this share of what equal weights do."""


def recencies(recency: str) -> tuple[str, ...]:
    """The values of the parameter `recency` to try."""
    return RECENCIES if recency == "auto" else (recency,)


def tried_in_time(wanted: Sequence[str]) -> Iterator[str]:
    """These values of `recency`, as long as there is time to try them."""
    return runtime.in_time(wanted, lambda done: f"recency={' and '.join(wanted[done:])} not tried")


def chosen_recency(errors: Mapping[str, float]) -> str:
    """On only where it is clearly better: it learns from fewer cases, and next time may not be."""
    is_better = "off" not in errors or errors.get("on", np.inf) < CLEARLY * errors["off"]
    return "on" if is_better else "off"


def late_weights(n: int) -> NDArray[np.float64]:
    """How much the first to begin of so many counts, the second, ..., with recency weighting, (n,)."""
    return np.asarray(0.5 ** ((1 - np.arange(1, n + 1) / n) / RECENCY_HALF_LIFE))


class Turns:
    """Members learn one after another; the first that finds whether late cases count more tells the others
    that would look. Which members look is what they declare: those that have the parameter, and learn what it
    came to.
    """

    def __init__(self, recency: str = "auto") -> None:
        self._recency = recency

    def take(self, one: Algorithm[Any], learn: Callable[[], None]) -> None:
        """Has a member learn."""
        if PARAMETER in one.parameters():
            one.set_parameters({PARAMETER: self._recency})
        learn()
        self._recency = str(one.state().get(LEARNED, self._recency))


def recency_weights(data: Sequences, recency: str) -> NDArray[np.float64]:
    """How much each event counts, 1 on average, (events,): all alike, or those of late cases more."""
    if recency == "off":
        return np.ones(data.n_events)
    rank = np.argsort(np.argsort(data.starts, kind="stable"), kind="stable")
    weights = np.repeat(late_weights(data.n_cases)[rank], data.lengths)
    return np.asarray(weights / weights.mean())
