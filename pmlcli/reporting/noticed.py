"""Cases that a person should look at, and why: odd ones, late ones, those likely to end badly."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
    chosen: dict[int, Noticed] = {}
    for row in zip_longest(*kinds):
        for one in row:
            if one is not None:
                first = chosen.get(one.case)
                chosen[one.case] = one if first is None else _also(first, one)
    return list(chosen.values())


def _also(first: Noticed, other: Noticed) -> Noticed:
    """A case that is to be looked at for two reasons stands under the first and names the other."""
    told = f"also odd: {other.reason}" if other.kind == "odd" else f"also {other.group}"
    return replace(first, facts=f"{first.facts}; {told}" if first.facts else told)


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


def odd(story: Story) -> list[Noticed]:
    """Cases that a detector flagged."""
    asked = story.of("anomaly")
    return [] if asked is None else list(_odd(asked))


def late(story: Story) -> list[Noticed]:
    """Running cases that are expected to end too late."""
    asked = story.of("remaining-time")
    return [] if asked is None else list(_late(story, asked))


def late_sentence(story: Story) -> str:
    """What a case does that counts as late: `take longer than the limit of 60 d`."""
    asked = story.of("remaining-time")
    columns = set() if asked is None else {*asked.cases.columns}
    if "late_probability" in columns:
        return "miss their due date"
    if "sla_breach_probability" in columns:
        limit = None if asked is None else asked.sla
        return f"take longer than the limit{'' if limit is None else f' of {words.took(limit)}'}"
    limit = slow(story)
    return "end late" if limit is None else f"take longer than 90 % of the ended cases ({words.took(limit)})"


def slow(story: Story) -> float | None:
    """What 90 % of the ended cases took at most, seconds; None without ended cases or times."""
    return took_at_most(story, LATE_SHARE)


def took_at_most(story: Story, share: float) -> float | None:
    """What this share of the ended cases took at most, seconds; None without ended cases or times."""
    ended = ~story.running
    if story.log.times is None or not ended.any():
        return None
    return float(np.quantile((story.log.ends - story.log.starts)[ended] / 1e6, share))


def _kinds(story: Story) -> Iterator[list[Noticed]]:
    risky = story.of("outcome")
    yield odd(story)
    yield late(story)
    yield [] if risky is None else list(_risky(story, risky))
    told = story.of("anomaly") or risky or late(story)
    yield [] if told else list(_stalled(story))


def _odd(asked: Asked) -> Iterator[Noticed]:
    table = asked.cases
    for at in np.flatnonzero(table["is_anomaly"].to_numpy(dtype=bool)).tolist():
        row = table.iloc[at]
        facts = f"score {number.number(float(row['score']))}, severity {row['severity']}"
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
    # What remains is counted from a case's last event, and a case may have been silent since.
    known = (story.log.ends - story.log.starts)[places] / 1e6
    whole = known + table["remaining_seconds"].to_numpy(dtype=float)
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
