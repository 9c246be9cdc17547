"""What a measuring command found: a verdict in words, figures with their intervals, and sections of detail.

`evaluate`, `compare`, `monitor` and their like all give one of these, so gates, metrics files and every
format of output read the same thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pmlcli.evaluation.notebook import page, table

MOST_SHOWN = 20
"""So many figures are shown in a notebook."""
_HEADERS = ("figure", "value", "lower", "upper", "n", "baseline", "training")
Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Figure:
    """One measured number.

    - `name`: in small letters with underscores, such as `accuracy` or `coverage_90`; a gate names it so
    - `value`: None where it cannot be measured
    - `unit`: `share` (0 to 1), `points` (a difference of shares), `seconds`, `days`, `cases`, ..., empty
      for a pure number
    - `n`: how many independent units (cases, days) it was measured on
    - `lower`, `upper`: its 95 % interval
    - `baseline`, `training`: what the baseline reached on the same units; what training measured
    - `group`: of which group of units it is, such as `{"activity": "Wait"}`; empty for all of them
    """

    name: str
    value: float | None
    unit: str = ""
    n: int | None = None
    lower: float | None = None
    upper: float | None = None
    baseline: float | None = None
    training: float | None = None
    higher_is_better: bool | None = None
    group: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form; what is not known is left out."""
        kept = {name: value for name, value in vars(self).items() if value is not None and value != {}}
        return kept | {"value": self.value}


@dataclass(frozen=True)
class Section:
    """A part of the detail: a title, sentences, and a table whose rows share their keys, the worst first."""

    title: str
    sentences: Sequence[str] = ()
    rows: Sequence[Mapping[str, Cell]] = ()
    units: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form."""
        return {
            "title": self.title,
            "sentences": list(self.sentences),
            "rows": [dict(row) for row in self.rows],
            "units": dict(self.units),
        }


@dataclass(frozen=True)
class Assessment:
    """What a measuring command found.

    - `command`: the command that found it
    - `verdict`: one or two words of a fixed list of the command's own, such as `worse` or `drift`
    - `sentence`: the verdict as a person would say it, one line, figures included
    - `is_bad`: whether a person should look at it
    - `facts`: what was measured on what, JSON-plain: `model` and `log` (names, or objects with `name`),
      `root_digest`, `measured_at` (ISO 8601), and what else is worth keeping
    - `fails`: whether the verdict itself ends the run with exit code 6; None where nobody set that
    """

    command: str
    verdict: str
    sentence: str
    is_bad: bool
    figures: Sequence[Figure]
    sections: Sequence[Section] = ()
    warnings: Sequence[str] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    fails: bool | None = None

    def __repr__(self) -> str:
        return f"<{self.command}: {self.sentence}>"

    def _repr_html_(self) -> str:
        figures = [one for one in self.figures if not one.group][:MOST_SHOWN]
        rows = [
            (one.name, one.value, one.lower, one.upper, one.n, one.baseline, one.training) for one in figures
        ]
        return page(self.sentence, self.warnings, table(_HEADERS, rows) if rows else "")

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form."""
        return {
            "command": self.command,
            "verdict": self.verdict,
            "sentence": self.sentence,
            "is_bad": self.is_bad,
            "figures": [figure.to_dict() for figure in self.figures],
            "sections": [section.to_dict() for section in self.sections],
            "warnings": list(self.warnings),
            **self.facts,
        }
