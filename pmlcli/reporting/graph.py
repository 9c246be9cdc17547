"""What leads to what in a log, and which of its arrows a map shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.arrays import Codes
from pmlcli.eventlog.waits import medians, pairs
from pmlcli.reporting.story import Story

ODD_SHARE = 0.3
"""An arrow is odd where more than this share of its events is flagged."""
MOST_NODES, MOST_ODD = 40, 8


class Arrow(NamedTuple):
    """From node to node: how often, the median wait in seconds, and the share of flagged events at its end.

    Nodes are 0 (start), 1 (end) and 2 + the code of an activity.
    """

    source: int
    target: int
    times: int
    wait: float | None
    odd: float

    @property
    def is_odd(self) -> bool:
        """Whether much of what it leads to is flagged."""
        return self.odd > ODD_SHARE


START, END, FIRST = 0, 1, 2


@dataclass(frozen=True)
class Graph:
    """The whole of a log's arrows, the commonest first, and how many events each activity has."""

    arrows: tuple[Arrow, ...]
    counts: NDArray[np.int64]


def graph_of(story: Story) -> Graph:
    """All arrows of a log; those to the end only of cases that have ended."""
    log = story.log
    found = pairs(log)
    codes = log.activity_codes.astype(np.int64) + FIRST
    firsts, lasts = log.offsets[:-1], log.offsets[1:][~story.running] - 1
    source = np.concatenate((codes[found.first], np.full(len(firsts), START), codes[lasts]))
    target = np.concatenate((codes[found.second], codes[firsts], np.full(len(lasts), END)))
    waits = np.full(len(source), np.nan)
    if found.waits is not None:
        waits[: len(found.waits)] = found.waits
    odd = np.zeros(len(source))
    if story.odd_events is not None:
        odd[: len(found.second)] = story.odd_events[found.second]
        odd[len(found.second) : len(found.second) + len(firsts)] = story.odd_events[firsts]
    arrows = _arrows(source, target, waits, odd)
    return Graph(arrows, np.bincount(codes, minlength=len(log.activities) + FIRST))


def _arrows(
    source: Codes, target: Codes, waits: NDArray[np.float64], odd: NDArray[np.float64]
) -> tuple[Arrow, ...]:
    size = int(max(source.max(), target.max())) + 1
    keys = source * size + target
    kinds, counts = np.unique(keys, return_counts=True)
    half = medians(keys, waits).tolist()
    share = pd.Series(odd).groupby(keys).mean().tolist()
    rows = [
        Arrow(key // size, key % size, n, None if np.isnan(wait) else wait, flagged)
        for key, n, wait, flagged in zip(kinds.tolist(), counts.tolist(), half, share, strict=True)
    ]
    return tuple(sorted(rows, key=lambda one: (-one.times, one.source, one.target)))


def shown(graph: Graph, paths: float) -> tuple[Arrow, ...]:
    """The arrows that a map shows: the commonest until they are so large a share of all, the strongest way
    into and out of each activity that is shown, and those that are odd.
    """
    nodes = _nodes(graph)
    among = [one for one in graph.arrows if {one.source, one.target} <= nodes]
    total = sum(one.times for one in among)
    kept: set[Arrow] = set()
    covered = 0
    for one in among:
        if covered >= paths * total:
            break
        kept.add(one)
        covered += one.times
    for side in ("source", "target"):
        strongest: dict[int, Arrow] = {}
        for one in among:
            if one.source != one.target:
                strongest.setdefault(getattr(one, side), one)
        kept |= {one for node, one in strongest.items() if node in nodes - {START, END}}
    kept |= set([one for one in among if one.is_odd][:MOST_ODD])
    return tuple(one for one in among if one in kept)


def _nodes(graph: Graph) -> set[int]:
    """Start, end, the commonest activities, and those that odd arrows lead to."""
    order = np.argsort(-graph.counts, kind="stable")
    commonest = [int(one) for one in order if graph.counts[one]][:MOST_NODES]
    odd = [one for one in graph.arrows if one.is_odd][:MOST_ODD]
    return {START, END, *commonest, *(node for one in odd for node in (one.source, one.target))}
