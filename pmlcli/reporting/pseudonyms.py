"""Case ids and people under other names: in the log, in predictions, and in every sentence.

A name is the rank of the first appearance in time, so equal logs give equal names, and a log that grows keeps
those that it has. Nothing in them tells the old name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from pmlcli.evaluation.assessment import Assessment
from pmlcli.eventlog.ledger import Refusal
from pmlcli.eventlog.log import ACTIVITY, CASE_ID, LIFECYCLE, RESOURCE, EventLog
from pmlcli.eventlog.profile import LogProfile
from pmlcli.reporting.story import Asked

QUOTED = re.compile("`([^`]*)`")
WORD = re.compile(r"(?<![\w`])[^\s`'\"(),;:]*[^\W\d][^\s`'\"(),;:]*")
"""A word that is no number and not quoted."""
FILTERED = re.compile(r"(.+?) is not '.*", re.DOTALL)
"""Why rows were filtered: a column is not one of the values that were chosen."""
REASON = "reason"
UNKNOWN = "another value"


@dataclass(frozen=True)
class Pseudonyms:
    """Old name to new one, of cases and of people; `activities` are names that stay."""

    cases: Mapping[str, str]
    people: Mapping[str, str]
    activities: frozenset[str]

    def log(self, log: EventLog) -> EventLog:
        """The log with the new names."""
        frame = log.frame.assign(**{CASE_ID: log.frame[CASE_ID].map(self.cases)})
        if RESOURCE in frame.columns:
            frame[RESOURCE] = frame[RESOURCE].map(self.people)
        ledger = replace(log.ledger, filtered=tuple(self._filtered(one, log) for one in log.ledger.filtered))
        people = tuple(self.people[name] for name in log.resources)
        return replace(log, frame=frame, resources=people, ledger=ledger)

    def profile(self, found: LogProfile) -> LogProfile:
        """A profile of the log with the new names: other columns may hold the old ones, and be quoted."""
        findings = (
            replace(
                one,
                message=self.text(one.message),
                examples=tuple(replace(example, text=self.text(example.text)) for example in one.examples),
            )
            for one in found.findings
        )
        return replace(found, findings=tuple(findings))

    def _filtered(self, why: Refusal, log: EventLog) -> Refusal:
        """Without the values that a filter chose, unless they are activities or lifecycles."""
        found = FILTERED.fullmatch(why.reason)
        stay = {name for role in (ACTIVITY, LIFECYCLE) for name in (role, log.schema.columns.get(role))}
        if found is None or found[1] in stay:
            return why
        return replace(why, reason=f"{found[1]} is not what was chosen")

    def asked(self, asked: Asked) -> Asked:
        """What a model says, with the new names."""
        return replace(
            asked,
            cases=self.table(asked.cases),
            events=None if asked.events is None else self.table(asked.events),
            drift=tuple(map(self.text, asked.drift)),
            warnings=tuple(map(self.text, asked.warnings)),
            no_truth=self.text(asked.no_truth),
            evaluation=None
            if asked.evaluation is None
            else replace(asked.evaluation, assessment=self.assessment(asked.evaluation.assessment)),
        )

    def assessment(self, found: Assessment) -> Assessment:
        """What was found, with the new names in its sentences."""
        return replace(
            found, sentence=self.text(found.sentence), warnings=tuple(map(self.text, found.warnings))
        )

    def table(self, table: pd.DataFrame) -> pd.DataFrame:
        """Predictions with the new names; in reasons, quoted names that nobody knows are left out."""
        new = {}
        if CASE_ID in table.columns:
            new[CASE_ID] = table[CASE_ID].astype(object).map(self.cases)
        if "current_resource" in table.columns:
            new["current_resource"] = table["current_resource"].astype(object).map(self.people)
        if REASON in table.columns:
            texts = table[REASON].astype(object)
            new[REASON] = texts.map({text: self.reason(str(text)) for text in texts.dropna().unique()})
        return table.assign(**new)

    def reason(self, text: str) -> str:
        """A reason: each quoted name stays if it is an activity, and is another one or none if it is not."""
        quoted = QUOTED.sub(lambda found: f"`{self._quoted(found[1])}`", text)
        return WORD.sub(lambda found: self.cases.get(found[0], found[0]), quoted)

    def _quoted(self, name: str) -> str:
        if name in self.activities:
            return name
        return self.people.get(name) or self.cases.get(name) or UNKNOWN

    def text(self, text: str) -> str:
        """A sentence with the new names: a number only where it is quoted or follows the word case."""
        return self._pattern.sub(self._new, text) if self._pattern is not None else text

    def _new(self, found: re.Match[str]) -> str:
        return self.people.get(found[0]) or self.cases.get(found[0]) or found[0]

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        names = sorted({*self.cases, *self.people} - self.activities, key=lambda one: (-len(one), one))
        words = [re.escape(name) for name in names if not name.isdigit() and name.strip()]
        numbers = [re.escape(name) for name in names if name.isdigit()]
        parts = [rf"(?<!\w)(?:{'|'.join(words)})(?!\w)"] if words else []
        if numbers:
            either = "|".join(numbers)
            parts.append(rf"(?<=['`\"])(?:{either})(?=['`\"])|(?<=[Cc]ase )(?:{either})(?!\w)")
        return re.compile("|".join(parts)) if parts else None


def pseudonyms(logs: Iterable[EventLog], activities: Iterable[str] = ()) -> Pseudonyms:
    """New names for all cases and people of these logs, in the order in which they appear."""
    cases: dict[str, str] = {}
    people: dict[str, str] = {}
    stay = set(activities)
    for log in logs:
        stay |= set(log.activities)
        for case in log.case_ids.tolist():
            cases.setdefault(str(case), f"case {len(cases) + 1}")
        for person in _in_order(log):
            people.setdefault(person, f"person {len(people) + 1}")
    return Pseudonyms(cases, people, frozenset(stay))


def _in_order(log: EventLog) -> list[str]:
    """All resources of a log by their first event in time; those without an event last."""
    if log.resource_codes is None:
        return list(log.resources)
    order = range(log.n_events) if log.times is None else log.times.argsort(kind="stable")
    seen = pd.unique(log.resource_codes[order])
    first = [log.resources[code] for code in seen.tolist() if code >= 0]
    return [*first, *(name for name in log.resources if name not in set(first))]
