"""How an ensemble of suffix predictors chooses, found on cases that none of them learned from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pmlcli.algorithms.suffix._continuations import (
    Continuations,
    alike,
    blended,
    case_means,
    medoids,
    suffix_texts,
)
from pmlcli.encoding.events.sequences import Sequences


class Choice(NamedTuple):
    """The share of the second member's weight, and whether long cases weigh less; see `medoids`."""

    share: float
    is_by_case: bool


def best_choice(late: Sequences, parts: Sequence[Continuations], shares: Sequence[float]) -> Choice:
    """What makes the answers for all prefixes of these cases most like their suffixes, each case counting
    alike; `parts`: how both members think they go on. A draw goes to the share that stands first.
    """
    true, so_far = suffix_texts(late), late.position + 1
    tried: dict[Choice, float] = {}
    for share in shares:
        possible = blended(parts, (1 - share, share))
        for choice, lengths in ((Choice(share, False), None), (Choice(share, True), so_far)):
            found = alike(medoids(possible, lengths).texts, true)
            tried[choice] = round(float(case_means(found, late.case_of_event).sum()), 9)
    return max(tried, key=lambda choice: tried[choice])
