"""Predictions of every prefix beside what came true, as the log alone tells it."""

from __future__ import annotations

import math
import re
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.task import BesideTruth, Calibration
from pmlcli.algorithms._prefixes.rows import joined
from pmlcli.arrays import Codes
from pmlcli.errors import LogError, ValidationError
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.running import find_running

NO_LABELS = "the log itself shows what came next"
"""Why a task takes no labels."""
Flags = NDArray[np.bool_]


class Prefixes:
    """The prefixes of a log, one an event, and what is known of each: arrays (events,)."""

    def __init__(self, log: EventLog, labels: object = None, no_labels: str | None = None) -> None:
        if labels is not None and no_labels is not None:
            raise ValidationError(
                f"labels are for the tasks outcome and anomaly: {no_labels}", hint="leave --labels out"
            )
        self._log = log

    @cached_property
    def running_cases(self) -> Flags:
        """(cases,): not ended at the log's end."""
        return find_running(self._log)

    @cached_property
    def is_running(self) -> Flags:
        """Of a case that has not ended."""
        return np.repeat(self.running_cases, self._log.lengths)

    @cached_property
    def lengths(self) -> Codes:
        """Events so far."""
        return np.arange(self._log.n_events) - np.repeat(self._log.offsets[:-1], self._log.lengths) + 1

    @cached_property
    def is_whole(self) -> Flags:
        """All events of its case."""
        return np.asarray(self.lengths == np.repeat(self._log.lengths, self._log.lengths))

    @property
    def names(self) -> tuple[str, ...]:
        """The activities of the log."""
        return self._log.activities

    def next_activities(self, end: str) -> NDArray[np.object_]:
        """The activity that follows, `end` after the last; None where the log has none there."""
        names = np.array([*self.names, None], dtype=object)  # MISSING is the last
        following = np.full(self._log.n_events, end, dtype=object)
        following[~self.is_whole] = names[self._log.activity_codes[1:]][~self.is_whole[:-1]]
        return following

    def suffixes(self, separator: str, end: str) -> NDArray[np.object_]:
        """All activities that follow, and `end`."""
        names = np.array([*self.names, "?"], dtype=object)[self._log.activity_codes]
        ends = np.repeat(self._log.offsets[1:], self._log.lengths)
        found = np.empty(self._log.n_events, dtype=object)
        found[:] = [
            joined([*names[place + 1 : last], end], separator) for place, last in enumerate(ends.tolist())
        ]
        return found

    def beside(self, table: pd.DataFrame, is_counted: Flags, truth: NDArray[Any]) -> BesideTruth:
        """The rows of those prefixes that count, with their truth; LogError where there is none.

        `table` has a row an event, in the log's order; `truth` is (events,).
        """
        rows = np.flatnonzero(is_counted)
        if len(rows) == 0:
            raise LogError(
                f"{self._log.source.name}: nothing to compare predictions with: no case has ended, or "
                "none has a known outcome",
                code="log.truth",
                hint="evaluate on a log whose cases have ended; `pmlcli inspect LOG` says how many run",
            )
        kept = table.iloc[rows].reset_index(drop=True)
        return BesideTruth(kept.assign(truth=truth[rows]), self._log.case_of_event[rows], rows)


def learned(calibration: Calibration, key: str) -> float | None:
    """A number that training found on held-out cases; None where there is none."""
    match calibration.get(key):
        case int() | float() as value if math.isfinite(value):
            return float(value)
    return None


def names_in(text: str, separator: str) -> tuple[str, ...]:
    """The inverse of `joined`, as far as names that begin with a quote allow it."""
    end = rf"(?:{re.escape(separator)}|$)"
    found = re.findall(rf'(?:"((?:[^"]|"")*)"|(.*?)){end}', text) if text else []
    return tuple(quoted.replace('""', '"') or plain for quoted, plain in found if quoted or plain)


def held_by(sets: NDArray[Any], names: NDArray[Any], separator: str) -> tuple[Flags, Codes]:
    """Whether each set, written as by `joined`, holds its name, and how many names it holds, (rows,) each."""
    set_codes, texts = pd.factorize(sets)
    name_codes, found = pd.factorize(names)
    parts = [names_in(str(text), separator) for text in texts]
    # Each pair is looked at once: there are few different ones.
    pairs, which = np.unique(set_codes * (len(found) + 1) + name_codes + 1, return_inverse=True)
    of_set, of_name = np.divmod(pairs, len(found) + 1)
    told = [*found]
    is_held = np.array(
        [name > 0 and told[name - 1] in parts[one] for one, name in zip(of_set, of_name, strict=True)],
        dtype=np.bool_,
    )
    return is_held[which], np.array([len(part) for part in parts], dtype=np.int64)[set_codes]
