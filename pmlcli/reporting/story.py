"""What a report is about: a log, the results of models, and the options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.errors import ValidationError, unknown_name
from pmlcli.evaluation.assessment import Assessment
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.profile import LogProfile
from pmlcli.eventlog.running import Standing
from pmlcli.lifecycle.evaluating import Evaluation

SECTIONS = {
    "in-short": "In short",
    "map": "Process map",
    "variants": "Variants",
    "over-time": "Over time",
    "waits": "Where time is lost",
    "dotted": "Dotted chart",
    "model": "The model",
    "cases": "Cases to look at",
    "quality": "Data quality",
    "made": "How it was made",
}
"""The sections of a report in their order, and their titles."""


TIMED = ("over-time", "waits", "dotted")
"""Sections that a log without times has nothing for."""
NO_TIMES = "The log has no times, so there is nothing to show here."


@dataclass(frozen=True)
class ReportOptions:
    """What a report shows.

    - `sections`: names out of `SECTIONS`; None for all
    - `top`: how many cases to look at; `paths`: the share of hand-overs that the map shows
    - `command`: the command line, as it stands in the last section
    """

    sections: tuple[str, ...] | None = None
    top: int = 20
    paths: float = 0.8
    title: str | None = None
    anonymise: bool = False
    command: str = ""

    def __post_init__(self) -> None:
        """Raises ValidationError for sections that there are not, and for numbers that cannot be meant."""
        if self.sections is not None and not self.sections:
            raise ValidationError(
                "no section is chosen, so the report would be empty",
                hint=f"name some of {', '.join(SECTIONS)}, or leave it out",
                context={"option": "sections"},
            )
        for name in self.sections or ():
            if name not in SECTIONS:
                raise unknown_name("section", name, tuple(SECTIONS))
        if self.top < 1:
            raise ValidationError(f"{self.top} cases to look at", hint="give 1 or more")
        if not 0 < self.paths <= 1:
            raise ValidationError(f"paths {self.paths} is no share", hint="give 0.8, or up to 1")

    @property
    def chosen(self) -> tuple[str, ...]:
        """The sections that are shown, in the order of the page."""
        return tuple(name for name in SECTIONS if self.sections is None or name in self.sections)


@dataclass(frozen=True)
class Asked:
    """A model, and what it says of the log.

    - `fields`: its manifest; `calibration`: what training kept beside it; `history`: of a forecast
    - `cases`, `events`: its predictions, a row a case (a bucket of a forecast) and a row an event
    - `activities`: those that training saw; `simple_way`: what its task's baseline does, `by the median`
    - `sla`: the limit that was asked about, seconds; None without one
    - `evaluation`: beside the truth, as far as the log has it; `no_truth` says why not
    """

    name: str
    task: str
    model_type: str
    digest: str
    fields: Mapping[str, Any]
    cases: pd.DataFrame
    events: pd.DataFrame | None = None
    calibration: Mapping[str, Any] = field(default_factory=dict)
    history: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Evaluation | None = None
    no_truth: str = ""
    activities: frozenset[str] = frozenset()
    simple_way: str = ""
    sla: float | None = None
    drift: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """How the page names it: its task in words, and its name."""
        return f"{self.task.replace('-', ' ')}: {self.name}"


@dataclass(frozen=True)
class Story:
    """All that a report's sections read. `other` is the comparison with a second log."""

    log: EventLog
    profile: LogProfile
    standing: Standing
    models: tuple[Asked, ...] = ()
    options: ReportOptions = field(default_factory=ReportOptions)
    other: Assessment | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The log's zone, in which all times are shown."""
        return ZoneInfo(self.log.schema.timezone)

    def of(self, task: str) -> Asked | None:
        """What the model of this task says; None without one."""
        return next((one for one in self.models if one.task == task), None)

    @cached_property
    def odd_cases(self) -> NDArray[np.bool_] | None:
        """Which cases a detector flagged, (cases,); None without one."""
        found = self.of("anomaly")
        return None if found is None else found.cases["is_anomaly"].to_numpy(dtype=np.bool_)

    @cached_property
    def odd_events(self) -> NDArray[np.bool_] | None:
        """Which events make flagged cases odd, (events,): those that a detector flagged, and of a case
        without any its oddest; None where it scores no events.
        """
        found = self.of("anomaly")
        if found is None or found.events is None or self.odd_cases is None:
            return None
        of_case, offsets = self.log.case_of_event, self.log.offsets
        odd = found.events["is_anomaly"].to_numpy(dtype=np.bool_) & self.odd_cases[of_case]
        bare = self.odd_cases & ~np.logical_or.reduceat(odd, offsets[:-1])
        order = np.lexsort((-found.events["score"].to_numpy(dtype=float), of_case))
        odd[order[offsets[:-1]][bare]] = True
        return np.asarray(odd)

    @cached_property
    def running(self) -> NDArray[np.bool_]:
        """Which cases have not ended, (cases,)."""
        return self.standing.is_running

    @cached_property
    def trained(self) -> tuple[int, int] | None:
        """From when until when the first model's training log went, microseconds UTC; None without one."""
        for one in self.models:
            log = one.fields["training_log"]
            if log.get("from") and log.get("until"):
                first, last = (int(pd.Timestamp(log[name]).timestamp() * 1e6) for name in ("from", "until"))
                return first, last
        return None

    def activity(self, code: int) -> str:
        """The name of an activity, `<missing>` for none."""
        return self.log.activities[code] if code >= 0 else "<missing>"
