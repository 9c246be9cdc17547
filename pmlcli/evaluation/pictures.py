"""An evaluation as pictures: beside training and baseline, group by group, how honest, how far off. SVG."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pmlcli.evaluation.assessment import Figure
from pmlcli.evaluation.panel import drawn_panel, label

COLOUR, INK, PALE = "#2a6f97", "#333333", "#999999"
MOST_GROUPS = 30
LONGEST_LABEL = 60
_BINS = 10


def drawn(figures: Sequence[Figure], frame: pd.DataFrame) -> dict[str, str]:
    """File name to SVG: `figure.svg`, `by-COLUMN.svg` of each grouping; `calibration.svg` and `errors.svg`
    if predictions have a probability or an error. Equal figures and frames give equal texts.

    `figures`: the main one first; `frame`: a row for each prediction.
    """
    main = figures[0]
    made = {"figure.svg": _beside(main)}
    for column in dict.fromkeys(name for one in figures for name in one.group):
        groups = [one for one in figures if column in one.group and one.value is not None]
        if groups:
            made[f"by-{_plain(column)}.svg"] = _by_group(column, groups[:MOST_GROUPS])
    if {"is_right", "probability"} <= set(frame.columns):
        made["calibration.svg"] = _calibration(frame)
    off = [name for name in ("absolute_error", "absolute_error_days") if name in frame.columns]
    if off:
        made["errors.svg"] = _errors(frame[off[0]], main.unit)
    return made


def _plain(column: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", column).strip("-")[:LONGEST_LABEL] or "column"


def _axis(one: Figure) -> str:
    return f"{one.name} ({one.unit})" if one.unit else one.name


def _svg(height: float, draw: Callable[[Axes], None]) -> str:
    return drawn_panel((7, height), draw, "svg").decode("utf-8")


def _points(panel: Axes, labels: Sequence[str], figures: Sequence[Figure]) -> None:
    """A point a line with its 95 % interval, the first at the top."""
    places = np.arange(len(labels))
    for place, one in zip(places, figures, strict=True):
        if one.lower is not None and one.upper is not None:
            panel.plot([one.lower, one.upper], [place, place], color=COLOUR, linewidth=2)
        if one.value is not None:
            panel.plot([one.value], [place], "o", color=COLOUR)
    panel.set_yticks(places, [label(one, LONGEST_LABEL) for one in labels])
    panel.set_ylim(len(labels) - 0.5, -0.5)


def _beside(main: Figure) -> str:
    """The task's own figure beside training and baseline."""
    known = [("here", main), ("in training", main.training), ("baseline", main.baseline)]
    figures: Mapping[str, Figure] = {
        name: one if isinstance(one, Figure) else Figure(main.name, one, main.unit)
        for name, one in known
        if one is not None
    }

    def draw(panel: Axes) -> None:
        _points(panel, list(figures), list(figures.values()))
        panel.set(xlabel=_axis(main), ylabel="measured")
        panel.set_title(f"{main.name} with its 95 % interval", loc="left", color=INK)

    return _svg(2.2, draw)


def _by_group(column: str, groups: Sequence[Figure]) -> str:
    def draw(panel: Axes) -> None:
        _points(panel, [f"{one.group[column]} (n={one.n})" for one in groups], groups)
        panel.set(xlabel=_axis(groups[0]), ylabel=label(column, LONGEST_LABEL))
        panel.set_title(
            f"{groups[0].name} by {label(column, LONGEST_LABEL)}, the worst first", loc="left", color=INK
        )

    return _svg(1.4 + 0.25 * len(groups), draw)


def _calibration(frame: Any) -> str:
    """How often predictions were right, by their probability; on the line the two are equal."""
    said = frame["probability"].to_numpy(dtype=np.float64)
    right = frame["is_right"].to_numpy(dtype=np.float64)
    bins = np.minimum((said * _BINS).astype(np.int64), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    held = counts > 0
    x, y = (np.bincount(bins, weights=one, minlength=_BINS)[held] / counts[held] for one in (said, right))

    def draw(panel: Axes) -> None:
        panel.plot([0, 1], [0, 1], color=PALE, linewidth=1, label="perfect calibration")
        panel.plot(x, y, "o-", color=COLOUR, label="predictions, in ten bins")
        panel.set(xlabel="predicted probability (share)", ylabel="predictions that were right (share)")
        panel.set(xlim=(0, 1), ylim=(0, 1))
        panel.set_title("Calibration of the probabilities", loc="left", color=INK)
        panel.legend(loc="upper left", frameon=False)

    return _svg(4.5, draw)


def _errors(column: Any, unit: str) -> str:
    """How far off predictions were; the last bin holds all beyond the 99th percentile."""
    errors = column.to_numpy(dtype=np.float64)
    errors = errors[np.isfinite(errors)]
    last = float(np.quantile(errors, 0.99)) if len(errors) else 0.0

    def draw(panel: Axes) -> None:
        panel.hist(np.minimum(errors, last), bins=40, color=COLOUR)
        panel.set(
            xlabel=f"absolute error ({unit})" if unit else "absolute error", ylabel="predictions (count)"
        )
        panel.set_title("How far off predictions were", loc="left", color=INK)

    return _svg(3.2, draw)
