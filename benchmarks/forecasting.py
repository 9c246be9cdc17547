"""Forecasts KPI series of real logs and the public directly-follows series, beside statsforecast.

    python benchmarks/forecasting.py --directly-follows SERIES.csv.gz LOG.xes.gz ... \\
        [--algorithms auto,theta] [--no-peers] [--journal FILE] [--tabulate] \\
        [-o benchmarks/results/forecasting.txt]

With a journal each figure is written down when it is measured, so that a run that was stopped goes on where
it was, as long as not a line of the code has changed; `--tabulate` makes the tables of what is there.

Rolling origins one day apart in the last fifth of each series, 7 days ahead, whole windows only.
Everything is learned once, from the first four fifths, and only filters what comes later; so are the
peers (`cross_validation(refit=False)`), which live in a virtual environment of their own, made on the
first run from `benchmarks/requirements-forecasting.txt`. MASE is the mean absolute error over that of the
7-day seasonal naive on the same windows. Intervals are calibrated on the last fifth of the training part and
take in the errors of the days that came since, as a prediction for a newer log does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _peers import peers_python
from _result import tell

import pmlcli
from pmlcli import registry
from pmlcli.algorithms._interface.base import clone
from pmlcli.algorithms.forecast._intervals import LEVELS, fit_intervals
from pmlcli.algorithms.forecast._series import (
    HALF_LIFE,
    MAXIMUM_ORIGINS,
    MEMORY,
    Backtest,
    backtest,
    first_test_bucket,
    phases,
)
from pmlcli.encoding.series.encoding import Series, SeriesEncoding, first_completion
from pmlcli.eventlog import read_log
from pmlcli.lifecycle.reproducible import reproducible

KPIS = ("arrivals", "completions", "open-cases", "cycle-time")
HORIZON, SEASON, SHORTEST = 7, 7, 60
NAIVE = "seasonal-naive"
SLOW = (
    "lstm", "gru", "bidirectional-lstm", "temporal-convolution", "prophet", "arima-lstm", "prophet-xgboost",
)  # fmt: skip
HALVES = {"arima-lstm": ("arima", "lstm"), "prophet-xgboost": ("prophet", "xgboost")}
# In order of cost; each is trained on its own series alone.
ALGORITHMS = (
    "auto", "weekday-median", "theta", "holt-winters", "arima", "xgboost", "lstm", "gru",
    "bidirectional-lstm", "temporal-convolution", "prophet", "arima-lstm", "prophet-xgboost",
)  # fmt: skip

_PEERS_SCRIPT = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import AutoARIMA, AutoETS, AutoTheta
h, models = int(sys.argv[1]), {"AutoARIMA": AutoARIMA, "AutoETS": AutoETS, "AutoTheta": AutoTheta}
frame, found = pd.read_csv(sys.stdin, parse_dates=["ds"]), []
for name, model in models.items():
    for key, one in frame.groupby("unique_id", sort=False):
        began = time.process_time()
        windows = len(one) - int(0.8 * len(one)) - h + 1
        out = StatsForecast(models=[model(season_length=7)], freq="D", n_jobs=1).cross_validation(
            df=one, h=h, n_windows=windows, step_size=1, refit=False, level=[80, 95])
        row = {"series": key, "name": name, "cpu": time.process_time() - began}
        row["mae"] = float((out["y"] - out[name]).abs().mean())
        for level in (80, 95):
            low, high = out[f"{name}-lo-{level}"], out[f"{name}-hi-{level}"]
            row[f"held_{level}"] = float(((out["y"] >= low) & (out["y"] <= high)).mean())
            row[f"width_{level}"] = float((high - low.clip(lower=0)).mean())
        found.append(row)
print(json.dumps(found))
"""


def main() -> None:
    """Measures and prints (or also writes) the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("logs", nargs="*", type=Path)
    parser.add_argument("--directly-follows", type=Path, help="the public benchmark's daily series, CSV")
    parser.add_argument("--algorithms", default=",".join(ALGORITHMS))
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--journal", type=Path, help="what was measured so far, JSON lines")
    parser.add_argument("--tabulate", action="store_true", help="measure nothing more")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    names = [NAIVE, *options.algorithms.split(",")]
    journal = Journal(options.journal, is_closed=options.tabulate)
    panel, left_out, chosen = series_of(options.logs)
    pairs = pairs_of(options.directly_follows) if options.directly_follows else ()
    measure(journal, names, panel, pairs, with_peers=not options.no_peers)
    lines = [f"forecasting, {HORIZON} days ahead, rolling origins in the last fifth, learned once", ""]
    if pairs:
        lines += [*directly_follows(journal, names, pairs, options.directly_follows.name), ""]
    if panel:
        what = f"(b) {len(panel)} series of {', '.join(path.name for path in options.logs)}"
        lines += [what, *left_out, "", *kpis(journal.rows("kpi"), len(panel), chosen)]
    tell(lines, options.output)


class Journal:
    """What was measured, by table, algorithm and series; lines of other code are left alone."""

    def __init__(self, path: Path | None, *, is_closed: bool) -> None:
        self.path, self.is_closed, self.code = path, is_closed, code_digest()
        self.found: dict[tuple[str, str, str], dict[str, Any]] = {}
        for line in path.read_text().splitlines() if path and path.exists() else ():
            row = json.loads(line)
            if row.pop("code") == self.code:
                self.found[row.pop("table"), row["name"], row["series"]] = row

    def add(self, table: str, name: str, keys: list[str], work: Callable[[], list[dict[str, Any]]]) -> None:
        """Does the work whose rows are about these series, unless they are there."""
        if self.is_closed or all((table, name, key) in self.found for key in keys):
            return
        for row in work():
            kept = row | {"name": row.get("name", name)}
            self.found[table, kept["name"], kept["series"]] = kept
            if self.path:
                with self.path.open("a") as file:
                    file.write(json.dumps(kept | {"table": table, "code": self.code}) + "\n")

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table."""
        return [row for key, row in self.found.items() if key[0] == table]


def code_digest() -> str:
    """One hash over the package and this file."""
    files = sorted(Path(pmlcli.__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in [*files, Path(__file__)])).hexdigest()[:16]


def measure(
    journal: Journal, names: list[str], panel: list[Series], pairs: tuple[Series, ...], *, with_peers: bool
) -> None:
    """Cheap algorithms on everything first, then the peers, then the others KPI by KPI."""
    cheap = [name for name in names if name not in SLOW]
    by_kpi = sorted(panel, key=lambda s: KPIS.index(s.kpi.rpartition(" ")[2]))
    for name in cheap:
        for one in panel:
            journal.add("kpi", name, [one.kpi], partial(measured, name, (one,)))
    for name in cheap:
        journal.add("pairs", name, [one.kpi for one in pairs], partial(measured, name, pairs))
    for one in panel if with_peers else ():
        journal.add("kpi", "AutoTheta", [one.kpi], partial(peers, [one]))
    for one in by_kpi:
        for name in [name for name in names if name in SLOW]:
            journal.add("kpi", name, [one.kpi], partial(measured, name, (one,)))
    for name in [name for name in names if name in SLOW]:
        journal.add("pairs", name, [one.kpi for one in pairs], partial(measured, name, pairs))


def pairs_of(path: Path) -> tuple[Series, ...]:
    """The public benchmark's series."""
    frame = pd.read_csv(path)
    starts = pd.to_datetime(frame.iloc[:, 0], utc=True).to_numpy("datetime64[us]").astype(np.int64)
    return tuple(
        Series(f"pair {i}", "D", "UTC", "events", starts, frame.iloc[:, i].to_numpy(np.float64))
        for i in range(1, frame.shape[1])
    )


def directly_follows(journal: Journal, names: list[str], pairs: tuple[Series, ...], title: str) -> list[str]:
    """Table (a): the mean over the series of MAE and of the RMSE of each window, as published."""
    lines = [f"(a) {title}: {len(pairs)} series of {len(pairs[0])} days", ""]
    lines += [f"{'algorithm':22} {'MAE':>7} {'RMSE':>7} {'CPU s':>7}"]
    table = pd.DataFrame(journal.rows("pairs"), columns=["name", "mae", "rmse", "cpu"])
    for name in names:
        one = table[table["name"] == name]
        if len(one):
            lines.append(
                f"{name:22} {one['mae'].mean():7.3f} {one['rmse'].mean():7.3f} {one['cpu'].sum():7.1f}"
            )
        else:
            lines.append(f"{name:22} not run")
    return lines


def kpis(rows: list[dict[str, Any]], count: int, chosen: list[str]) -> list[str]:
    """Table (b): MASE, coverage, width and CPU seconds, one row an algorithm and one a series."""
    table = pd.DataFrame(rows)
    naive = table[table["name"] == NAIVE].set_index("series")
    by = table["series"].map(naive["mae"])
    table["mase"] = table["mae"] / by.where(by > 0, 1.0)
    for level in LEVELS:
        width = table["series"].map(naive[f"width_{level}"])
        table[f"relative_{level}"] = table[f"width_{level}"] / width.where(width > 0)
    lines = [*means(table), ""]
    lines += ["widths: median of the ratio to the seasonal naive's own; CPU s: all series", ""]
    if chosen:
        others = table[~table["series"].str.startswith(tuple(chosen))]
        lines += [f"without {', '.join(chosen)}, where no case ends in the first half of the log", ""]
        lines += [*means(others), ""]
    tried = table.groupby("series")["name"].nunique()
    shared = tried.index[tried == table["name"].nunique()]
    if len(shared) < count:
        lines += [f"the {len(shared)} series that all of them were run on", ""]
        lines += [*means(table[table["series"].isin(shared)]), ""]
    return [*lines, *hybrids(table), "MASE by series", *by_series(table)]


def means(table: pd.DataFrame) -> list[str]:
    """One row an algorithm, over all series of the table."""
    lines = [
        f"{'algorithm':22} {'MASE':>6} {'median':>6} {'below 1':>8} {'held 80':>8} {'held 95':>8} "
        f"{'width 80':>9} {'width 95':>9} {'CPU s':>7}"
    ]
    for name, one in table.groupby("name", sort=False):
        lines.append(
            f"{name!s:22} {one['mase'].mean():6.3f} {one['mase'].median():6.3f} "
            f"{(one['mase'] < 1).sum():5}/{len(one):<2} {one['held_80'].mean():8.3f} "
            f"{one['held_95'].mean():8.3f} {one['relative_80'].median():9.2f} "
            f"{one['relative_95'].median():9.2f} {one['cpu'].sum():7.1f}"
        )
    return lines


def hybrids(table: pd.DataFrame) -> list[str]:
    """Each hybrid beside its halves: where it errs less than the better one, and whether it pays."""
    wide, lines = table.pivot(index="series", columns="name", values="mase"), ["hybrids and their halves", ""]
    for hybrid in [name for name, halves in HALVES.items() if {name, *halves} <= set(wide.columns)]:
        both = wide[[hybrid, *HALVES[hybrid]]].dropna()
        mine, halves = both[hybrid], both[list(HALVES[hybrid])]
        parts = ", ".join(f"{half} {halves[half].mean():.3f}" for half in halves)
        ahead = int((mine < halves.min(axis=1)).sum())
        pays = "pays" if mine.mean() < halves.mean().min() else "does not pay"
        lines.append(
            f"{hybrid}: MASE {mine.mean():.3f}; {parts}; below both on {ahead} of {len(mine)} series: {pays}"
        )
    return [*lines, ""]


def by_series(table: pd.DataFrame) -> list[str]:
    """MASE by series, and what `auto` held and took."""
    wide = table.pivot(index="series", columns="name", values="mase")
    shown = [name for name in table["name"].unique() if name != NAIVE]
    lines = []
    for begin in range(0, len(shown), 6):
        part = shown[begin : begin + 6]
        lines.append(f"{'':28}" + " ".join(f"{name[:14]:>14}" for name in part))
        lines += [
            f"{key:28}" + " ".join(f"{wide.loc[key, name]:14.3f}" for name in part) for key in wide.index
        ]
        lines.append("")
    if "auto" in shown:
        lines.append(f"{'auto':28}{'days':>6} {'held 80':>8} {'held 95':>8} {'CPU s':>7}")
        for row in table[table["name"] == "auto"].itertuples():
            lines.append(
                f"{row.series:28}{row.days:6.0f} {row.held_80:8.3f} {row.held_95:8.3f} {row.cpu:7.1f}"
            )
    return lines


def series_of(paths: list[Path]) -> tuple[list[Series], list[str], list[str]]:
    """The logs' KPI series by log and KPI; a line for each that is too short; the logs without early ends."""
    found, left_out, chosen = [], [], []
    for path in paths:
        log, name = read_log(path), path.name.partition(".")[0][:14]
        chosen += [name] if first_completion(log) is not None else []
        for series in SeriesEncoding(KPIS).fit(log).transform(log):
            key = f"{name} {series.kpi}"
            if len(series) < SHORTEST:
                left_out.append(f"left out: {key}, {len(series)} days")
            else:
                found.append(renamed(series, key))
    return found, left_out, chosen


def renamed(series: Series, key: str) -> Series:
    """The same series under another name."""
    return Series(key, series.frequency, series.timezone, series.unit, series.starts, series.values)


def measured(name: str, panel: tuple[Series, ...]) -> list[dict[str, Any]]:
    """Errors, coverage and widths of each series; CPU seconds of learning and calibration by series."""
    untrained = registry.find(f"forecast/{name}").build({"horizon": HORIZON})
    known = tuple(series.head(first_test_bucket(series)) for series in panel)
    began = time.process_time()
    with reproducible(0):
        trial = clone(untrained)
        trial.fit(tuple(series.head(first_test_bucket(series)) for series in known))
        tests = [bounded_backtest(trial, series, 60) for series in known]
        final = clone(untrained)
        final.refit(known, trial)
        cpu = (time.process_time() - began) / len(panel)
        rows = [one_row(final, *pair) | {"cpu": cpu} for pair in zip(panel, tests, strict=True)]
    progress(
        f"{name:22} {panel[0].kpi if len(panel) == 1 else ''} {np.mean([row['mae'] for row in rows]):.3f}"
    )
    return rows


def bounded_backtest(algorithm: Any, series: Series, most: int) -> Any:
    """Rolling origins in the last fifth, forecasts never negative."""

    def ahead(data: Series, horizon: int) -> Any:
        return np.maximum(algorithm.forecast(data, horizon), 0.0)

    return backtest(ahead, series, first_test_bucket(series), HORIZON, most)


def one_row(algorithm: Any, series: Series, calibration: Any) -> dict[str, Any]:
    """What a learned algorithm did on the last fifth of one series."""
    test = bounded_backtest(algorithm, series, 10**6)
    whole = test.origins <= test.n - HORIZON
    came, forecasts = test.came[whole], test.forecasts[whole]
    phase = phases(series, SEASON)
    bounds = rolling_bounds(test, calibration, phase, int(whole.sum()))
    errors = came - forecasts
    row = {"series": series.kpi, "days": len(series), "mae": float(np.abs(errors).mean())}
    row["rmse"] = float(np.sqrt((errors**2).mean(axis=1)).mean())
    for level in LEVELS:
        lower, upper = bounds[level]
        row[f"held_{level}"] = float(((lower <= came) & (came <= upper)).mean())
        row[f"width_{level}"] = float((upper - lower).mean())
    return row


def rolling_bounds(test: Backtest, calibration: Backtest, phase: Any, count: int) -> dict[int, Any]:
    """By level, lower and upper bounds of the first `count` forecasts; each knows all earlier errors."""
    intervals, first = fit_intervals(calibration, phase[: calibration.n], SEASON), int(test.origins[0])
    found: dict[int, list[Any]] = {level: [] for level in LEVELS}
    for row, origin in enumerate(test.origins[:count].tolist()):
        begin = max(0, row - 2 * MEMORY * HALF_LIFE["D"])
        some = np.arange(begin, row, -(-(row - begin) // MAXIMUM_ORIGINS) or 1)
        newer = Backtest(test.origins[some], test.forecasts[some], test.came[some], test.n).known_at(origin)
        now = intervals.updated(newer, phase, origin - first) if row else intervals
        for level in LEVELS:
            found[level].append(now.bounds(test.forecasts[row], phase[test.targets[row]], level))
    return {level: np.stack(bounds, axis=1) for level, bounds in found.items()}


def peers(panel: list[Series]) -> list[dict[str, Any]]:
    """The same of statsforecast's automatic methods, in their own environment."""
    frame = pd.concat(
        pd.DataFrame(
            {
                "unique_id": series.kpi,
                "ds": pd.date_range("2000-01-03", periods=len(series)),
                "y": series.values,
            }
        )
        for series in panel
    )
    done = subprocess.run(
        [peers_python("forecasting"), "-c", _PEERS_SCRIPT, f"{HORIZON}"],
        input=frame.to_csv(index=False),
        capture_output=True,
        text=True,
        check=True,
    )
    rows: list[dict[str, Any]] = json.loads(done.stdout.strip().splitlines()[-1])
    return rows


def progress(line: str) -> None:
    """Says on stderr how far it is."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
