"""Predictions as a picture: the scores of cases, or the cases at the highest risk. SVG or PNG."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pmlcli.evaluation.panel import drawn_panel, label

COLOUR, ODD, INK = "#2a6f97", "#b3261e", "#333333"
MOST_ROWS = 25
LONGEST_LABEL = 40
BINS = 40
DAY = 86_400.0
INTERVALS = {"remaining_seconds": ("lower", "upper")}
"""Columns that have an interval beside them."""


def scores(table: pd.DataFrame, file_format: str) -> bytes:
    """How the scores of rows are spread, with the threshold, as the bytes of a `png` or `svg` file."""
    values = table["score"].to_numpy(dtype=np.float64)
    limit = float(table["threshold"].iloc[0]) if len(table) else 0.0
    last = max(float(np.quantile(values, 0.99)) if len(values) else 0.0, 1.2 * limit)

    def draw(panel: Axes) -> None:
        shown = np.minimum(values, last)
        edges = np.histogram_bin_edges(shown, BINS).tolist()
        is_odd = table["is_anomaly"].to_numpy(dtype=np.bool_)
        panel.hist([shown[~is_odd], shown[is_odd]], edges, stacked=True, color=[COLOUR, ODD], label=LABELS)
        panel.axvline(limit, color=INK, linewidth=1, linestyle="--", label="threshold")
        panel.set(xlabel="score (the last bar holds all that are higher)", ylabel="rows (count)")
        panel.set_title("Scores, and which are flagged", loc="left", color=INK)
        panel.legend(loc="upper right", frameon=False)

    return drawn_panel((8, 3.6), draw, file_format)


LABELS = ["usual", "flagged"]


def risks(table: pd.DataFrame, risk: tuple[str, bool], units: Mapping[str, str], file_format: str) -> bytes:
    """The rows at the highest risk, at most 25, as bars; `risk` is their column, and whether the lowest are
    the riskiest. Seconds are drawn as days, with their interval.
    """
    name, is_lowest = risk
    chosen = table.sort_values(name, ascending=is_lowest, kind="stable").head(MOST_ROWS)
    in_days = units.get(name) == "seconds"
    scale = 1 / DAY if in_days else 1.0
    values = chosen[name].to_numpy(dtype=np.float64) * scale
    unit = "days" if in_days else units.get(name, "")

    def draw(panel: Axes) -> None:
        places = np.arange(len(chosen))
        panel.barh(places, values, color=COLOUR, height=0.6)
        if name in INTERVALS and set(INTERVALS[name]) <= set(chosen.columns):
            low, high = (chosen[one].to_numpy(dtype=np.float64) * scale for one in INTERVALS[name])
            panel.hlines(places, low, high, color=INK, linewidth=1, label="90 of 100 lie here")
            panel.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
        panel.set_yticks(places, [label(str(case), LONGEST_LABEL) for case in chosen["case_id"]])
        panel.set_ylim(max(len(chosen), 1) - 0.5, -0.5)
        what = name.removesuffix("_seconds").replace("_", " ") if in_days else name
        panel.set(xlabel=f"{what} ({unit})" if unit else what, ylabel="case")
        panel.set_title(
            f"The {len(chosen)} of {len(table):,} rows at the highest risk", loc="left", color=INK
        )

    return drawn_panel((8, 1.4 + 0.25 * max(len(chosen), 1)), draw, file_format)
