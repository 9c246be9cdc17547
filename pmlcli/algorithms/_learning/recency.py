"""How much late cases count more than early ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.task import Data
from pmlcli.encoding.events.sequences import Sequences

MemoryChoice = Annotated[
    Literal["long", "short", "auto"],
    Param("Whether all samples count alike, or late ones more; auto: what predicts the latest better."),
]
"""The parameter `memory` of every algorithm that may give late cases more weight."""
PARAMETER, LEARNED = "memory", "memory_"
"""Its name, and that of what it came to in the learned state."""
MEMORIES = ("long", "short")
SHORT_MEMORY = 0.125
"""With short memory a case counts half for every such share of the training cases that began after it."""
CLEARLY = 0.95
"""Short memory is clearly better where it errs by less than this share of what the long one does."""


def memories(memory: str) -> tuple[str, ...]:
    """Those to try."""
    return MEMORIES if memory == "auto" else (memory,)


def chosen_memory(errors: Mapping[str, float]) -> str:
    """The short one only where it is clearly better: it learns from fewer cases, and next time may not be."""
    is_short = "long" not in errors or errors.get("short", np.inf) < CLEARLY * errors["long"]
    return "short" if is_short else "long"


def late_weights(n: int) -> NDArray[np.float64]:
    """How much the first to begin of so many counts, the second, ..., with short memory, (n,)."""
    return np.asarray(0.5 ** ((1 - np.arange(1, n + 1) / n) / SHORT_MEMORY))


def fit_in_turn(members: Iterable[Algorithm[Data]], data: Data, memory: str = "auto") -> None:
    """Trains each; the first that finds whether late cases count more tells the others that would look.

    Which members look is what they declare: those that have the parameter, and learn what it came to.
    """
    for one in members:
        if PARAMETER in one.parameters():
            one.set_parameters({PARAMETER: memory})
        one.fit(data)
        memory = str(one.state().get(LEARNED, memory))


def memory_weights(data: Sequences, memory: str) -> NDArray[np.float64]:
    """How much each event counts, 1 on average, (events,): all alike, or those of late cases more."""
    if memory == "long":
        return np.ones(data.n_events)
    rank = np.argsort(np.argsort(data.starts, kind="stable"), kind="stable")
    weights = np.repeat(late_weights(data.n_cases)[rank], data.lengths)
    return np.asarray(weights / weights.mean())
