"""Remaining time: how long after each prefix the last event of its case comes."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.form import Column, columns
from pmlcli.algorithms._interface.inherited import InheritedTask
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._prefixes.request import Asked, Columns, Rows
from pmlcli.algorithms._prefixes.task import PrefixPredictor, about_split
from pmlcli.algorithms.remaining_time._quantiles import (
    LEVELS,
    MIDDLE,
    Floats,
    calibrated,
    coverage,
    given_silence,
    learn_factors,
    share_below,
)
from pmlcli.algorithms.remaining_time._rows import DAY, HOUR, known_rows, moments, remaining_seconds
from pmlcli.encoding.base import Encoding
from pmlcli.encoding.events.sequences import Sequences
from pmlcli.errors import TrainingError, ValidationError
from pmlcli.evaluation.measurement import Measurement, mean_over
from pmlcli.eventlog.log import EventLog, no_times
from pmlcli.eventlog.split import Split, measured_prefixes


class _RemainingTime(InheritedTask):
    name = "remaining-time"
    baseline = "remaining-time/median"
    recommended = "remaining-time/ensemble"
    sample_name = "cases that have ended"


@dataclass(kw_only=True)
class RemainingTimePredictor(PrefixPredictor):
    """Gives each prefix the quantiles `LEVELS` of the time until the last event of its case.

    A case that is running has no remaining time yet: it is not learned from (but see `survival`), not
    measured on, and not calibrated on.
    """

    task: ClassVar[InheritedTask] = _RemainingTime()
    understands: ClassVar[tuple[str, ...]] = (*PrefixPredictor.understands, "sla")

    @abstractmethod
    def quantiles(self, data: Any, rows: Rows) -> Floats:
        """(rows, levels): seconds that remain after these events at each of `LEVELS`; need not ascend.

        A row depends on the events of its case up to that one, and on what was around.
        """

    def count_samples(self, data: Sequences) -> int:
        """Cases that have ended; LogError without times."""
        if data.micros is None:
            raise no_times("which a remaining time is made of")
        return int((~data.is_running).sum())

    def calibrate(self, encoding: Encoding[Any], split: Split, log: EventLog) -> dict[str, Any]:
        """What stretches the quantiles so that as many held-out prefixes lie below each as should, and the
        share of the later half of them that the intervals held when only the earlier half was looked at.
        """
        data = encoding.transform(split.test)
        rows = known_rows(data, measured_prefixes(split))
        found, came = _ascending(self.quantiles(data, rows)), remaining_seconds(data)[rows]
        began = data.starts[data.case_of_event[rows]]
        is_early = began <= np.median(began) if len(rows) else began > 0
        factors = learn_factors(found, came).tolist()
        which, silent = moments(data, rows)
        rest = given_silence(calibrated(found, factors)[which], silent) - silent[:, None]
        left = came[which] - silent
        running = coverage(rest, left, is_early[which])
        return {
            "levels": list(LEVELS),
            "factors": factors,
            "running_factors": learn_factors(rest, left).tolist(),
            "held_out_prefixes": len(rows),
            **coverage(found, came, is_early),
            "coverage_90_running": running["coverage_90"],
        }

    def measure(self, encoding: Encoding[Any], split: Split, log: EventLog) -> Measurement:
        """Mean absolute error in days of the medians, over prefixes of the test part, see `error`."""
        data = encoding.transform(split.test)
        return self.error(data, measured_prefixes(split), about_split(split))

    def error(
        self, data: Sequences, counted: NDArray[np.bool_] | None = None, about: str = ""
    ) -> Measurement:
        """Mean absolute error in days over prefixes of 2 to n - 1 events (of those counted), case by case.

        Where there is none, of one event too. TrainingError where that leaves none.
        """
        rows = known_rows(data, counted)
        longer = rows[data.position[rows] > 0]
        rows = longer if len(longer) else rows
        if len(rows) == 0:
            raise TrainingError(
                "no case of the test part has ended with two events or more: no remaining time to measure on",
                code="training.samples",
                hint="train on a longer log",
            )
        errors = np.abs(self._answers(data, rows)[:, MIDDLE] - remaining_seconds(data)[rows]) / DAY
        case = np.searchsorted(data.offsets, rows, side="right") - 1
        sums = np.bincount(case, weights=errors, minlength=data.n_cases).astype(np.float64)
        counts = np.bincount(case, minlength=data.n_cases).astype(np.float64)
        return Measurement(
            metric="mae",
            unit="days",
            higher_is_better=False,
            n_units=int((counts > 0).sum()),
            value_of=mean_over(sums[counts > 0], counts[counts > 0]),
            about="mean absolute error of the median, over all prefixes of two events or more but the whole "
            f"case, of cases that have ended; {about}".rstrip("; "),
        )

    def answer(self, asked: Asked) -> Columns:
        """remaining_seconds, lower, upper, expected_end, and with `sla` sla_breach_probability."""
        data, silent = asked.data, asked.silent
        rest = self._rest(data, asked.rows, silent)
        seconds = np.ceil(silent)[:, None] + rest
        now = data.micros[asked.rows]
        ends = now + (seconds[:, MIDDLE] * 1e6).astype(np.int64)
        stamps = pd.DatetimeIndex(ends.view("datetime64[us]")).tz_localize("UTC")
        table: Columns = {
            "remaining_seconds": seconds[:, MIDDLE],
            "lower": seconds[:, 0],
            "upper": seconds[:, -1],
            "expected_end": stamps.tz_convert(asked.log.schema.timezone),
        }
        if asked.request.sla is not None:
            left = asked.request.sla - (now - data.began[asked.rows]) / 1e6
            table["sla_breach_probability"] = 1 - share_below(rest, left - silent)
        return table

    def answer_columns(self, request: PredictRequest) -> tuple[Column, ...]:
        """Seconds, and when the case ends; with `sla` a probability."""
        return (
            *columns("number", "remaining_seconds", "lower", "upper"),
            *columns("time", "expected_end"),
            *(columns("number", "sla_breach_probability") if request.sla is not None else ()),
        )

    def strength(self, asked: Asked, answers: Columns, data: Any, rows: Rows) -> Floats:
        """The remaining seconds."""
        return np.asarray(np.ceil(asked.silent) + self._rest(data, rows, asked.silent)[:, MIDDLE])

    def say_change(self, change: float) -> str:
        """Days, or hours below one."""
        return f"{change / DAY:+.1f} d" if abs(change) >= DAY else f"{change / HOUR:+.1f} h"

    def check_request(self, request: PredictRequest) -> None:
        """Also what `sla` may be."""
        super().check_request(request)
        if request.sla is not None and not request.sla > 0:
            raise ValidationError(f"sla is {request.sla:g} seconds, but must be more than 0")

    def output_units(self) -> dict[str, str]:
        """Times in seconds, and a probability as a share."""
        seconds = dict.fromkeys(("remaining_seconds", "lower", "upper"), "seconds")
        return super().output_units() | seconds | {"sla_breach_probability": "share"}

    def remarks(self, data: Any, log: EventLog) -> list[str]:
        """How well the intervals held."""
        found, width = self.calibration_.get("coverage_90"), self.calibration_.get("median_width_seconds")
        if found is None or width is None:
            return ["too few cases had ended to check how well the 90 % intervals hold"]
        running = self.calibration_.get("coverage_90_running")
        asked = "" if running is None else f" ({running:.0%} asked of running cases at any moment)"
        return [
            f"intervals of 90 %, set on the earlier half of the test part, held {found:.0%} of the later "
            f"half{asked}; half of them are wider than {width / DAY:.1f} days"
        ]

    def _answers(self, data: Any, rows: Rows) -> Floats:
        """Calibrated quantiles in whole seconds (so no bit depends on the company), (rows, levels)."""
        found = _ascending(self.quantiles(data, rows)) if len(rows) else np.zeros((0, len(LEVELS)))
        return np.rint(calibrated(found, self.calibration_.get("factors")))

    def _rest(self, data: Any, rows: Rows, silent: Floats) -> Floats:
        """Quantiles of the whole seconds still to come after so long a silence (rows,), (rows, levels)."""
        usual = self._answers(data, rows)
        rest = calibrated(
            given_silence(usual, silent) - silent[:, None], self.calibration_.get("running_factors")
        )
        return np.where(silent[:, None] > 0, np.rint(np.maximum(rest, 0.0)), usual)


def _ascending(quantiles: Floats) -> Floats:
    """Not below 0 and in order (Chernozhukov, Fernandez-Val and Galichon, 2010)."""
    return np.sort(np.maximum(quantiles, 0.0), axis=1)
