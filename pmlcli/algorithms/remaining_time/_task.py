"""Remaining time: how long after each prefix the last event of its case comes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.form import Column, columns
from pmlcli.algorithms._interface.request import Fields
from pmlcli.algorithms._interface.task import BesideTruth, Calibration, Fitted
from pmlcli.algorithms._prefixes.due import NEVER, due_columns, due_micros, lateness
from pmlcli.algorithms._prefixes.request import Columns, PrefixData, Requested
from pmlcli.algorithms._prefixes.rows import about_split, pooled
from pmlcli.algorithms._prefixes.task import PrefixTask, SplitChoice
from pmlcli.algorithms._prefixes.truth import NO_LABELS, Prefixes, learned
from pmlcli.algorithms.remaining_time._quantiles import (
    LEVELS,
    MIDDLE,
    ascending,
    calibrated,
    coverage,
    given_silence,
    learn_factors,
    share_below,
)
from pmlcli.algorithms.remaining_time._request import RemainingTimeRequest
from pmlcli.algorithms.remaining_time._rows import DAY, HOUR, known_rows, moments, remaining_seconds
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.sequences import Sequences
from pmlcli.errors import TrainingError
from pmlcli.evaluation.measurement import Measurement, mean_over
from pmlcli.evaluation.quality import Quality, mean_of
from pmlcli.eventlog.log import EventLog, no_times
from pmlcli.eventlog.split import Split, measured_prefixes

Known: TypeAlias = "Fitted[RemainingTimePredictor[Any], Sequences]"
"""An algorithm of this task that has learned; its encoding gives what its `quantiles` take."""


class HeldOut(NamedTuple):
    """Prefixes of the ended cases of a test part that something came after, arrays (rows,).

    - `quantiles`: (rows, levels), seconds, not below 0 and ascending, as the algorithm gives them
    - `came`: the seconds that came; `cases`: which case; `lengths`: events so far
    - `began`, `at`, `until`: when the case began, when the prefix ended and when the next event came, in
      microseconds
    - `about`: what the test part is
    """

    quantiles: Floats
    came: Floats
    cases: Codes
    lengths: Codes
    began: Codes
    at: Codes
    until: Codes
    about: str


class RemainingTimeTask(PrefixTask["RemainingTimePredictor[Any]", Sequences, HeldOut, RemainingTimeRequest]):
    """Gives each prefix a median and an interval of the time until the last event of its case, made to hold
    by what held-out cases took.

    A case that is running has no remaining time yet: it is not learned from (but see `survival`), not
    measured on, and not calibrated on.
    """

    name = "remaining-time"
    baseline = "remaining-time/median"
    recommended = "remaining-time/ensemble"
    sample_name = "cases that have ended"
    request = RemainingTimeRequest
    flags = ("is_late",)
    risks = ("late_probability", "sla_breach_probability", "remaining_seconds")
    baseline_phrase = "by the median"

    def count_samples(self, algorithm: RemainingTimePredictor[Any], data: Sequences) -> int:
        """Cases that have ended; LogError without times."""
        if data.micros is None:
            raise no_times("which a remaining time is made of")
        return int((~data.is_running).sum())

    def needs_ended(self, algorithm: RemainingTimePredictor[Any]) -> bool:
        """A running case has no remaining time yet."""
        return True

    # --- measured on held-out cases

    def held_out(self, fitted: Known, split: Split, log: EventLog) -> HeldOut:
        """The prefixes of the test part's ended cases."""
        data = fitted.encoding.transform(split.test)
        return held_out_prefixes(fitted.algorithm, data, measured_prefixes(split), about_split(split))

    def calibrate(self, algorithm: RemainingTimePredictor[Any], held_out: Sequence[HeldOut]) -> Calibration:
        """What stretches the quantiles so that as many held-out prefixes lie below each as should, and the
        share of the later half of them that the intervals held when only the earlier half was looked at.
        """
        found = joined_parts(held_out)
        median_start = np.median(found.began) if len(found.began) else 0
        is_early = found.began <= median_start
        factors = learn_factors(found.quantiles, found.came).tolist()
        which, silent = moments(found.at, found.until)
        rest = given_silence(calibrated(found.quantiles, factors)[which], silent) - silent[:, None]
        left = found.came[which] - silent
        running = coverage(rest, left, is_early[which])
        return {
            "levels": list(LEVELS),
            "factors": factors,
            "running_factors": learn_factors(rest, left).tolist(),
            "held_out_prefixes": len(found.came),
            **coverage(found.quantiles, found.came, is_early),
            "coverage_90_running": running["coverage_90"],
        }

    def measure(
        self, algorithm: RemainingTimePredictor[Any], held_out: Sequence[HeldOut], calibration: Calibration
    ) -> Measurement:
        """Mean absolute error in days of the medians, over prefixes of 2 to n - 1 events, case by case.

        Where there is none, of one event too. TrainingError where that leaves none.
        """
        found = joined_parts(held_out)
        counted = np.flatnonzero(found.lengths > 1)
        counted = counted if len(counted) else np.arange(len(found.lengths))
        if len(counted) == 0:
            raise TrainingError(
                "no case of the test part has ended with two events or more: no remaining time to measure on",
                code="training.samples",
                hint="train on a longer log",
            )
        # Calibration leaves the median as it is.
        errors = np.abs(np.rint(found.quantiles[counted, MIDDLE]) - found.came[counted]) / DAY
        cases, unit, counts = np.unique(found.cases[counted], return_inverse=True, return_counts=True)
        sums = np.bincount(unit, weights=errors, minlength=len(cases)).astype(np.float64)
        return Measurement(
            metric="mae",
            unit="days",
            higher_is_better=False,
            n_units=len(cases),
            value_of=mean_over(sums, counts.astype(np.float64)),
            about="mean absolute error of the median, over all prefixes of two events or more but the whole "
            f"case, of cases that have ended; {found.about}".rstrip("; "),
        )

    def remarks(self, fitted: Known, data: Sequences, log: EventLog) -> list[str]:
        """How well the intervals held."""
        known = fitted.calibration
        found, width = known.get("coverage_90"), known.get("median_width_seconds")
        if found is None or width is None:
            return ["too few cases had ended to check how well the 90 % intervals hold"]
        running = known.get("coverage_90_running")
        whenever = "" if running is None else f" ({running:.0%} for cases that were still running)"
        return [
            f"intervals of 90 %, set on the earlier half of the held-out cases, held {found:.0%} of the "
            f"later half{whenever}; half of them are wider than {width / DAY:.1f} days"
        ]

    # --- evaluation

    def evaluation_request(self, algorithm: RemainingTimePredictor[Any]) -> Fields:
        """Of every prefix."""
        return {"every_prefix": True}

    def beside_truth(
        self,
        algorithm: RemainingTimePredictor[Any],
        calibration: Calibration,
        log: EventLog,
        table: pd.DataFrame,
        labels: NDArray[np.object_] | None,
    ) -> BesideTruth:
        """Prefixes of two events or more but the whole case, of cases that have ended, as in training."""
        if log.times is None:
            raise no_times("which a remaining time is made of")
        known = Prefixes(log, labels, NO_LABELS)
        left = np.maximum(np.repeat(log.times[log.offsets[1:] - 1], log.lengths) - log.times, 0) / 1e6
        is_known = ~known.is_whole & ~known.is_running
        is_counted = is_known & (known.lengths > 1)
        found = known.beside(table, is_counted if is_counted.any() else is_known, left)
        said, came = found.table["remaining_seconds"], found.table["truth"]
        return found._replace(
            table=found.table.assign(
                error_days=(said - came) / DAY,
                absolute_error_days=(said - came).abs() / DAY,
                is_in_interval=(found.table["lower"] <= came) & (came <= found.table["upper"]),
                width_days=(found.table["upper"] - found.table["lower"]) / DAY,
            )
        )

    def qualities(
        self, algorithm: RemainingTimePredictor[Any], calibration: Calibration, table: pd.DataFrame
    ) -> tuple[Quality, ...]:
        """Mean absolute error, mean error, and how often the interval held."""
        held = learned(calibration, "coverage_90")
        return (
            Quality("mae", "days", False, mean_of("absolute_error_days"), phrase="off by {} on average"),
            Quality("bias", "days", None, mean_of("error_days")),
            Quality("coverage_90", "share", None, mean_of("is_in_interval"), held),
            Quality("interval_width", "days", None, mean_of("width_days")),
        )

    # --- answers

    def predictions(self, fitted: Known, requested: Requested[Sequences, RemainingTimeRequest]) -> Columns:
        """remaining_seconds, lower, upper, expected_end; with `sla` sla_breach_probability; with `due` due,
        late_probability and is_late.
        """
        data, silent = requested.data, requested.silent
        rest = _rest(fitted, data, requested.rows, silent)
        seconds = np.ceil(silent)[:, None] + rest
        assert data.micros is not None
        now = data.micros[requested.rows]
        ends = now + (seconds[:, MIDDLE] * 1e6).astype(np.int64)
        stamps = pd.DatetimeIndex(ends.view("datetime64[us]")).tz_localize("UTC")
        table: Columns = {
            "remaining_seconds": seconds[:, MIDDLE],
            "lower": seconds[:, 0],
            "upper": seconds[:, -1],
            "expected_end": stamps.tz_convert(requested.log.schema.timezone),
        }
        if requested.request.sla is not None:
            left = requested.request.sla - (now - data.began[requested.rows]) / 1e6
            table["sla_breach_probability"] = 1 - share_below(rest, left - silent)
        if requested.request.due is not None:
            due = due_micros(requested, requested.request.due)
            late = 1 - share_below(rest, (due - now) / 1e6 - silent)
            found = lateness(requested, due, ends)
            table |= {
                "due": found.pop("due"),
                "late_probability": np.where(due == NEVER, np.nan, late),
                **found,
            }
        return table

    def prediction_columns(self, request: RemainingTimeRequest) -> tuple[Column, ...]:
        """Seconds, and when the case ends; with `sla` and `due` the risk of a breach and of being late."""
        return (
            *columns("number", "remaining_seconds", "lower", "upper"),
            *columns("time", "expected_end"),
            *(columns("number", "sla_breach_probability") if request.sla is not None else ()),
            *due_columns(request, *columns("number", "late_probability")),
        )

    def strength(
        self,
        fitted: Known,
        requested: Requested[Sequences, RemainingTimeRequest],
        predictions: Columns,
        data: Sequences,
        rows: Codes,
    ) -> Floats:
        """The remaining seconds."""
        return np.asarray(np.ceil(requested.silent) + _rest(fitted, data, rows, requested.silent)[:, MIDDLE])

    def say_change(self, change: float) -> str:
        """Days, or hours below one."""
        return f"{change / DAY:+.1f} d" if abs(change) >= DAY else f"{change / HOUR:+.1f} h"

    def units(self, algorithm: RemainingTimePredictor[Any]) -> dict[str, str]:
        """Times in seconds, and a probability as a share."""
        seconds = dict.fromkeys(("remaining_seconds", "lower", "upper"), "seconds")
        shares = dict.fromkeys(("sla_breach_probability", "late_probability"), "share")
        return super().units(algorithm) | seconds | shares


@dataclass(kw_only=True)
class RemainingTimePredictor(Algorithm[PrefixData], Generic[PrefixData]):
    """An algorithm of the task remaining-time: it gives quantiles of the seconds that remain."""

    task: ClassVar[RemainingTimeTask] = RemainingTimeTask()

    split: SplitChoice = "temporal"

    @abstractmethod
    def quantiles(self, data: PrefixData, rows: Codes) -> Floats:
        """(rows, levels): seconds that remain after these events at each of `LEVELS`; need not ascend.

        A row depends on the events of its case up to that one, and on its inter-case features.
        """


def held_out_prefixes(
    algorithm: RemainingTimePredictor[Any], data: Sequences, counted: NDArray[np.bool_], about: str
) -> HeldOut:
    """What the algorithm says of those prefixes of these cases that are counted, (events,), and are known."""
    assert data.micros is not None
    rows = known_rows(data, counted)
    cases = data.case_of_event[rows]
    return HeldOut(
        quantiles=_quantiles(algorithm, data, rows),
        came=remaining_seconds(data)[rows],
        cases=cases,
        lengths=data.position[rows] + 1,
        began=data.starts[cases],
        at=data.micros[rows],
        until=data.micros[rows + 1],
        about=about,
    )


def joined_parts(held_out: Sequence[HeldOut]) -> HeldOut:
    """The tables of several cuts as one."""
    return pooled(held_out, ("quantiles", "came", "lengths", "began", "at", "until"))


def _quantiles(algorithm: RemainingTimePredictor[Any], data: Sequences, rows: Codes) -> Floats:
    return ascending(algorithm.quantiles(data, rows)) if len(rows) else np.zeros((0, len(LEVELS)))


def _rest(fitted: Known, data: Sequences, rows: Codes, silent: Floats) -> Floats:
    """Quantiles of the whole seconds still to come after so long a silence (rows,), (rows, levels).

    Calibrated, and whole, so that no bit depends on what else is asked for.
    """
    known = fitted.calibration
    usual = np.rint(calibrated(_quantiles(fitted.algorithm, data, rows), known.get("factors")))
    rest = calibrated(given_silence(usual, silent) - silent[:, None], known.get("running_factors"))
    return np.where(silent[:, None] > 0, np.rint(np.maximum(rest, 0.0)), usual)
