"""How `auto`'s members and weights and the intervals' memory were chosen: on validation series alone.

    python benchmarks/forecasting_choice.py --directly-follows SERIES.csv.gz --measured LOG.xes.gz ... \\
        --others LOG ... [--kept FILE] [-o benchmarks/results/forecasting-choice.txt]

Of the logs that `benchmarks/forecasting.py` measures on, only the first four fifths of each series are
looked at (groups `kpi`, `more-kpi` and `pairs`); other logs (`others`) and simulated series with trends,
shifts and queues (`simulated`) count whole. Of each series, methods learn the first four fifths, errors
before that end come from methods that learned four fifths of those, and the last fifth is forecast 7
days ahead from each day. Every group counts alike.

Rule for `auto`, fixed before it was measured on the test parts: of the candidates whose mean error lies
within 0.002 of the least, the one with the fewest series on which it is no better than the seasonal naive,
then the one whose worst series is best. Rule for intervals: both widenings stay, as few days need them
(tests/algorithms/test_forecast.py asks it of 35 days); of the half-lives, the shortest with which `auto`
holds 80 and 95 of 100 within two points.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from _result import tell
from numpy.typing import NDArray
from scipy.special import stdtrit

from pmlcli import registry
from pmlcli.algorithms.forecast._each import Learned, Method
from pmlcli.algorithms.forecast._intervals import LEVELS, _factors, _scales
from pmlcli.algorithms.forecast._series import backtest, first_test_bucket, phases
from pmlcli.algorithms.forecast.holt_winters import HoltWinters, smoothed
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series, SeriesEncoding, local_times
from pmlcli.encoding.series.holidays import holiday_share
from pmlcli.eventlog import read_log
from pmlcli.lifecycle.reproducible import reproducible

HORIZON, SHORTEST, NAIVE = 7, 100, "seasonal-naive"
KPIS = ("arrivals", "completions", "open-cases", "cycle-time")
MORE_KPIS = ("events", "waiting-time", "cycle-time-p90")
FOUR = ("weekday-median", "theta", "holt-winters", "arima")
MEMBERS = {"four": FOUR, "four + naive": (*FOUR, NAIVE), "four + ets": (*FOUR, "ets-values")}
RULES = ((1.15, 2), (1.5, 3), (99.0, 2), (99.0, 4))
COUNTRIES = {"BPIC12": "NL", "BPIC20": "NL", "sepsis": "NL", "receipt": "NL", "helpdesk": "IT"}
WIDENED = ((True, True), (False, True), (False, False))
"""By the conformal rank, by Student's t."""
CHOSEN = ("four + naive", 28, 1.15, 2)


class EtsOnValues(HoltWinters):
    """Holt-Winters on the values themselves."""

    def learn(self, series: Series, trial: Learned | None = None) -> Learned:
        """The model's shape, parameters and first states."""
        return smoothed(series, on_roots=False)


METHODS: dict[str, Any] = {name: registry.build(f"forecast/{name}", {}) for name in (*FOUR, NAIVE)}
METHODS["ets-values"] = EtsOnValues()


@dataclass(frozen=True)
class Tried:
    """Forecasts of one series by each method, (origins, horizon); the last fifth begins at `first`."""

    group: str
    series: Series
    first: int
    origins: NDArray[np.int64]
    forecasts: dict[str, Floats]
    came: Floats

    @property
    def targets(self) -> NDArray[np.int64]:
        """The bucket that each forecast is about."""
        return self.origins[:, None] + np.arange(HORIZON)

    @property
    def judged(self) -> NDArray[np.int64]:
        """Rows of whole windows in the last fifth."""
        return np.flatnonzero((self.origins >= self.first) & (self.origins <= len(self.series) - HORIZON))


def main() -> None:
    """Tries every candidate and prints (or also writes) what each does."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--directly-follows", type=Path, required=True)
    parser.add_argument("--measured", type=Path, nargs="+", required=True)
    parser.add_argument("--others", type=Path, nargs="+", required=True)
    parser.add_argument("--kept", type=Path, help="forecasts are kept here, and taken from here if there")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    tried = kept(options.kept)
    if not tried:
        with reproducible(0):
            tried = [try_all(*one) for one in validation_series(options)]
        if options.kept:
            joblib.dump([vars(one) for one in tried], options.kept)
    tell([*about(tried), *holidays(tried), *combinations(tried), *intervals(tried)], options.output)


def kept(path: Path | None) -> list[Tried]:
    """What an earlier run kept; none when there is no such file."""
    return [Tried(**one) for one in joblib.load(path)] if path and path.exists() else []


def validation_series(options: argparse.Namespace) -> Iterator[tuple[str, Series]]:
    """All series, by group."""
    for path in options.measured:
        yield from (("kpi", head(one)) for one in of_log(path, KPIS, SHORTEST / 0.8))
        if not path.name.startswith("BPIC13"):  # hardly anything happens in its first four fifths
            yield from (("more-kpi", head(one)) for one in of_log(path, MORE_KPIS, SHORTEST / 0.8))
    for path in options.others:
        yield from (("others", one) for one in of_log(path, (*KPIS, "events"), SHORTEST))
    frame = pd.read_csv(options.directly_follows)
    starts = pd.to_datetime(frame.iloc[:, 0], utc=True).to_numpy("datetime64[us]").astype(np.int64)
    for name in frame.columns[1:]:
        yield "pairs", head(Series(name, "D", "UTC", "events", starts, frame[name].to_numpy(np.float64)))
    yield from (("simulated", one) for one in simulated())


def head(series: Series) -> Series:
    """The first four fifths: the rest is what the methods are measured on, and is not looked at here."""
    return series.head(first_test_bucket(series))


def of_log(path: Path, kpis: tuple[str, ...], shortest: float) -> list[Series]:
    """The series of a log that are long enough."""
    log = read_log(path)
    found = SeriesEncoding(kpis).fit(log).transform(log)
    return [replace(s, kpi=f"{path.name[:12]} {s.kpi}") for s in found if len(s) >= shortest]


def simulated() -> Iterator[Series]:
    """Counts of days with a week's rhythm: stable, growing, shifting, wandering; queues and durations."""
    rng = np.random.Generator(np.random.PCG64(5))
    starts = pd.date_range("2023-01-02", periods=700, tz="UTC").as_unit("us").asi8
    for i in range(4):
        n = int(rng.choice([160, 300, 500, 700]))
        week = np.array([1, 1.1, 1, 0.95, 0.8, 0.2, 0.05]) if i % 2 else rng.uniform(0.4, 1.3, 7)
        usual = float(rng.choice([3, 12, 50, 200])) * week[np.arange(n) % 7]
        for kind, values in kinds(rng, usual, week):
            yield Series(f"{kind} {i}", "D", "UTC", "cases", starts[:n], values)


def kinds(rng: np.random.Generator, usual: Floats, week: Floats) -> Iterator[tuple[str, Floats]]:
    """One series of each kind about these usual counts."""
    n = len(usual)
    t = np.arange(n)

    def drawn(level: Floats) -> Floats:
        return rng.poisson(level * rng.gamma(8, 1 / 8, n)).astype(np.float64)

    yield "stable", drawn(usual)
    yield "growing", drawn(usual * (1 + t / n))
    for kind, (low, high) in {"late shift up": (1.5, 3.0), "late shift down": (0.2, 0.6)}.items():
        at = int(n * rng.uniform(0.83, 0.95))
        yield kind, drawn(usual * np.where(t >= at, rng.uniform(low, high), 1))
    yield "early shift", drawn(usual * np.where(t >= int(n * rng.uniform(0.4, 0.7)), 2, 1))
    yield "wandering", drawn(usual * np.exp(np.cumsum(rng.normal(0, 0.04, n))))
    at, base = int(n * rng.uniform(0.83, 0.93)), usual / week[t % 7]
    yield "new week", drawn(base * np.where(t >= at, np.roll(week, 3)[t % 7], week[t % 7]))
    queue = np.zeros(n)
    for day in range(1, n):
        came, left = rng.poisson(usual[day]), rng.binomial(int(queue[day - 1]), 0.12)
        queue[day] = queue[day - 1] + came - left
    yield "queue", queue
    yield "duration", np.exp(rng.normal(11 + 0.6 * np.sin(t / 60), 0.5 / np.sqrt(1 + usual / 5), n))
    yield "sparse", drawn(0.3 * week[t % 7])


def try_all(group: str, series: Series) -> Tried:
    """Each method's forecasts from every day of the last fifth, and of the fifth before the learned end."""
    first = first_test_bucket(series)
    known = series.head(first)
    begin, forecasts = first_test_bucket(known), {}
    for name, method in METHODS.items():
        trial = method.learn(known.head(begin))
        final = method.learn(known, trial)
        parts = [
            backtest(forecaster(method, learned), data, origin, HORIZON, 10**6)
            for learned, data, origin in ((trial, known, begin), (final, series, first))
        ]
        forecasts[name] = np.vstack([part.forecasts for part in parts])
    origins = np.arange(begin, len(series))
    targets = origins[:, None] + np.arange(HORIZON)
    came = np.where(targets < len(series), series.values[np.minimum(targets, len(series) - 1)], np.nan)
    print(f"{group:12} {series.kpi}", file=sys.stderr, flush=True)
    return Tried(group, series, first, origins, forecasts, came)


def forecaster(method: Method, learned: Learned) -> Any:
    """The method's forecasts, never negative."""
    return lambda data, horizon: np.maximum(method.carry_on(learned, data, horizon), 0.0)


def about(tried: list[Tried]) -> list[str]:
    """What it was tried on."""
    groups = dict.fromkeys(one.group for one in tried)
    counts = ", ".join(f"{name} {sum(one.group == name for one in tried)}" for name in groups)
    return [f"choices for forecasts, on {len(tried)} validation series: {counts}", ""]


def holidays(tried: list[Tried]) -> list[str]:
    """What forecasting holidays like the next Sunday changes, by method: error over that without."""
    counting = ("arrivals", "completions", "events")
    some = [one for one in tried if country_of(one) and one.series.kpi.endswith(counting)]
    lines = [f"holidays like Sundays, on {len(some)} series of counts: error over that without", ""]
    for name in FOUR:
        ratios = [on_sundays(one, name) for one in some]
        shown = [f"{ratio:.3f}" for ratio in ratios if ratio != 1]
        lines.append(f"{name:16} {np.mean(ratios):.3f}; where a holiday falls: {' '.join(shown)}")
    return [*lines, ""]


def country_of(one: Tried) -> str | None:
    """Where the log comes from."""
    found = [code for name, code in COUNTRIES.items() if one.series.kpi.startswith(name)]
    return found[0] if found else None


def on_sundays(one: Tried, name: str) -> float:
    """Mean absolute error with holidays forecast like the next Sunday, over that without."""
    series, rows = one.series, one.origins >= one.first
    starts = np.concatenate((series.starts, series.next_starts(HORIZON)))
    days = local_times(starts, series.timezone).tz_localize(None)
    weekday = days.day_of_week.to_numpy()[one.targets[rows]]
    is_holiday = holiday_share(days, "D", str(country_of(one)))[one.targets[rows]] > 0
    ahead, came = one.forecasts[name][rows], one.came[rows]
    sundays = np.take_along_axis(ahead, (weekday == 6).argmax(axis=1)[:, None], axis=1)
    changed = np.where(is_holiday & (weekday < 5), sundays, ahead)
    return float(np.nanmean(np.abs(came - changed)) / np.nanmean(np.abs(came - ahead)))


def combined(one: Tried, members: tuple[str, ...], half_life: float, margin: float, power: float) -> Floats:
    """The weighted mean at each origin; an infinite half-life weighs once, when learning ends."""
    ahead = np.stack([one.forecasts[name] for name in members], axis=-1)
    size = np.nan_to_num(np.abs(one.came[..., None] - ahead))
    found = ahead.mean(axis=-1)
    for row in range(1, len(one.origins)):
        now = int(one.origins[row]) if np.isfinite(half_life) else min(int(one.origins[row]), one.first)
        age = now - one.targets[:row]
        weight = np.where(age > 0, 0.5 ** (age / half_life), 0.0)
        errors = (size[:row] * weight[..., None]).sum(axis=(0, 1)) / weight.sum()
        kept = errors <= margin * errors.min()
        raw = np.where(kept, (errors.min() / np.where(errors > 0, errors, 1.0)) ** power, 0.0)
        raw = np.where(kept & (errors == 0), 1.0, raw)
        found[row] = ahead[row] @ (raw / raw.sum())
    return np.asarray(found)


def combinations(tried: list[Tried]) -> list[str]:
    """The mean error of each candidate beside the seasonal naive's."""
    groups = list(dict.fromkeys(one.group for one in tried))
    head = f"{'members, half-life in days, margin, power':44} {'mean':>7} {'no better':>9} {'worst':>6} "
    lines = [head + " ".join(f"{group:>9}" for group in groups)]
    candidates = product(MEMBERS, (7, 14, 28, 56, np.inf), RULES)
    for name, half_life, (margin, power) in candidates:
        errors = pd.DataFrame(
            [
                (one.group, relative_error(one, combined(one, MEMBERS[name], half_life, margin, power)))
                for one in tried
            ],
            columns=["group", "error"],
        ).dropna()
        means = errors.groupby("group")["error"].mean()[groups]
        mark = "*" if (name, half_life, margin, power) == CHOSEN else " "
        lines.append(
            f"{f'{name}, {half_life:g}, {margin:g}, {power}':42} {mark} {means.mean():7.4f} "
            f"{(errors['error'] >= 1).sum():9} {errors['error'].max():6.2f} "
            + " ".join(f"{value:9.3f}" for value in means)
        )
        print(lines[-1], file=sys.stderr, flush=True)
    return [*lines, "", "*: taken; half-life inf: weighed once, when learning ends", ""]


def relative_error(one: Tried, ahead: Floats) -> float:
    """Mean absolute error over the seasonal naive's in the last fifth; NaN where that never errs."""
    came, rows = one.came[one.judged], one.judged
    naive = np.abs(came - one.forecasts[NAIVE][rows]).mean()
    return float(np.abs(came - ahead[rows]).mean() / naive) if naive > 0 else float("nan")


def intervals(tried: list[Tried]) -> list[str]:
    """What intervals of each memory and widening hold, and their score: of `auto` and of single methods."""
    lines = [
        f"{'intervals of, half-life, widened by':44} {'held 80':>8} {'held 95':>8} {'score':>7} "
        f"{'score 95':>9}"
    ]
    name, half_life, margin, power = CHOSEN
    for method in ("auto", "theta"):
        every = [
            combined(one, MEMBERS[name], half_life, margin, power)
            if method == "auto"
            else one.forecasts[method]
            for one in tried
        ]
        for memory, (rank, tail) in product((np.inf, 28, 56, 112), WIDENED):
            rows = [
                (one.group, *held(one, ahead, memory, rank, tail))
                for one, ahead in zip(tried, every, strict=True)
            ]
            means = pd.DataFrame(rows).groupby(0).mean().mean()
            how = " and ".join(["rank"] * rank + ["t"] * tail) or "nothing"
            lines.append(
                f"{f'{method}, {memory:g}, {how}':44} {means[1]:8.3f} {means[2]:8.3f} {means[3]:7.3f} "
                f"{means[4]:9.3f}"
            )
            print(lines[-1], file=sys.stderr, flush=True)
    return [
        *lines,
        "",
        "score: interval score (Winkler) over the mean absolute error of the naive; groups alike",
    ]


def held(one: Tried, ahead: Floats, memory: float, rank: bool, tail: bool) -> tuple[float, ...]:
    """Share held at 80 and 95 %, and the interval scores."""
    phase = phases(one.series, 7)
    about = phase[np.minimum(one.targets, len(one.series) - 1)]
    distance = np.abs(np.sqrt(one.came) - np.sqrt(ahead))
    learned = np.where((one.origins < one.first)[:, None] & (one.targets < one.first), distance, np.nan)
    scales = _scales(learned[one.origins < one.first])
    usual = np.where(scales > 0, scales, 1.0)
    is_known = np.isfinite(learned)
    overlap = is_known.sum() / len(np.unique(one.targets[is_known]))
    factors = _factors((learned / usual)[is_known], about[is_known], 7, overlap)
    scores = distance / (usual * factors[about])
    naive = np.abs(one.came[one.judged] - one.forecasts[NAIVE][one.judged]).mean() or 1.0
    found = []
    for row in one.judged:
        moment = int(one.origins[row]) if np.isfinite(memory) else one.first
        quantiles = quantiles_at(one, scores[:row], moment, memory, rank, tail)
        for level, quantile in zip(LEVELS, quantiles, strict=True):
            width, roots = scales * factors[about[row]] * quantile, np.sqrt(ahead[row])
            lower, upper = np.maximum(roots - width, 0.0) ** 2, (roots + width) ** 2
            low, high = np.maximum(lower - one.came[row], 0), np.maximum(one.came[row] - upper, 0)
            score = (upper - lower + 2 / (1 - level / 100) * (low + high)).mean() / naive
            found.append((((low == 0) & (high == 0)).mean(), score))
    by_level = np.array(found).reshape(-1, len(LEVELS), 2).mean(axis=0)
    return (*by_level[:, 0], *by_level[:, 1])


def quantiles_at(
    one: Tried, scores: Floats, moment: int, memory: float, rank: bool, tail: bool
) -> list[float]:
    """By level: how many usual distances an interval is wide at a moment."""
    targets = one.targets[: len(scores)]
    known = (targets < moment) & np.isfinite(scores)
    weight = 0.5 ** ((moment - targets[known]) / memory)
    order = np.argsort(scores[known], kind="stable")
    total = np.cumsum(weight[order])
    buckets = 0.5 ** ((moment - np.unique(targets[known])) / memory)
    count = buckets.sum() ** 2 / (buckets**2).sum()
    found = []
    for level in LEVELS:
        share = min(1.0, level / 100 * ((count + 1) / count if rank else 1))
        place = min(int(np.searchsorted(total, share * total[-1])), len(order) - 1)
        side = 0.5 + level / 200
        widening = stdtrit(max(count - 1, 1), side) / stdtrit(1e9, side) if tail else 1.0
        found.append(float(scores[known][order][place] * widening))
    return found


if __name__ == "__main__":
    main()
