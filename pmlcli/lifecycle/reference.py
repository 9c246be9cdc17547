"""What a training log was like, as counts and quantiles alone: what drift is measured against later.

Values of fewer than five cases are pooled, and every list is bounded, so that the file stays below 1 MB
whatever the log.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.attributes import is_for_the_asking
from pmlcli.errors import UntrustedArtifactError
from pmlcli.evaluation.drift import Sums
from pmlcli.eventlog.log import EventLog
from pmlcli.lifecycle.artifacts import REFERENCE_FILE, reference_json
from pmlcli.lifecycle.foreign import digest_of
from pmlcli.lifecycle.summing import (
    CASES,
    EVENTS,
    LARGEST,
    NO_VALUE,
    RARER,
    TIME,
    VALUES,
    Blocks,
    Coded,
    Group,
    Name,
    Summer,
    View,
    ended_share,
    is_of_case,
    is_present,
    last_activities,
    measured,
    tallied,
    view_of,
)
from pmlcli.store import strictjson

FEWEST = 5
"""Values of fewer cases are pooled: they could tell of a person."""
MOST_BYTES = 1_000_000
MOST_BLOCKS = 32
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_HORIZON = 0.75
"""Cases are looked at for as long as this share of the training cases took."""
_EARLY = 0.02
_COUNTS_UP = 0.95
"""A number that goes with time as closely as that is a running number, and always changes."""
_DECILES = np.arange(1, 10) / 10
_MOST_COLUMNS = 20
_MOST_ENDS = 20
_LONGEST_VALUE = 100
_MOST_NAMES_BYTES = 150_000
_LONGEST_NAME = 500
_MOST_DIGESTS = 1_000
"""Names of activities longer than that, or that take more room together, are kept as so many digests."""
_MOST = {"activity": 100, "pair": 100, "variant": 20, "resource": 40, "attribute": 20, "wait": 40}
_DAY = 86_400_000_000
_WEEK = 7 * _DAY
_SHARES = (
    ("activity", CASES),
    ("activity", EVENTS),
    ("pair", CASES),
    ("variant", CASES),
    ("resource", EVENTS),
    ("weekday", EVENTS),
    ("hour", EVENTS),
)
_ORDERED = frozenset({"number", "wait", "duration", "length"})
_ARRIVALS = "arrivals"
_KINDS = frozenset({"attribute", _ARRIVALS, *(kind for kind, _ in _SHARES)}) | _ORDERED
_SUMS = ("x", "xx", "xd")


@dataclass(frozen=True)
class Reference:
    """The training log as later ones are compared with it.

    - `cases`, `compared`: of the log, and of those that were as old as the horizon
    - `begun_until`: microseconds, when the last compared case began; None without times
    - `horizon`: microseconds for which each case is looked at; None without times
    - `ends`, `ended`: activities that mostly end a case, and the share of the compared cases that they ended
    """

    cases: int
    compared: int
    begun_until: int | None
    horizon: int | None
    blocks: Blocks
    groups: tuple[tuple[Group, Sums], ...]
    ends: frozenset[str] = frozenset()
    ended: float = 0.0


# --- made of a log


def reference(log: EventLog) -> dict[str, Any]:
    """The training log's distributions, JSON-plain, in at most `MOST_BYTES`."""
    counts = np.bincount(log.activity_codes[log.activity_codes >= 0], minlength=len(log.activities))
    facts: dict[str, Any] = {
        "cases": log.n_cases,
        "events": log.n_events,
        "activities": _known(log, counts),
        "events_per_case": _quantiles(log.lengths),
    }
    horizon = None
    if log.times is not None:
        facts["throughput_seconds"] = _quantiles((log.ends - log.starts) / 1e6)
        horizon = _horizon(log)
    view = view_of(log, horizon)
    blocks = _blocks(view) if log.times is not None else Blocks(0, _WEEK, 1)
    summer = Summer(view, blocks)
    for divisor in (1, 2, 4, 8):
        compared = _compared(summer, horizon, divisor)
        if len(strictjson.dump(facts | {"compared": compared})) <= MOST_BYTES:
            break
    return facts | {"compared": compared}


def _known(log: EventLog, counts: Codes) -> dict[str, int]:
    """Events of each activity; 0 for one of so few cases that its count is not kept.

    Long names, and the rarer ones where all would take too much room, are kept as digests (`digest_of`).
    """
    codes = log.activity_codes.astype(np.int64)
    held = codes >= 0
    names: list[Name] = [(name,) for name in log.activities]
    cases = _cases_of(Coded(names, codes[held], log.case_of_event[held]))
    order = np.argsort(-counts, kind="stable")
    lengths = np.array([len(log.activities[one]) for one in order.tolist()], dtype=np.int64)
    is_short = lengths <= _LONGEST_NAME
    is_short &= np.cumsum(np.where(is_short, lengths * 6 + 20, 0)) <= _MOST_NAMES_BYTES
    digested = set(order[~is_short][:_MOST_DIGESTS].tolist())
    told = {
        code: log.activities[code] if is_plain else digest_of(log.activities[code])
        for code, is_plain in zip(order.tolist(), is_short.tolist(), strict=True)
        if is_plain or code in digested
    }
    return {told[one]: int(counts[one]) if cases[one] >= FEWEST else 0 for one in sorted(told)}


def _horizon(log: EventLog) -> int:
    took = log.ends - log.starts
    return int(min(np.quantile(took, _HORIZON), np.ptp(log.starts) / 4 + 1))


def _blocks(view: View) -> Blocks:
    """At most `MOST_BLOCKS` stretches over the starts: whole weeks, of shorter logs whole days, or less.

    A few cases long before all others say nothing of how often things change: the first stretch takes them.
    """
    first, last = (0, 0)
    if view.n_cases:
        first, last = int(np.quantile(view.starts, _EARLY)), int(view.starts.max())
    span = last - first + 1
    for unit in (_WEEK, _DAY, 1):
        width = math.ceil(span / MOST_BLOCKS / unit) * unit
        if span >= width * MOST_BLOCKS / 2 or unit == 1:
            break
    # Weeks begin on Monday; 1970 began on a Thursday.
    first -= (first + 3 * _DAY) % unit
    return Blocks(first, width, math.ceil((span + unit) / width))


def _compared(summer: Summer, horizon: int | None, divisor: int) -> dict[str, Any]:
    view, blocks = summer.view, summer.blocks
    ends = _ends(view)
    groups = _groups(summer, divisor) if view.n_cases >= FEWEST else []
    return {
        "cases": view.n_cases,
        "begun_until": int(view.starts.max()) if horizon is not None and view.n_cases else None,
        "horizon": horizon,
        "blocks": {"first": blocks.first, "width": blocks.width, "count": blocks.count},
        "groups": [_to_dict(group, summer.sums(group)) for group in groups],
        "ends": sorted(ends),
        "ended": ended_share(view, ends),
    }


def _ends(view: View) -> frozenset[str]:
    """The activities that are the last of their case in most of their events, the commonest few."""
    log = view.log
    held, last = log.activity_codes[log.activity_codes >= 0], last_activities(view)
    counts = np.bincount(held, minlength=len(log.activities))
    lasts = np.bincount(last[last >= 0], minlength=len(log.activities))
    found = np.flatnonzero((2 * lasts >= counts) & (lasts >= FEWEST))
    order = found[np.argsort(-lasts[found], kind="stable")][:_MOST_ENDS]
    names = [log.activities[one] for one in order.tolist()]
    return frozenset(name for name in names if len(name) <= _LONGEST_VALUE)


def _groups(summer: Summer, divisor: int) -> list[Group]:
    log = summer.view.log
    found = [
        Group(kind, "", per, _names(summer, kind, "", divisor))
        for kind, per in _SHARES
        if is_present(log, Group(kind, "", per, ()))
    ]
    found += _of_columns(summer, divisor)
    whole = [("length", "")] + ([("duration", ""), ("wait", "")] if log.times is not None else [])
    found += [_ordered(summer, kind, column, divisor) for kind, column in whole]
    found += [Group(_ARRIVALS, "", TIME, ((_ARRIVALS,),))] if log.times is not None else []
    return [group for group in found if group.names]


def _names(summer: Summer, kind: str, column: str, divisor: int) -> tuple[Name, ...]:
    """The commonest names, each of five cases or more; the rarer ones where there are any."""
    found = summer.coded(kind, column)
    cases = _cases_of(found)
    if kind in ("weekday", "hour"):
        return tuple(found.names)
    most = _MOST[kind] // divisor
    order = np.argsort(-cases, kind="stable").tolist()
    fit = [found.names[one] for one in order if cases[one] >= FEWEST and _is_short(found.names[one], kind)]
    kept = [name for name in dict.fromkeys(fit) if name != RARER][:most]
    # What is new counts as rarer, so rarer values are counted also where training had none.
    return (*kept, RARER) if kept else ()


def _is_short(name: Name, kind: str) -> bool:
    most = _LONGEST_VALUE * (5 if kind == "variant" else 2 if kind == "pair" else 1)
    return sum(len(part) for part in name if part is not None) <= most and None not in name


def _cases_of(found: Coded) -> Codes:
    return np.bincount(tallied(found)[1], minlength=len(found.names))


def _of_columns(summer: Summer, divisor: int) -> list[Group]:
    log = summer.view.log
    found: list[Group] = []
    columns = [*log.attribute_columns(), *log.case_attribute_columns()]
    for column in [one for one in columns if not is_for_the_asking(one) and len(one) <= _LONGEST_VALUE]:
        values = log.frame[column]
        if pd.api.types.is_datetime64_any_dtype(values.dtype) or len(found) >= _MOST_COLUMNS // divisor:
            continue
        if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
            found += [] if _counts_up(summer, column) else [_ordered(summer, "number", column, divisor)]
            continue
        names = _names(summer, "attribute", column, divisor)
        if _covers(summer, column, names):
            found.append(Group("attribute", column, CASES if is_of_case(column) else EVENTS, names))
    return found


def _counts_up(summer: Summer, column: str) -> bool:
    """Whether a number grows, or falls, with the time at which cases begin."""
    found = measured(summer.view, "number", column)
    if summer.view.log.times is None or len(found.values) < 2 * FEWEST:
        return False
    ranks = [pd.Series(one).rank() for one in (found.values, summer.view.starts[found.coded.case])]
    return bool(abs(ranks[0].corr(ranks[1])) > _COUNTS_UP)


def _covers(summer: Summer, column: str, names: tuple[Name, ...]) -> bool:
    """Whether the names stand for most of the values: others are identifiers, or free text."""
    found = summer.coded("attribute", column)
    counts = np.bincount(found.codes, minlength=len(found.names))
    named = {*names} - {NO_VALUE}
    is_named = np.array([name in named for name in found.names])
    is_value = np.array([name != NO_VALUE for name in found.names])
    return bool(counts[is_named].sum() * 2 > counts[is_value].sum())


def _ordered(summer: Summer, kind: str, column: str, divisor: int) -> Group:
    """A group of numbers with the bins of each feature: between deciles of training."""
    found = measured(summer.view, kind, column)
    cases = _cases_of(found.coded)
    order = np.argsort(-cases, kind="stable")[: max(_MOST.get(kind, 1) // divisor, 1)]
    names = found.coded.names
    kept = [int(one) for one in order if cases[one] >= 2 * FEWEST and _is_short(names[one], "pair")]
    bins = [_bins(found.values[found.coded.codes == one]) for one in kept]
    return Group(
        kind,
        column,
        VALUES,
        tuple(names[one] for one in kept),
        tuple(edges for edges, _, _ in bins),
        tuple(scores for _, scores, _ in bins),
        tuple(middle for _, _, middle in bins),
    )


def _bins(values: Floats) -> tuple[tuple[float, ...], tuple[int, ...], float]:
    """Edges at the deciles, the mean rank of each bin (0 to 1000), and the median."""
    edges = np.unique(np.quantile(values, _DECILES))
    masses = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1) / len(values)
    ranks = np.rint(1000 * (np.cumsum(masses) - masses / 2)).astype(int)
    return tuple(edges.tolist()), tuple(ranks.tolist()), float(np.median(values))


def _quantiles(values: Codes | Floats) -> dict[str, float]:
    found = np.quantile(np.asarray(values, dtype=np.float64), QUANTILES)
    return {f"q{quantile:g}": float(value) for quantile, value in zip(QUANTILES, found, strict=True)}


def _to_dict(group: Group, found: Sums) -> dict[str, Any]:
    """JSON-plain; what all features of a group are counted among stands once."""
    once = slice(0, 1) if group.per != VALUES else slice(None)
    among = {name: _whole(getattr(found, name)[once]) for name in ("d", "dd", "weights")}
    made: dict[str, Any] = {
        "kind": group.kind,
        "column": group.column,
        "per": group.per,
        "names": [list(name) for name in group.names],
        "cases": _whole(found.cases),
        "blocks": _whole(found.blocks),
        **{name: _whole(getattr(found, name)) for name in _SUMS},
        **among,
    }
    if group.per == VALUES:
        made["edges"] = [list(one) for one in group.edges]
        made["scores"] = [list(one) for one in group.scores]
        made["middles"] = list(group.middles)
    return made


def _whole(values: Floats) -> list[Any]:
    return list(np.rint(values).astype(np.int64).tolist())


# --- read from a model


def read_reference(files: Mapping[str, bytes]) -> Reference:
    """The reference in a model's files; UntrustedArtifactError for what no training writes."""
    return reference_in(reference_json(files))


def reference_in(found: Mapping[str, Any]) -> Reference:
    """The same of `reference_json`."""
    try:
        return _read(found)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UntrustedArtifactError(
            f"{REFERENCE_FILE}: it is not what training writes ({error})", hint="train the model again"
        ) from error


def _read(found: Mapping[str, Any]) -> Reference:
    compared = found["compared"]
    blocks = compared["blocks"]
    sizes = [_integer(blocks[name], low) for name, low in (("first", None), ("width", 1), ("count", 1))]
    if sizes[2] > 2 * MOST_BLOCKS:
        raise ValueError("too many blocks")
    horizon, until = compared["horizon"], compared["begun_until"]
    groups = compared["groups"]
    return Reference(
        _integer(found["cases"], 0),
        _integer(compared["cases"], 0),
        None if until is None else _integer(until, None),
        None if horizon is None else _integer(horizon, 0),
        Blocks(*sizes),
        tuple(_group(one, sizes[2]) for one in groups),
        _read_ends(compared["ends"]),
        float(_array([compared["ended"]], (1,))[0]),
    )


def _read_ends(found: object) -> frozenset[str]:
    if type(found) is not list or len(found) > _MOST_ENDS or not all(type(one) is str for one in found):
        raise ValueError("the last activities are malformed")
    return frozenset(found)


def _integer(value: object, low: int | None) -> int:
    if type(value) is not int or abs(value) > 2**62 or (low is not None and value < low):
        raise ValueError("a whole number is malformed")
    return value


def _group(found: Mapping[str, Any], blocks: int) -> tuple[Group, Sums]:
    names = tuple(_name(one) for one in found["names"])
    size, per = len(names), found["per"]
    if found["kind"] not in _KINDS or type(found["column"]) is not str or len(set(names)) < size:
        raise ValueError("a group is of no known kind, or has a name twice")
    is_counted = (per == VALUES) == (found["kind"] in _ORDERED) and (per == TIME) == (
        found["kind"] == _ARRIVALS
    )
    if per not in (CASES, EVENTS, VALUES, TIME) or not size or not is_counted:
        raise ValueError("a group counts nothing")
    bins = _read_bins(found, size) if per == VALUES else ((), (), ())
    among = size if per == VALUES else 1
    shapes: dict[str, tuple[int, ...]] = {"d": (), "dd": (), "weights": (blocks,)}
    wide = {name: _array(found[name], (among, *shape)) for name, shape in shapes.items()}
    wide = {name: np.repeat(one, size // among, axis=0) for name, one in wide.items()}
    own = {name: _array(found[name], (size,)) for name in ("cases", *_SUMS)}
    made = Sums(**own, **wide, blocks=_array(found["blocks"], (size, blocks)))
    return Group(found["kind"], found["column"], per, names, *bins), made


def _name(found: Sequence[object]) -> Name:
    if type(found) is not list:
        raise ValueError("a name is malformed")
    return tuple(_text_or_none(part) for part in found)


def _text_or_none(part: object) -> str | None:
    if part is None or type(part) is str:
        return part
    raise ValueError("a name is malformed")


def _read_bins(
    found: Mapping[str, Any], size: int
) -> tuple[tuple[tuple[float, ...], ...], tuple[tuple[int, ...], ...], tuple[float, ...]]:
    edges = tuple(tuple(_array(one, (len(one),), low=-LARGEST).tolist()) for one in found["edges"])
    scores = tuple(tuple(_integer(part, 0) for part in one) for one in found["scores"])
    middles = tuple(_array(found["middles"], (size,), low=-LARGEST).tolist())
    is_whole = len(edges) == len(scores) == size and all(
        len(ranks) == len(bounds) + 1 and max(ranks) <= 1000 and list(bounds) == sorted(bounds)
        for ranks, bounds in zip(scores, edges, strict=True)
    )
    if not is_whole:
        raise ValueError("bins are malformed")
    return edges, scores, middles


def _array(found: object, shape: tuple[int, ...], *, low: float = 0.0) -> Floats:
    """Numbers of this shape and no others."""
    if type(found) is not list or any(isinstance(one, bool) for one in found):
        raise ValueError("a list of numbers is malformed")
    flat = [part for one in found for part in (one if isinstance(one, list) else (one,))]
    if not all(type(part) in (int, float) for part in flat):
        raise ValueError("a list of numbers is malformed")
    made = np.array(found, dtype=np.float64)
    if made.shape != shape or not ((made >= low) & (made <= LARGEST)).all():
        raise ValueError("a list of numbers is malformed")
    return made
