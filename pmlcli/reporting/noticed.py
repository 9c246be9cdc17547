"""Cases that a person should look at, and why: odd ones, late ones, those likely to end badly."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import pandas as pd

from pmlcli.render import number
from pmlcli.reporting import words
from pmlcli.reporting.story import Asked, Story

LIKELY = 0.5
"""From such a probability on a case counts as late, or as likely to end as it should not."""
LATE_SHARE = 0.9
"""Without a limit a case is late that takes longer than this share of the cases that ended."""


@dataclass(frozen=True)
class Noticed:
    """A case (its position in the log), why it is to be looked at, and how urgent beside others of its kind.

    `group` is what cases of the same reason share; `due` is when it should end, or is expected to.
    """

    case: int
    kind: str
    reason: str
    group: str
    urgency: float
    due: str = ""
    facts: str = ""


def noticed(story: Story) -> list[Noticed]:
    """All cases to look at: kinds take turns, each in order of its urgency, a case once."""
    kinds = [sorted(found, key=lambda one: -one.urgency) for found in _kinds(story)]
    seen: set[int] = set()
    chosen = []
    for row in zip_longest(*kinds):
        for one in row:
            if one is not None and one.case not in seen:
                seen.add(one.case)
                chosen.append(one)
    return chosen


def grouped(found: Sequence[Noticed]) -> list[list[Noticed]]:
    """The same by reason: groups in order of their first case."""
    groups: dict[str, list[Noticed]] = {}
    for one in found:
        groups.setdefault(one.group, []).append(one)
    return list(groups.values())


def alike(group: Sequence[Noticed]) -> str:
    """The reason of a group: that of all, or that of the first and that the others are like it."""
    first = group[0]
    if len({one.reason for one in group}) == 1:
        return first.reason
    return f"{first.reason}, and alike" if "#" in first.group else first.group


def late(story: Story) -> list[Noticed]:
    """Running cases that are expected to end too late."""
    asked = story.of("remaining-time")
    return [] if asked is None else list(_late(story, asked))


def late_sentence(story: Story) -> str:
    """After what a case counts as late."""
    asked = story.of("remaining-time")
    columns = set() if asked is None else {*asked.cases.columns}
    if "late_probability" in columns:
        return "their due date"
    if "sla_breach_probability" in columns:
        return "the limit that was given"
    limit = slow(story)
    return f"90 % of the ended cases took ({words.took(limit)})" if limit is not None else ""


def slow(story: Story) -> float | None:
    """What 90 % of the ended cases took at most, seconds; None without ended cases or times."""
    ended = ~story.running
    if story.log.times is None or not ended.any():
        return None
    return float(np.quantile((story.log.ends - story.log.starts)[ended] / 1e6, LATE_SHARE))


def _kinds(story: Story) -> Iterator[list[Noticed]]:
    odd, risky = story.of("anomaly"), story.of("outcome")
    yield [] if odd is None else list(_odd(odd))
    yield late(story)
    yield [] if risky is None else list(_risky(story, risky))
    yield [] if story.models and (odd or risky or late(story)) else list(_stalled(story))


def _odd(asked: Asked) -> Iterator[Noticed]:
    table = asked.cases
    for at in np.flatnonzero(table["is_anomaly"].to_numpy(dtype=bool)).tolist():
        row = table.iloc[at]
        facts = f"score {number.number(float(row['score']))}, {row['severity']}"
        reason = words.plain(str(row["reason"])) or "odd as a whole"
        yield Noticed(at, "odd", reason, _like(reason), float(row["score"]), facts=facts)


def _like(reason: str) -> str:
    """The reason without the numbers in which cases of one kind differ."""
    return re.sub(r"\d[\d.,]*", "#", reason)


def _places(story: Story, table: pd.DataFrame) -> list[int]:
    known = {str(one): i for i, one in enumerate(story.log.case_ids)}
    return [known[str(one)] for one in table["case_id"]]


def _late(story: Story, asked: Asked) -> Iterator[Noticed]:
    table = asked.cases
    limit = slow(story)
    if story.log.end is None or limit is None or not len(table):
        return
    places = _places(story, table)
    ages = (story.log.end - story.log.starts[places]) / 1e6
    whole = ages + table["remaining_seconds"].to_numpy(dtype=float)
    for at, case in enumerate(places):
        row = table.iloc[at]
        ends = f"expected end {_stamp(story, row['expected_end'])}"
        if (found := _probability(row)) is not None:
            risk, why, due = found
            if risk >= LIKELY:
                told = f"{why} with a probability of {number.rough_share(risk)}"
                yield Noticed(case, "late", told, why, risk, _due(story, row, due), ends)
        elif whole[at] > limit:
            told = f"expected to take {words.took(float(whole[at]))}, longer than 90 % of the ended cases"
            group = "expected to take longer than 90 % of the ended cases"
            facts = f"expected to take {words.took(float(whole[at]))}"
            yield Noticed(case, "late", told, group, float(whole[at]), facts=f"{facts}, {ends}")


def _probability(row: pd.Series) -> tuple[float, str, str] | None:
    for column, why, due in (
        ("late_probability", "will miss its due date", "due"),
        ("sla_breach_probability", "will take longer than the limit", ""),
    ):
        if column in row.index and pd.notna(row[column]):
            return float(row[column]), why, due
    return None


def _due(story: Story, row: pd.Series, column: str) -> str:
    return _stamp(story, row[column]) if column and pd.notna(row[column]) else ""


def _stamp(story: Story, at: pd.Timestamp) -> str:
    return "" if pd.isna(at) else words.minute(int(at.timestamp() * 1e6), story.zone)


def _risky(story: Story, asked: Asked) -> Iterator[Noticed]:
    table = asked.cases
    if "positive_probability" not in table.columns:
        return
    for case, (_, row) in zip(_places(story, table), table.iterrows(), strict=True):
        risk = float(row["positive_probability"])
        if np.isfinite(risk) and risk >= LIKELY:
            told = f"likely to end as {row['outcome']} ({number.rough_share(risk)})"
            yield Noticed(case, "risky", told, f"likely to end as {row['outcome']}", risk)


def _stalled(story: Story) -> Iterator[Noticed]:
    log = story.log
    if log.end is None:
        return
    for case in np.flatnonzero(story.standing.is_stalled).tolist():
        silent = (log.end - int(log.ends[case])) / 1e6
        told = f"running, and silent for {words.took(silent)}, which is unusually long there"
        group = "running, and silent for unusually long"
        yield Noticed(case, "stalled", told, group, silent, facts=f"silent for {words.took(silent)}")
