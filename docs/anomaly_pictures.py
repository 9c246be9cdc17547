"""Draws the pictures of anomaly-detection.md: python docs/anomaly_pictures.py.

The first shows average precision by detector, read from benchmarks/results/anomaly.txt; the second the
events of one case of the sample log, by what they score.
"""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from pmlcli import Model
from pmlcli.algorithms._interface.request import PredictRequest

ROOT = Path(__file__).parent.parent
PICTURES = Path(__file__).parent / "pictures"
RESULTS = ROOT / "benchmarks" / "results" / "anomaly.txt"
LOGS = ("Receipt", "Sepsis", "p2p", "medium")
BLUE, ORANGE, GREY = "#3b6ea5", "#d1762c", "#9aa3ab"


def case_level() -> pd.DataFrame:
    """Average precision at case level, detectors by logs, from the benchmark's first table."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines()
    first = lines.index("Case level, average precision") + 1
    found: dict[str, dict[str, float]] = {}
    for line in takewhile(str.strip, lines[first + 1 :]):
        cells = zip(lines[first].split(), line[24:].split(), strict=True)
        found[line[:24].strip()] = {head: float(cell) for head, cell in cells if cell not in ("-", ".")}
    return pd.DataFrame.from_dict(found, orient="index")[list(LOGS)].dropna()


def draw_detectors() -> Figure:
    """Every detector's mean over the logs as a bar, and each log as a dot."""
    table = case_level()
    table = table.loc[table.mean(axis=1).sort_values().index]
    figure, axes = plt.subplots(figsize=(7.2, 0.27 * len(table) + 0.9), layout="constrained")
    axes.barh(table.index, table.mean(axis=1), color=GREY, height=0.62)
    axes.barh("likelihood", table.loc["likelihood"].mean(), color=BLUE, height=0.62)
    for log, marker in zip(LOGS, "osD^", strict=True):
        axes.scatter(
            table[log], table.index, marker=marker, s=16, color=ORANGE, zorder=3, label=log, alpha=0.85
        )
    axes.set(xlim=(0, 1.02), xlabel="average precision, case level (bar: mean of the four logs)")
    axes.legend(loc="lower right", frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    return figure


def draw_case() -> Figure:
    """The events of one anomalous case of the sample log with their scores, and why the oddest stands out."""
    logs = ROOT / "sample_logs"
    model = Model("anomaly/likelihood")
    model.train(logs / "purchase-to-pay.csv")
    events = model.predict(
        logs / "purchase-to-pay-new.csv", request=PredictRequest(level="event")
    ).predictions
    labels = pd.read_csv(logs / "purchase-to-pay-new.labels.csv")
    case = labels.loc[labels["anomaly"] == "rework", "case_id"].iloc[0]
    rows = events[events["case_id"] == case].reset_index(drop=True)
    colours = np.where(rows["is_anomaly"], ORANGE, BLUE)
    figure, axes = plt.subplots(figsize=(7.2, 3.4), layout="constrained")
    axes.bar(rows.index, rows["score"], color=colours, width=0.65)
    axes.axhline(rows["threshold"].iloc[0], color=GREY, linestyle="--", linewidth=1)
    axes.annotate(
        "threshold", (len(rows) - 0.6, rows["threshold"].iloc[0]), fontsize=8, va="bottom", ha="right"
    )
    worst = rows.loc[rows["score"].idxmax()]
    axes.set_title(f"{case}: {re.sub('`', '', worst['reason'])}", fontsize=8, loc="left")
    axes.set_xticks(rows.index, rows["activity"], rotation=35, ha="right", fontsize=7)
    axes.set_ylabel("score of the event", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def main() -> None:
    """Writes both pictures; the same input gives the same bytes."""
    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "pmlcli", "font.family": "DejaVu Sans"})
    PICTURES.mkdir(exist_ok=True)
    for name, draw in (("anomaly-detectors", draw_detectors), ("anomaly-case", draw_case)):
        draw().savefig(PICTURES / f"{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
