"""Whether a log is still of the process that a model learned: what changed beyond chance, and since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pmlcli.arrays import Codes, Floats
from pmlcli.errors import ValidationError
from pmlcli.evaluation import drift, shuffled
from pmlcli.evaluation.assessment import Assessment, Cell, Figure, Section
from pmlcli.evaluation.drift import Changes, Pool, Sums
from pmlcli.eventlog.log import ACTIVITY, EventLog
from pmlcli.lifecycle.foreign import MANY, are_new
from pmlcli.lifecycle.kinds import EXAMPLES
from pmlcli.lifecycle.periods import date_of
from pmlcli.lifecycle.reference import Reference
from pmlcli.lifecycle.summing import (
    CASES,
    EVENTS,
    NO_VALUE,
    RARER,
    TIME,
    VALUES,
    Blocks,
    Group,
    Name,
    Summer,
    View,
    about,
    ended_share,
    is_present,
    measured,
    view_of,
)

FEWEST = 30
"""Fewer cases are not compared."""
ALARMS = 0.03
"""Where nothing changed, at most this share of runs tells of a change of all that is new, by shuffling."""
_LATELY = 1 / 6
"""Of the last stretch by itself, p-values must be so much smaller: no shuffling says how odd one can be."""
STABLE, DRIFT, SERIOUS, UNCLEAR = "stable", "drift", "serious", "unclear"
CHEAP = ("activity", "pair")
"""The kinds that are cheap enough for every prediction."""
_WEEK = 7 * 24 * 60
"""Minutes; over less than that, arrivals are not compared."""
_EVEN = 8 * 7 * 86_400_000_000
"""Microseconds; in less than that, weekdays are not compared."""
_MOST_WINDOWS = 10_000
_MOST_BLOCKS = 512
_COUNTED = (CASES, EVENTS)
_SECTIONS = {
    "activity": "Activities, paths and attributes",
    "pair": "Activities, paths and attributes",
    "variant": "Activities, paths and attributes",
    "resource": "Activities, paths and attributes",
    "attribute": "Activities, paths and attributes",
    "number": "Activities, paths and attributes",
    "length": "Activities, paths and attributes",
    "wait": "Times",
    "duration": "Times",
    "weekday": "Times",
    "hour": "Times",
    "arrivals": "Arrivals",
}
UNITS = {
    "changes": "",
    "serious_changes": "",
    "largest_change": "share",
    "unseen_events": "share",
    "cases": "cases",
}
"""The figures that every run gives, and their units."""


@dataclass(frozen=True)
class Monitored:
    """How to compare: the smallest change that counts, the width of a window in microseconds, the kinds of
    features (all), and in which share of runs a stable process may raise an alarm.
    """

    min_effect: float = 0.05
    window: int = 7 * 86_400_000_000
    kinds: Sequence[str] | None = None
    alarms: float = ALARMS
    is_later: bool = True
    """Whether the log goes on from the other, so that what began lately counts by itself."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.min_effect < 1.0:
            raise ValidationError(
                f"--min-effect {self.min_effect:g} is no share", hint="give 0.05 for 5 points, at most 1"
            )
        if self.window <= 0:
            raise ValidationError("--window must be a span of time above zero")


@dataclass(frozen=True)
class Change:
    """One feature that changed beyond chance, its effect first.

    `size` is what `--min-effect` is held against: points of a share; of numbers how much likelier than one in
    two a number of now is above one of before; of arrivals the share by which there are more or fewer.
    """

    kind: str
    what: str
    measure: str
    before: float
    now: float
    unit: str
    size: float
    lower: float
    upper: float
    p_value: float
    since: str | None

    def is_surely(self, least: float) -> bool:
        """Whether the whole interval of the change is beyond the smallest that counts."""
        return min(abs(self.lower), abs(self.upper)) > least and self.lower * self.upper > 0

    def sentence(self) -> str:
        """`Wait` 5.5 -> 12.0 % of events since 2024-11-04."""
        since = f" since {self.since}" if self.since else ""
        return f"{self.what} {_from_to(self.before, self.now, self.unit)} {self.measure}{since}"

    def row(self) -> Mapping[str, Cell]:
        """As a row of a table."""
        return {
            "what": self.what,
            "measure": self.measure,
            "before": self.before,
            "now": self.now,
            "unit": self.unit,
            "change": self.size,
            "lower": self.lower,
            "upper": self.upper,
            "p_value": self.p_value,
            "since": self.since,
        }


def _from_to(before: float, now: float, unit: str) -> str:
    if unit == "share":
        return f"{before * 100:.1f} -> {now * 100:.1f} %"
    if unit != "seconds":
        return f"{before:,.4g} -> {now:,.4g}"
    units = ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))
    size, name = next((one for one in units if max(before, now) >= one[0]), units[-1])
    return f"{before / size:.1f} -> {now / size:.1f} {name}"


def changes(reference: Reference, log: EventLog, how: Monitored) -> tuple[list[Change], View]:
    """What changed beyond chance, the largest first, and the cases that were compared.

    None where fewer than `FEWEST` cases of either log can be.
    """
    view = compared(reference, log)
    if min(view.n_cases, reference.compared) < FEWEST:
        return [], view
    return tested(reference, view, how).told(how), view


def _rank(change: Change) -> tuple[bool, float, float]:
    """The largest first; how many cases there are says least of the process."""
    return change.kind == "arrivals", -abs(change.size), change.p_value


def glance(reference: Reference, log: EventLog) -> list[Change]:
    """The changes that are cheap to see, for every prediction; none in a log of too few finished cases."""
    if holds_few_ended(reference, compared(reference, log)):
        return []
    return changes(reference, log, Monitored(kinds=CHEAP))[0]


def holds_few_ended(reference: Reference, view: View) -> bool:
    """Whether so few of the cases have ended that the log looks like one of running cases alone, which tells
    nothing of the process: those that take long are too many there.
    """
    return view.n_cases > 0 and ended_share(view, reference.ends) < reference.ended / 2


def drift_sentence(found: Sequence[Change]) -> str:
    """One line that names the largest change."""
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"the process has changed since training: {found[0].sentence()}{more}; see pmlcli monitor"


def _each_once(found: Sequence[Change]) -> list[Change]:
    """Of an activity whose share of cases and of events changed, the larger change alone."""
    return list({(change.kind, change.what): change for change in reversed(found)}.values())[::-1]


def compared(reference: Reference, log: EventLog) -> View:
    """The cases to compare: those that began after the compared ones of training, or where these are too few
    all, of which some may have been learned from.
    """
    if reference.horizon is None or log.times is None:
        return view_of(log, None)
    later = view_of(log, reference.horizon, reference.begun_until)
    return later if later.n_cases >= FEWEST else view_of(log, reference.horizon)


@dataclass(frozen=True)
class Tested:
    """Features of one group that are tested: which of the group's, and how they differ, an entry each."""

    group: Group
    which: Codes
    found: Changes
    view: View

    def told(self, chosen: NDArray[np.bool_], how: Monitored) -> list[Change]:
        """The chosen features that may have changed by as much as counts."""
        group, found, scale = self.group, self.found, self._scale()
        reach = np.maximum(np.abs(found.lower), np.abs(found.upper)) / scale
        places = np.flatnonzero(chosen & (reach >= how.min_effect))
        if not len(places):
            return []
        begun, middles = self._since(places, how.window), self._middles(places)
        told = []
        for place, since in zip(places.tolist(), begun, strict=True):
            index = int(self.which[place])
            before, now = float(found.before[place]), float(found.now[place])
            if group.per == VALUES:
                before, now = group.middles[index], middles[place]
            elif group.per == TIME:
                before, now = before * _WEEK, now * _WEEK
            told.append(
                Change(
                    group.kind,
                    _words(group, group.names[index]),
                    _measure(group),
                    before,
                    now,
                    _unit(group),
                    float(found.change[place] / scale[place]),
                    float(found.lower[place] / scale[place]),
                    float(found.upper[place] / scale[place]),
                    float(found.p_value[place]),
                    since,
                )
            )
        return told

    def _scale(self) -> Floats:
        """What a change is divided by to be held against the smallest that counts, a feature each."""
        if self.group.per == TIME:
            return np.maximum(self.found.before, 1e-12)
        return np.full(len(self.which), 1000.0 if self.group.per == VALUES else 1.0)

    def _since(self, places: Codes, window: int) -> list[str | None]:
        if self.view.log.times is None:
            return [None] * len(places)
        first = int(self.view.starts.min())
        width = max(window, self.view.span // _MOST_WINDOWS + 1)
        windows = Blocks(first, width, self.view.span // width + 1)
        by_window = Summer(self.view, windows).sums(self.group)
        starts = [
            drift.onset(by_window.blocks[index], by_window.weights[index], before)
            for index, before in zip(
                self.which[places].tolist(), self.found.before[places].tolist(), strict=True
            )
        ]
        return [_day(first + start * width) for start in starts]

    def _middles(self, places: Codes) -> dict[int, float]:
        """The medians of numbers now."""
        if self.group.per != VALUES:
            return {}
        numbers = measured(self.view, self.group.kind, self.group.column)
        code_of = {name: index for index, name in enumerate(numbers.coded.names)}
        names = {place: self.group.names[self.which[place]] for place in places.tolist()}
        return {
            place: float(np.median(numbers.values[numbers.coded.codes == code_of[name]]))
            for place, name in names.items()
        }


@dataclass(frozen=True)
class Comparison:
    """All features that are tested, by group and as one pool."""

    groups: Sequence[Tested]
    pool: Pool | None

    @property
    def p_values(self) -> Floats:
        """Of each feature of the pool, (K,)."""
        return np.concatenate([np.zeros(0), *(one.found.p_value for one in self.groups)])

    def told(self, how: Monitored) -> list[Change]:
        """Which of the differences count, the largest first."""
        if self.pool is None:
            return []
        p_values = self.p_values
        chosen = drift.discoveries(p_values, shuffled.bound(self.pool, p_values, how.alarms))
        # Of what began lately, shuffling can tell nothing: one odd stretch of ten is last once in ten times.
        lately = drift.compare(self.pool.latest()).p_value
        chosen |= drift.discoveries(lately, how.alarms * _LATELY * how.is_later)
        found: list[Change] = []
        sizes = [len(one.which) for one in self.groups]
        for one, own in zip(self.groups, np.split(chosen, np.cumsum(sizes)), strict=False):
            found += one.told(own, how)
        return _each_once(sorted(found, key=_rank))


def tested(reference: Reference, view: View, how: Monitored) -> Comparison:
    """The features of the reference beside the same of the cases looked at."""
    blocks = reference.blocks
    summer = Summer(view, _blocks_of(view, blocks))
    span = min(max(view.span / blocks.width, 1.0), blocks.count) * blocks.width
    weeks_are_even = view.log.times is not None and span >= _EVEN
    samples: list[tuple[Group, Codes, Sums, Sums]] = []
    for group, old in reference.groups:
        if (how.kinds is None or group.kind in how.kinds) and is_present(view.log, group):
            new = summer.sums(group)
            which = _which(group, old, new, how, weeks_are_even=weeks_are_even)
            samples += [(group, which, old.take(which), new.take(which))] if len(which) else []
    if not samples:
        return Comparison([], None)
    pairs = [(old, new) for _, _, old, new in samples]
    pool = drift.pooled(pairs, [group.per in _COUNTED for group, *_ in samples]).in_stretches()
    found = drift.compare(pool)
    ends = np.cumsum([len(which) for _, which, _, _ in samples]).tolist()
    parts = [slice(end - len(which), end) for end, (_, which, _, _) in zip(ends, samples, strict=True)]
    groups = [
        Tested(group, which, found.part(part), view)
        for part, (group, which, _, _) in zip(parts, samples, strict=True)
    ]
    return Comparison(groups, pool)


def _blocks_of(view: View, learned: Blocks) -> Blocks:
    """Blocks of the learned ones' width from the first case on, or the last so many."""
    if view.log.times is None:
        return learned
    count = min(view.span // learned.width + 1, _MOST_BLOCKS)
    first = max(int(view.starts.min()), int(view.starts.max()) - count * learned.width + 1)
    return Blocks(first, learned.width, count)


def _which(group: Group, old: Sums, new: Sums, how: Monitored, *, weeks_are_even: bool) -> Codes:
    """The features of a group that are worth a test. Where logs are short, or begin and end within a week,
    some weekdays are in them more often than others.
    """
    if group.per == TIME:
        is_long = min(float(old.d.min()), float(new.d.min())) >= _WEEK
        return np.arange(len(group.names) if is_long else 0)
    if group.per == VALUES:
        return np.arange(len(group.names))
    if group.kind == "weekday" and not weeks_are_even:
        return np.arange(0)
    return np.flatnonzero(drift.could_change(old, new, how.min_effect))


def _words(group: Group, name: Name) -> str:
    column = about(group)
    if name == RARER:
        many = {"pair": "pairs of activities", "variant": "variants", "activity": "activities"}
        return (
            f"rare and new {many[group.kind]}" if group.kind in many else f"rare and new values of '{column}'"
        )
    if name == NO_VALUE:
        return f"no value of '{column}'"
    parts = [part or "(none)" for part in name]
    if group.kind == "activity":
        return f"`{parts[0]}`"
    if group.kind in ("pair", "variant", "wait"):
        path = " > ".join(f"`{part}`" for part in parts)
        return {"pair": path, "variant": f"variant {path}", "wait": f"wait {path}"}[group.kind]
    plain = {
        "arrivals": "arrivals",
        "duration": "duration of a case",
        "length": "events of a case",
        "number": f"'{column}'",
    }
    return plain.get(group.kind, f"{column} {parts[0]}")


def _measure(group: Group) -> str:
    return {CASES: "of cases", VALUES: "in the middle", TIME: "cases a week"}.get(group.per, "of events")


def _unit(group: Group) -> str:
    if group.per == TIME:
        return "cases a week"
    if group.per != VALUES:
        return "share"
    return "seconds" if group.kind in ("wait", "duration") else ""


def _day(moment: int) -> str:
    return date_of(moment)[:10]


# --- told


def monitor(
    reference: Reference, log: EventLog, known: frozenset[str], how: Monitored, facts: Mapping[str, Any]
) -> Assessment:
    """What changed between the training log and this one, as an assessment.

    `known` are the activities of training; `facts` what the caller knows of model and log.
    """
    found, view = changes(reference, log, how)
    unseen, events = _unseen(log, known)
    share = events / log.n_events
    enough = min(view.n_cases, reference.compared) >= FEWEST
    serious = [change for change in found if change.is_surely(how.min_effect)]
    verdict = _verdict(found, len(serious), share, enough=enough)
    return Assessment(
        "monitor",
        verdict,
        _sentence(verdict, found, view, reference, unseen),
        verdict in (DRIFT, SERIOUS),
        _figures(found, serious, share, events, view, log),
        [_unseen_section(unseen, events, log), *_sections(found)],
        _warnings(reference, view, log),
        {**facts, "compared_cases": view.n_cases, "min_effect": how.min_effect},
    )


def _verdict(found: Sequence[Change], serious: int, unseen: float, *, enough: bool) -> str:
    if serious or unseen >= MANY:
        return SERIOUS
    if found:
        return DRIFT
    return STABLE if enough else UNCLEAR


def _unseen(log: EventLog, known: frozenset[str]) -> tuple[list[str], int]:
    """The activities that training never saw, the commonest first, and their events."""
    counts = np.bincount(log.activity_codes[log.activity_codes >= 0], minlength=len(log.activities))
    new = np.flatnonzero(are_new(log.activities, known) & (counts > 0))
    order = new[np.argsort(-counts[new], kind="stable")]
    return [log.activities[one] for one in order.tolist()], int(counts[new].sum())


def _sentence(
    verdict: str, found: Sequence[Change], view: View, reference: Reference, unseen: Sequence[str]
) -> str:
    cases = f"{view.n_cases:,} cases compared with {reference.compared:,} of training"
    if found:
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        return f"{verdict}: {found[0].sentence()}{more} ({cases})"
    if unseen:
        return (
            f"{verdict}: {len(unseen)} new activities, such as `{unseen[0]}`, and no other change ({cases})"
        )
    if verdict == UNCLEAR:
        return f"unclear: too few cases to tell ({cases}, fewer than {FEWEST})"
    return f"stable: nothing changed beyond chance ({cases})"


def _figures(
    found: Sequence[Change],
    serious: Sequence[Change],
    unseen: float,
    events: int,
    view: View,
    log: EventLog,
) -> list[Figure]:
    largest = max((abs(change.size) for change in found), default=0.0)
    n = view.n_cases
    return [
        Figure("changes", float(len(found)), UNITS["changes"], n, higher_is_better=False),
        Figure("serious_changes", float(len(serious)), UNITS["serious_changes"], n, higher_is_better=False),
        Figure("largest_change", min(largest, 1.0), UNITS["largest_change"], n, higher_is_better=False),
        Figure("unseen_events", unseen, UNITS["unseen_events"], log.n_events, higher_is_better=False),
        Figure("cases", float(n), UNITS["cases"]),
    ]


def _unseen_section(unseen: Sequence[str], events: int, log: EventLog) -> Section:
    title = "Values never seen"
    if not unseen:
        return Section(title, ["every activity is one that training saw"])
    named = ", ".join(f"`{name}`" for name in unseen[:EXAMPLES])
    return Section(
        title,
        [
            f"{len(unseen):,} activities that training never saw ({named}), "
            f"in {events:,} of {log.n_events:,} events"
        ],
        [{"column": ACTIVITY, "value": name} for name in unseen],
    )


def _sections(found: Sequence[Change]) -> list[Section]:
    made = []
    for title in dict.fromkeys(_SECTIONS.values()):
        of = [change for change in found if _SECTIONS[change.kind] == title]
        told = [change.sentence() for change in of] or ["nothing changed beyond chance"]
        made.append(Section(title, told, [change.row() for change in of]))
    return made


def _warnings(reference: Reference, view: View, log: EventLog) -> list[str]:
    told = []
    lacking = [about(group) for group, _ in reference.groups if not is_present(log, group)]
    if lacking:
        told.append(f"the log lacks {', '.join(dict.fromkeys(lacking))}, which training had: not compared")
    if holds_few_ended(reference, view):
        now = ended_share(view, reference.ends)
        told.append(
            f"{now * 100:.0f} % of the compared cases end as {reference.ended * 100:.0f} % did in training: "
            "where the log holds running cases alone, compare one that holds all"
        )
    old = 0
    if reference.begun_until is not None and log.times is not None:
        old = int((view.starts <= reference.begun_until).sum())
    if old:
        told.append(
            f"{old:,} of the {view.n_cases:,} cases began before training ended, and may have been learned "
            "from"
        )
    if view.n_cases < log.n_cases and reference.horizon is not None:
        days = reference.horizon / 86_400_000_000
        told.append(
            f"{log.n_cases - view.n_cases:,} of {log.n_cases:,} cases are not compared: they began before "
            f"training ended, or are younger than {days:.3g} days"
        )
    return told
