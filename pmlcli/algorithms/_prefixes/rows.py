"""Which prefixes are asked for, what a measurement says of its split, and which prefixes hold the unseen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.unseen import never_seen, unseen_events
from pmlcli.algorithms._prefixes.request import OwnRequest, PrefixData, PrefixRequest, Requested
from pmlcli.arrays import Codes
from pmlcli.encoding.events.sequences import Sequences
from pmlcli.eventlog.split import Split, seen_share

Table = TypeVar("Table", bound=NamedTuple)
"""What a task predicts for prefixes of a test part: `cases`, which case each is of, `about`, and more."""

STALLED = "is_stalled"
"""The column that says which running cases have been silent for unusually long."""


def asks_of_running(request: PrefixRequest) -> bool:
    """Whether only running cases are asked for, as they stand at one moment."""
    return request.cases == "running" and not request.every_prefix


def evenly(rows: Codes, most: int) -> Codes:
    """So many of these rows at most, evenly chosen."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.int64))]


def joined(names: Sequence[str], separator: str) -> str:
    """Names with the separator between them; one that holds it itself stands in double quotes."""
    return separator.join(
        '"' + name.replace('"', '""') + '"' if separator in f" {name} " else name for name in names
    )


def chosen_prefixes(data: Sequences, request: PrefixRequest) -> NDArray[np.bool_]:
    """Which events end a prefix that is asked for: all with `every_prefix`, else the last of the cases."""
    if request.every_prefix:
        return np.ones(data.n_events, dtype=np.bool_)
    chosen = np.zeros(data.n_events, dtype=np.bool_)
    chosen[data.offsets[1:] - 1] = data.is_running if request.cases == "running" else True
    return chosen


def about_split(split: Split) -> str:
    """What a measurement on the test part should say of it."""
    kind = "" if split.since is None else "what happened in the last period; "
    return f"{kind}{seen_share(split):.0%} of the last cut's prefixes also begin a training case"


def pooled(cuts: Sequence[Table], of_rows: Sequence[str]) -> Table:
    """The tables of several cuts as one: their fields `of_rows`, arrays (rows, ...), one after the other.

    A case counts anew in each cut, so `cases` are numbered on. All else is as the last cut has it.
    """
    if len(cuts) == 1:
        return cuts[0]
    columns = [cut._asdict() for cut in cuts]
    begin = 0
    for column in columns:
        column["cases"] = column["cases"] + begin
        begin = int(column["cases"].max(initial=begin - 1)) + 1
    rows = {name: np.concatenate([column[name] for column in columns]) for name in ("cases", *of_rows)}
    return cuts[-1]._replace(**rows, about=f"{len(cuts)} cuts of the log; {columns[-1]['about']}")


def unseen_prefixes(requested: Requested[PrefixData, OwnRequest]) -> NDArray[np.bool_]:
    """Which prefixes hold an activity or resource that training never saw; LogError when that is to fail."""
    data, is_unseen = requested.data, unseen_events(requested.encoding, requested.log)
    so_far = np.cumsum(is_unseen)
    before = np.concatenate(([0], so_far))[data.offsets[:-1]]
    found = np.asarray((so_far - np.repeat(before, data.lengths))[requested.rows] > 0)
    if requested.request.unseen == "fail" and found.any():
        first = data.offsets[requested.cases[int(np.argmax(found))]]
        told = f"{int(found.sum()):,} of {len(found):,} prefixes hold what training never saw"
        raise never_seen(requested.encoding, requested.log, int(first + np.argmax(is_unseen[first:])), told)
    return found
