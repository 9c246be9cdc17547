"""What a forecast expects, after what was: a fan a KPI, and the total of the horizon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pmlcli.arrays import Floats
from pmlcli.render import number
from pmlcli.reporting import axes, curve, words
from pmlcli.reporting.axes import Scale
from pmlcli.reporting.curve import Chart, Key
from pmlcli.reporting.parts import Cell, Figure, Name, Table
from pmlcli.reporting.story import Asked, Story

MOST_SERIES = 6
BUCKETS = {"H": "hours", "D": "days", "W": "weeks", "M": "months"}
SUMMED = ("cases", "events")
"""Units of KPIs that may be added up over a horizon."""
KEYS = (
    Key("history", "what was"),
    Key("line", "forecast"),
    Key("band-inner", "80 of 100", ""),
    Key("band", "95 of 100", ""),
)
LEVELS = (("95", "band"), ("80", "band-inner"))


def fans(story: Story) -> list[Figure]:
    """A figure for each KPI that the story's forecast is of, at most six."""
    asked = story.of("forecast")
    if asked is None:
        return []
    names = list(dict.fromkeys(asked.cases["kpi"]))[:MOST_SERIES]
    return [_fan(story, asked, name, place) for place, name in enumerate(names)]


def total(asked: Asked, kpi: str) -> str:
    """How many are expected in the whole horizon, and in which range 95 of 100 totals lie if its buckets err
    independently; empty for a KPI that cannot be added up.
    """
    if asked.history[kpi]["kpi_unit"] not in SUMMED:
        return ""
    rows = asked.cases[asked.cases["kpi"] == kpi]
    value = rows["value"].to_numpy(dtype=float)
    down, up = (
        float(np.sqrt(((rows[name].to_numpy(dtype=float) - value) ** 2).sum()))
        for name in ("lower_95", "upper_95")
    )
    bucket = _bucket(asked)
    whole = float(value.sum())
    low, high = max(whole - down, 0.0), whole + up
    return (
        f"{whole:,.0f} {asked.history[kpi]['kpi_unit']} are expected in the {len(rows)} {bucket} ahead "
        f"(about {low:,.0f} to {high:,.0f}, if the {bucket} err independently)"
    )


def _bucket(asked: Asked) -> str:
    return BUCKETS.get(str(asked.fields["hyperparameters"].get("frequency")), "buckets")


def _fan(story: Story, asked: Asked, kpi: str, place: int) -> Figure:
    rows = asked.cases[asked.cases["kpi"] == kpi]
    known = asked.history[kpi]
    before, ahead = _history(known), _seconds(rows["timestamp"])
    x = np.concatenate((before[0], ahead))
    across = Scale(float(x.min()), float(x.max()), curve.LEFT, curve.RIGHT)
    values = np.concatenate((before[1], rows["upper_95"].to_numpy(dtype=float)))
    unit = "seconds" if known["kpi_unit"] == "seconds" else ""
    each = f" per {_bucket(asked)[:-1]}" if known["kpi_unit"] in SUMMED else ""
    scale = Scale(0.0, axes.top(float(np.nanmax(values)), unit), curve.BOTTOM, curve.TOP)
    told = total(asked, kpi)
    description = f"{kpi}, what was and what is expected. {told}".strip()
    name = f"forecast-{place + 1}"
    line = axes.path(across.all(ahead), scale.all(rows["value"].to_numpy(dtype=float)))
    now = across.of(float(ahead[0]))
    shapes = [
        *((kind, _band(rows, level, across.all(ahead), scale)) for level, kind in LEVELS),
        ("history", axes.path(across.all(before[0]), scale.all(before[1]))),
        ("line", line),
        ("now", f"M{now} {curve.TOP}V{curve.BOTTOM}"),
    ]
    chart = Chart(
        axes.times(across, story.zone),
        f"time ({story.zone.key})",
        axes.numbers(scale, 5, unit),
        f"{words.cut(kpi)} ({known['kpi_unit']}{each})",
        shapes,
        KEYS,
    )
    caption = (
        f"{told + '. ' if told else ''}Grey: what was, the last of what the model learned from and what "
        "the log adds. Blue: the forecast; of 100 such values about 80 lie in the inner band and 95 in "
        "the outer one."
    )
    return curve.figure(name, f"Forecast: {kpi}", (description, caption), chart, _table(story, rows, kpi))


def _band(rows: pd.DataFrame, level: str, x: Floats, scale: Scale) -> str:
    lower, upper = (scale.all(rows[f"{side}_{level}"].to_numpy(dtype=float)) for side in ("lower", "upper"))
    return axes.band(x, lower, upper)


def _history(known: Mapping[str, Any]) -> tuple[Floats, Floats]:
    recent = known["recent"]
    starts = pd.Series([pd.Timestamp(one) for one in recent["starts"]], dtype=object)
    return _seconds(starts), np.asarray(recent["values"], dtype=float)


def _seconds(times: pd.Series) -> Floats:
    return np.array([one.timestamp() for one in times], dtype=float)


def _table(story: Story, rows: pd.DataFrame, kpi: str) -> Table:
    cells: list[list[Cell]] = [
        [words.minute(int(at.timestamp() * 1e6), story.zone), *(number.number(float(one)) for one in values)]
        for at, *values in zip(
            rows["timestamp"],
            rows["value"],
            rows["lower_80"],
            rows["upper_80"],
            rows["lower_95"],
            rows["upper_95"],
            strict=True,
        )
    ]
    headers = ("from", "forecast", "80 % from", "80 % to", "95 % from", "95 % to")
    return Table(f"Forecast: {Name(kpi).text}", headers, cells, frozenset(range(1, 6)))
