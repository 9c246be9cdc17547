"""Forecasts as a fan chart: what came, what is expected, and how sure that is. SVG or PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pmlcli.escape import visible

LEVELS = (("95", 0.18), ("80", 0.36))
COLOUR, INK = "#2a6f97", "#333333"
MOST_SERIES = 12
LONGEST_TITLE = 120
NOTHING: dict[str, Any] = {"starts": [], "values": []}


def fan_chart(known: Mapping[str, Any], forecast: pd.DataFrame, file_format: str) -> bytes:
    """One panel a KPI, at most 12, as the bytes of a `png` or `svg` file; equal tables give equal bytes.

    `known` has of each KPI its unit and the last values of training, as the model keeps them; `forecast`
    is the task's table.
    """
    names = list(dict.fromkeys(forecast["kpi"]))[:MOST_SERIES]
    # Without a salt and a date the same chart would be other bytes each time.
    with mpl.rc_context({"svg.hashsalt": "pmlcli", "font.size": 9, "svg.fonttype": "none"}):
        figure = Figure(figsize=(9, 2.8 * len(names)), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(len(names), 1, squeeze=False)[:, 0]
        for panel, name in zip(panels, names, strict=True):
            unit = known[name]["kpi_unit"]
            _draw(panel, known[name].get("recent", NOTHING), forecast[forecast["kpi"] == name], unit)
            # A dollar sign would begin a formula.
            title = visible(_cut(f"{name} ({known[name]['kpi_unit']})")).replace("$", r"\$")
            panel.set_title(title, loc="left", color=INK)
        buffer = io.BytesIO()
        metadata = {"Date": None} if file_format == "svg" else {"Software": None}
        figure.savefig(buffer, format=file_format, metadata=metadata, dpi=150)
    return buffer.getvalue()


def _cut(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else f"{title[:LONGEST_TITLE]}..."


def _draw(panel: Axes, recent: Mapping[str, Any], forecast: pd.DataFrame, unit: str) -> None:
    # The clock of the zone, whose offset may change within a series.
    known = pd.DatetimeIndex([pd.Timestamp(start).tz_localize(None) for start in recent["starts"]])
    ahead = forecast["timestamp"].dt.tz_localize(None)
    panel.plot(known, recent["values"], color=INK, linewidth=1, label="in training")
    for level, opacity in LEVELS:
        lower, upper = forecast[f"lower_{level}"], forecast[f"upper_{level}"]
        label = f"{level} of 100 lie here"
        panel.fill_between(ahead, lower, upper, color=COLOUR, alpha=opacity, linewidth=0, label=label)
    panel.plot(ahead, forecast["value"], color=COLOUR, linewidth=1.5, label="forecast")
    panel.set_ylim(bottom=0)
    panel.set(xlabel="time", ylabel=f"value ({visible(_cut(unit))})".replace("$", r"\$"))
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(loc="upper left", frameon=False, ncols=4, fontsize=7)
