"""One column of a case profile, and how its value is put in words."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

SECONDS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
START, END = "<start>", "<end>"
"""Stand for the borders of a trace in pairs of activities."""


@dataclass(frozen=True)
class FeatureColumn:
    """What one column counts or measures.

    - `kind`: a key of `SENTENCES`
    - `subject`: the activity, resource or attribute it is about; `other`: the activity that follows, or
      the attribute's value. Columns that gather rare values (`kind` begins with `rare_`) leave them empty.
    - `typical`: its median over the training cases, in its own units (durations: log1p of seconds)
    """

    kind: str
    subject: str = ""
    other: str = ""
    typical: float = 0.0

    @property
    def name(self) -> str:
        """The column's name: its kind, and what it is about."""
        return ":".join(part for part in (self.kind, self.subject, self.other) if part)

    @property
    def is_measure(self) -> bool:
        """Whether it measures (time, amount) rather than counts."""
        return self.kind in MEASURES

    def sentence(self, value: float, subject: str = "", other: str = "") -> str:
        """A case's value in process words, beside the typical one.

        `subject` and `other` name the case's own example for columns that gather rare values.
        """
        return SENTENCES[self.kind](self, value, subject or self.subject, other or self.other)


Sentence = Callable[[FeatureColumn, float, str, str], str]
MEASURES = frozenset({"duration", "gap_mean", "gap_max", "number_mean", "number_max", "number"})


def duration_words(seconds: float) -> str:
    """Seconds as people say them: `4 d`, `1.5 h`, `20 s`."""
    for size, unit in SECONDS:
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def number_words(value: float) -> str:
    """A number with thousands separators and at most four significant digits."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{float(f'{value:.4g}'):g}"


def times_words(count: float) -> str:
    """A count of happenings: `never`, `once`, `3 times`."""
    whole = round(count)
    return {0: "never", 1: "once"}.get(whole, f"{whole} times")


def _acted(verb: str) -> Sentence:
    def sentence(column: FeatureColumn, value: float, subject: str, _other: str) -> str:
        said = f"never {verb}" if value < 0.5 else f"{verb} {times_words(value)}"
        return f"`{subject}` {said} (typically {times_words(column.typical)})"

    return sentence


def _step(subject: str, other: str, negated: bool = False) -> str:
    if subject == START:
        return f"did not begin with `{other}`" if negated else f"began with `{other}`"
    if other == END:
        return f"did not end with `{subject}`" if negated else f"ended with `{subject}`"
    return f"`{subject}` {'not ' if negated else ''}directly followed by `{other}`"


def _pair(column: FeatureColumn, value: float, subject: str, other: str) -> str:
    if value < 0.5:
        return f"{_step(subject, other, negated=True)}, though typically so"
    if column.typical < 0.5:
        return f"{_step(subject, other)} though typically not"
    return f"{_step(subject, other)} {times_words(value)} (typically {times_words(column.typical)})"


def _rare_pair(column: FeatureColumn, value: float, subject: str, other: str) -> str:
    if not subject:
        return f"unusual steps: {round(value)} (typically {round(column.typical)})"
    return f"{_step(subject, other)}, hardly ever or never seen before"


def _rare(thing: str) -> Sentence:
    def sentence(column: FeatureColumn, value: float, subject: str, other: str) -> str:
        if value < 0.5:
            return f"without {thing}, though typically with one"
        if not subject:
            return f"with {thing}, though typically without"
        return f"`{other}` is {thing} of '{subject}'" if other else f"`{subject}` is {thing}"

    return sentence


def _rare_work(column: FeatureColumn, value: float, subject: str, other: str) -> str:
    if not subject:
        return f"events by unusual hands: {round(value)} (typically {round(column.typical)})"
    return f"`{other}` did `{subject}`, hardly ever or never done by them before"


def _missing(column: FeatureColumn, value: float, subject: str, _other: str) -> str:
    return f"events without {subject}: {round(value)} (typically {round(column.typical)})"


def _count(what: str) -> Sentence:
    def sentence(column: FeatureColumn, value: float, _subject: str, _other: str) -> str:
        return f"{round(value)} {what} (typically {round(column.typical)})"

    return sentence


def _took(verb: str, tail: str = "") -> Sentence:
    def sentence(column: FeatureColumn, value: float, _subject: str, _other: str) -> str:
        typical = duration_words(math.expm1(column.typical))
        return f"{verb} {duration_words(math.expm1(max(value, 0.0)))}{tail} (typically {typical})"

    return sentence


def _hour(column: FeatureColumn, value: float, _subject: str, _other: str) -> str:
    return f"started in the hour from {round(value):02d}:00 (typically {round(column.typical):02d}:00)"


def _weekday(column: FeatureColumn, value: float, _subject: str, _other: str) -> str:
    typical = WEEKDAYS[round(column.typical) % 7]
    return f"started on a {WEEKDAYS[round(value) % 7]} (typically around {typical})"


def _number(how: str) -> Sentence:
    def sentence(column: FeatureColumn, value: float, subject: str, _other: str) -> str:
        return f"'{subject}' is {how}{number_words(value)} (typically {number_words(column.typical)})"

    return sentence


def _category(column: FeatureColumn, value: float, subject: str, other: str) -> str:
    return f"'{subject}' was `{other}` {times_words(value)} (typically {times_words(column.typical)})"


SENTENCES: dict[str, Sentence] = {
    "length": _count("events"),
    "activity": _acted("happened"),
    "rare_activity": _rare("an activity never seen before"),
    "missing": _missing,
    "pair": _pair,
    "rare_pair": _rare_pair,
    "resources": _count("different resources"),
    "handovers": _count("handovers of work"),
    "resource": _acted("acted"),
    "rare_resource": _rare("a resource never seen before"),
    "rare_work": _rare_work,
    "duration": _took("took"),
    "gap_mean": _took("waited", " between events on average"),
    "gap_max": _took("waited", " between two events"),
    "start_hour": _hour,
    "start_weekday": _weekday,
    "number": _number(""),
    "number_mean": _number("on average "),
    "number_max": _number("at most "),
    "category": _category,
    "rare_category": _rare("a rare or new value"),
}
"""Every kind of column, and its sentence."""
