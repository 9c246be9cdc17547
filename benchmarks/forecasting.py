"""Forecasts KPI series of real logs and the public directly-follows series, beside statsforecast.

    python benchmarks/forecasting.py --directly-follows SERIES.csv.gz LOG.xes.gz ... \\
        [--algorithms auto,theta] [--step 5] [--no-peers] [--journal FILE] [--tabulate] \\
        [-o benchmarks/results/forecasting.txt]

With a journal each figure is written down when it is measured, so that a run that was stopped goes on where
it was, as long as not a line of the code has changed; `--tabulate` makes the tables of what is there.

Rolling origins so many days apart (`--step`; five by default, so that each weekday stands at each step
ahead) in the last fifth of each series, 7 days ahead, whole windows only. Ours is what a user gets:
`Model.train` on the log as it was on the first day of the last fifth, `save`, `load`, and on each of those
days `Model.predict` on the log as it was then: up to the day's first event, so that the day before is whole,
and with what was then known of which cases run on. What came is read from the whole log. Nothing is fitted
again; a prediction filters what came since training, and its intervals take in the errors of those days. The
public series are made into logs, an event each time one activity followed the other. (The model is loaded as
trusted: a child process for each of the many predictions would take most of the time.)

The peers live in a virtual environment of their own, made on the first run from
`benchmarks/requirements-forecasting.txt`; they are given the series of the whole log, learn the first four
fifths and filter the rest (`cross_validation(refit=False)`). MASE is the mean absolute error over that of the
7-day seasonal naive on the same windows. CPU s: of `Model.train`, its trial and comparison included.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _peers import peers_python
from _result import tell

import pmlcli
from pmlcli import Model
from pmlcli.algorithms.forecast._intervals import LEVELS
from pmlcli.algorithms.forecast._series import first_test_bucket, split_at
from pmlcli.encoding.series.encoding import Series, SeriesEncoding, first_completion
from pmlcli.errors import PmlError
from pmlcli.eventlog import EventLog, read_log

KPIS = ("arrivals", "completions", "open-cases", "cycle-time")
HORIZON, SHORTEST, STEP = 7, 60, 5
NAIVE, FOLLOWED = "seasonal-naive", "followed"
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
h, step = int(sys.argv[1]), int(sys.argv[2])
models = {"AutoARIMA": AutoARIMA, "AutoETS": AutoETS, "AutoTheta": AutoTheta}
frame, found = pd.read_csv(sys.stdin, parse_dates=["ds"]), []
for name, model in models.items():
    for key, one in frame.groupby("unique_id", sort=False):
        began = time.process_time()
        windows = (len(one) - int(0.8 * len(one)) - h) // step + 1
        out = StatsForecast(models=[model(season_length=7)], freq="D", n_jobs=1).cross_validation(
            df=one, h=h, n_windows=windows, step_size=step, refit=False, level=[80, 95])
        row = {"series": key, "name": name, "cpu": time.process_time() - began}
        row["mae"] = float((out["y"] - out[name]).abs().mean())
        for level in (80, 95):
            low, high = out[f"{name}-lo-{level}"], out[f"{name}-hi-{level}"]
            row[f"held_{level}"] = float(((out["y"] >= low) & (out["y"] <= high)).mean())
            row[f"width_{level}"] = float((high - low.clip(lower=0)).mean())
        found.append(row)
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Known:
    """A KPI of a log: the model that forecasts it is trained on the log, and asked about it day after day."""

    kpi: str
    log: EventLog
    series: Series
    """All of it, named by log and KPI: what came."""

    def log_at(self, origin: int) -> EventLog:
        """The log as it was on a day, up to the day's first event: the day before is its last whole one."""
        assert self.log.times is not None
        since = self.log.times[self.log.times >= self.series.starts[origin]]
        return split_at(self.log, int(since.min()) + 1).train


def main() -> None:
    """Measures and prints (or also writes) the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("logs", nargs="*", type=Path)
    parser.add_argument("--directly-follows", type=Path, help="the public benchmark's daily series, CSV")
    parser.add_argument("--algorithms", default=",".join(ALGORITHMS))
    parser.add_argument("--step", type=int, default=STEP, help="days from one origin to the next")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--journal", type=Path, help="what was measured so far, JSON lines")
    parser.add_argument("--tabulate", action="store_true", help="measure nothing more")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    names = [NAIVE, *options.algorithms.split(",")]
    journal = Journal(options.journal, options.step, is_closed=options.tabulate)
    panel, left_out, chosen = series_of(options.logs)
    pairs = pairs_of(options.directly_follows) if options.directly_follows else []
    measure(journal, names, panel, pairs, with_peers=not options.no_peers)
    how = f"rolling origins every {options.step} days in the last fifth, learned once"
    lines = [f"forecasting, {HORIZON} days ahead, {how}", ""]
    if pairs:
        lines += [*directly_follows(journal, names, pairs, options.directly_follows.name), ""]
    if panel:
        what = f"(b) {len(panel)} series of {', '.join(path.name for path in options.logs)}"
        lines += [what, *left_out, "", *kpis(journal.rows("kpi"), len(panel), chosen)]
    tell(lines, options.output)


class Journal:
    """What was measured, by table, algorithm and series; lines of other code are left alone."""

    def __init__(self, path: Path | None, step: int, *, is_closed: bool) -> None:
        self.path, self.step, self.is_closed = path, step, is_closed
        self.code = f"{code_digest()}-{step}"
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
    journal: Journal, names: list[str], panel: list[Known], pairs: list[Known], *, with_peers: bool
) -> None:
    """Cheap algorithms on everything first, then the peers, then the others KPI by KPI."""
    cheap = [name for name in names if name not in SLOW]
    by_kpi = sorted(panel, key=lambda one: KPIS.index(one.kpi))
    for table, some in (("kpi", panel), ("pairs", pairs)):
        for name in cheap:
            for one in some:
                journal.add(table, name, [one.series.kpi], partial(measured, name, one, journal.step))
    for one in panel if with_peers else ():
        journal.add("kpi", "AutoTheta", [one.series.kpi], partial(peers, [one.series], journal.step))
    for table, some in (("kpi", by_kpi), ("pairs", pairs)):
        for one in some:
            for name in [name for name in names if name in SLOW]:
                journal.add(table, name, [one.series.kpi], partial(measured, name, one, journal.step))


def pairs_of(path: Path) -> list[Known]:
    """The public benchmark's series."""
    frame = pd.read_csv(path)
    starts = pd.to_datetime(frame.iloc[:, 0], utc=True).to_numpy("datetime64[us]").astype(np.int64)
    found = []
    for i in range(1, frame.shape[1]):
        counts = frame.iloc[:, i].to_numpy(np.float64)
        series = Series(f"pair {i}", "D", "UTC", "events", starts, counts)
        found.append(Known(f"activity:{FOLLOWED}", log_of(starts, counts.astype(np.int64)), series))
    return found


def log_of(starts: np.ndarray, counts: np.ndarray) -> EventLog:
    """A log of so many events each day after one at midnight, as others of the process come on every day."""
    day = np.repeat(np.arange(len(counts)), counts + 1)
    nth = np.arange(len(day)) - np.repeat(np.cumsum(counts + 1) - counts - 1, counts + 1)
    times = pd.to_datetime(starts[day] + nth * (20 * 3_600_000_000 // counts.max()), unit="us", utc=True)
    names = np.where(nth > 0, FOLLOWED, "midnight")
    ids = [f"case {n}" for n in range(len(day))]
    return read_log(pd.DataFrame({"case_id": ids, "activity": names, "timestamp": times}))


def directly_follows(journal: Journal, names: list[str], pairs: list[Known], title: str) -> list[str]:
    """Table (a): the mean over the series of MAE and of the RMSE of each window, as published."""
    lines = [f"(a) {title}: {len(pairs)} series of {len(pairs[0].series)} days", ""]
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


def series_of(paths: list[Path]) -> tuple[list[Known], list[str], list[str]]:
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
                found.append(Known(series.kpi, log, replace(series, kpi=key)))
    return found, left_out, chosen


def measured(name: str, one: Known, step: int) -> list[dict[str, Any]]:
    """Errors, coverage and widths of a series, and CPU seconds of training; nothing where that failed."""
    model, first = Model(f"forecast/{name}", kpi=(one.kpi,), horizon=HORIZON), first_test_bucket(one.series)
    try:
        cpu = model.train(one.log_at(first)).metadata["cpu_seconds"]
    except PmlError as error:
        progress(f"{name:22} {one.series.kpi}: {error.message}")
        return []
    with tempfile.TemporaryDirectory() as place:
        loaded = Model.load(model.save(Path(place) / "model", check=False).path, trusted=True)
    # backwards from the last whole window, as the peers' library does
    origins = range(len(one.series) - HORIZON, first - 1, -step)
    tables = [loaded.predict(one.log_at(origin)).predictions.assign(origin=origin) for origin in origins]
    row = one_row(one.series, pd.concat(tables, ignore_index=True)) | {"name": name, "cpu": cpu}
    progress(f"{name:22} {one.series.kpi} {row['mae']:.3f}")
    return [row]


def one_row(series: Series, told: pd.DataFrame) -> dict[str, Any]:
    """How the predictions of all origins compare with what came; only of days that the whole log covers."""
    moments = told["timestamp"].dt.tz_convert("UTC").to_numpy("datetime64[us]").astype(np.int64)
    place = np.minimum(np.searchsorted(series.starts, moments), len(series) - 1)
    is_known = series.starts[place] == moments
    told, came = told[is_known], series.values[place[is_known]]
    errors = came - told["value"]
    row = {"series": series.kpi, "days": len(series), "mae": float(errors.abs().mean())}
    row["rmse"] = float(np.sqrt((errors**2).groupby(told["origin"]).mean()).mean())
    for level in LEVELS:
        lower, upper = told[f"lower_{level}"], told[f"upper_{level}"]
        row[f"held_{level}"] = float(((lower <= came) & (came <= upper)).mean())
        row[f"width_{level}"] = float((upper - lower).mean())
    return row


def peers(panel: list[Series], step: int) -> list[dict[str, Any]]:
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
        [peers_python("forecasting"), "-c", _PEERS_SCRIPT, f"{HORIZON}", f"{step}"],
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
