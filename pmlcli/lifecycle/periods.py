"""What the test part of a cut is, in dates and cases, and whether it tells of the cases to come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from pmlcli.errors import DamagedModelError
from pmlcli.evaluation.comparison import CutPeriod
from pmlcli.eventlog.far_events import near_moments
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.running import find_running
from pmlcli.eventlog.selection_bias import chosen_by_end
from pmlcli.eventlog.split import Split

YOUNG_SHARE = 1 / 3
"""Where more of a part's cases are still running, those that have ended are the short ones."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Periods:
    """The test parts of the cuts of one log; `needs_ended`: only cases that have ended can be measured on."""

    def __init__(self, log: EventLog, *, needs_ended: bool) -> None:
        self._needs_ended = needs_ended
        self._is_running = find_running(log) if needs_ended else np.zeros(log.n_cases, dtype=np.bool_)
        self._running = log.case_ids[self._is_running]
        self._log = log

    def of(self, cut: Split) -> CutPeriod:
        """Dates and cases, and why the part says nothing of the cases to come, if it does not."""
        times = cut.period
        since, until = (None, None) if times is None else map(date_of, times)
        return CutPeriod(cut.test.n_cases, since, until, self._bias(cut.test))

    def doubts(self) -> list[str]:
        """Why nothing that is measured on this log can be believed."""
        found = chosen_by_end(self._log, self._is_running) if self._needs_ended else None
        return [] if found is None else [found]

    def _bias(self, test: EventLog) -> str | None:
        share = float(np.isin(test.case_ids, self._running).mean()) if len(self._running) else 0.0
        if share <= YOUNG_SHARE:
            return None
        return f"{share:.0%} of its cases are still running, and those that have ended are the short ones"


def span(log: EventLog) -> dict[str, str]:
    """`from` and `until`, the times of the first and the last event (ISO 8601, UTC); empty without times.

    Events far from all others do not count: a mistyped year would make every later log an old one.
    """
    log = near_moments(log)
    if log.times is None or not log.n_events:
        return {}
    return {"from": date_of(int(log.times.min())), "until": date_of(int(log.times.max()))}


def until_of(training_log: Mapping[str, Any]) -> int | None:
    """The last moment of the training log as a manifest keeps it, in microseconds since 1970 UTC, a second's
    last; None where it does not say.

    DamagedModelError for what is no time.
    """
    known = training_log.get("until")
    if known is None:
        return None
    try:
        moment = datetime.fromisoformat(known)
        return int((moment - _EPOCH) / timedelta(microseconds=1)) + 999_999
    except (TypeError, ValueError, OverflowError) as error:
        raise DamagedModelError(
            "manifest.json: training_log.until is no time", hint="train the model again"
        ) from error


def date_of(micros: int) -> str:
    """ISO 8601 in UTC, to the second; whatever the year, within what a date can say."""
    seconds = max(min(micros // 1_000_000, 253_402_300_799), -62_135_596_800)
    return (_EPOCH + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
