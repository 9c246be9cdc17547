"""Ways to choose among possible suffixes, judged on cases that no one learned from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._learning.choice import Candidate, LateCases
from pmlcli.algorithms.suffix._continuations import (
    Continuations,
    alike,
    blended,
    case_means,
    medoids,
    suffix_texts,
)
from pmlcli.arrays import Codes
from pmlcli.encoding.events.prefixes import Prefixes
from pmlcli.encoding.events.sequences import Sequences
from pmlcli.evaluation.measurement import mean_over

NETWORK, MEDOID = "gru", "medoid"
SHARES = (0.25, 0.5, 0.75)
"""Shares of the medoid that are tried where both are asked."""


class Setting(NamedTuple):
    """The share of the second member's weight, and whether long cases weigh less; see `medoids`."""

    share: float
    is_by_case: bool


def similarities(
    late: Sequences, parts: Sequence[Continuations], share: float
) -> Iterator[tuple[Setting, NDArray[np.float64]]]:
    """How like the suffixes of these cases the answers for all prefixes are, (cases,), with both ways to
    weigh long cases; `parts`: how the members think they go on, of which one alone may be asked.
    """
    true, so_far = suffix_texts(late), late.position + 1
    possible = parts[0] if len(parts) == 1 else blended(parts, (1 - share, share))
    for is_by_case, lengths in ((False, None), (True, so_far)):
        found = alike(medoids(possible, lengths).texts, true)
        yield Setting(share, is_by_case), case_means(found, late.case_of_event)


def shares_to_try(given: float | None, *, both: bool) -> tuple[float, ...]:
    """The medoid's: the one that is given, else those where both are asked, and each alone but for `both`."""
    if given is not None:
        return (float(given),)
    return SHARES if both else (1.0, 0.0, *SHARES)


def rounds_of_shares(
    members: Mapping[str, Any], data: Prefixes, parts: tuple[Codes, Codes], shares: Sequence[float], seed: int
) -> Iterator[list[Candidate]]:
    """The medoid alone if it is tried so, and after it what asks the network; `shares` are the medoid's.

    `parts`: the cases to learn from, and those to judge on, in order of start.
    """
    early, late = data.take(parts[0]), data.take(parts[1])
    cases, rows = LateCases(late.n_cases, seed), np.arange(late.n_events)
    said: dict[str, Continuations] = {}

    def tried(names: tuple[str, ...], share: float) -> list[Candidate]:
        found = similarities(late, [said[name] for name in names], share)
        ones = np.ones(late.n_cases)
        return [Candidate(names, cases.losses(mean_over(1.0 - means, ones)), how) for how, means in found]

    if any(shares):
        members[MEDOID].fit(early)
        said[MEDOID] = members[MEDOID].continuations(late, rows)
    if 1.0 in shares:
        yield tried((MEDOID,), 1.0)
    if min(shares) < 1:
        members[NETWORK].fit_held_out(data)
        said[NETWORK] = members[NETWORK].continuations(late, rows)
        both = [one for share in shares if 0 < share < 1 for one in tried((NETWORK, MEDOID), share)]
        yield [*(tried((NETWORK,), 0.0) if 0.0 in shares else ()), *both]
