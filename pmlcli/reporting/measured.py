"""Charts of what a model is worth: scores, error by prefix length, and how honest its probabilities are."""

from __future__ import annotations

import math

import numpy as np

from pmlcli.evaluation.assessment import Figure as Measured
from pmlcli.render import number
from pmlcli.reporting import axes, curve
from pmlcli.reporting.axes import Scale
from pmlcli.reporting.curve import Chart, Key
from pmlcli.reporting.parts import Cell, Figure, Table
from pmlcli.reporting.story import Asked

NAMES = {"mae": "mean absolute error", "auc": "pairs ranked right (AUC)", "mase": "scaled error"}
"""Figures whose name is an abbreviation."""
BINS = 40
TENTHS = 10
MOST_LENGTHS = 40


def scores(asked: Asked) -> Figure | None:
    """How the scores of cases are spread, and where the threshold lies; None for other tasks."""
    if asked.task != "anomaly":
        return None
    values = asked.cases["score"].to_numpy(dtype=float)
    limit = float(asked.cases["threshold"].iloc[0])
    last = max(float(np.quantile(values, 0.99)), limit * 1.2, 1e-9)
    edges = _edges(min(float(values.min()), 0.0), limit, last)
    last = float(edges[-1])
    # A case at the threshold is not above it: a bar holds its upper edge, not its lower one.
    place = np.clip(np.searchsorted(edges, values, side="left") - 1, 0, len(edges) - 2)
    counts = np.bincount(place, minlength=len(edges) - 1)
    across = Scale(float(edges[0]), last, curve.LEFT, curve.RIGHT)
    down = Scale(0.0, axes.top(float(counts.max())), curve.BOTTOM, curve.TOP)
    odd = edges[:-1] >= limit
    kinds = (("bar", ~odd), ("odd", odd))
    shapes = [(kind, _bars(across, down, edges, np.where(which, counts, 0))) for kind, which in kinds]
    at = across.of(limit)
    shapes.append(("now", f"M{at} {curve.TOP}V{curve.BOTTOM}"))
    flagged = int(asked.cases["is_anomaly"].sum())
    of = f"{flagged:,} of {number.counted(len(values), 'case')}"
    told = f"{of} lie above the threshold of {number.number(limit)}."
    keys = (Key("bar", "usual", ""), Key("odd", "above the threshold", ""))
    chart = Chart(
        axes.numbers(across, 6),
        "score (the last bar holds all that are higher)",
        axes.numbers(down, 4),
        "cases",
        shapes,
        keys,
    )
    rows: list[list[Cell]] = [
        [number.number(float(low)), number.number(float(high)), f"{n:,}"]
        for low, high, n in zip(edges[:-1], edges[1:], counts.tolist(), strict=True)
        if n
    ]
    table = Table("Cases by score", ("score from", "to", "cases"), rows, frozenset({0, 1, 2}))
    caption = f"{told} The dashed line is the threshold: cases to its right are flagged as odd."
    return curve.figure("scores", "Scores of cases", (told, caption), chart, table)


def _edges(first: float, limit: float, last: float) -> np.ndarray:
    """About 40 bars of one width, between two of which the threshold lies."""
    if not first < limit < last:
        return np.linspace(first, last, BINS + 1)
    below = max(1, round(BINS * (limit - first) / (last - first)))
    width = (limit - first) / below
    edges = first + width * np.arange(below + 1 + math.ceil((last - limit) / width))
    edges[below] = limit
    return edges


def _bars(across: Scale, down: Scale, edges: np.ndarray, counts: np.ndarray) -> str:
    left, right, tops = across.all(edges[:-1]), across.all(edges[1:]), down.all(counts)
    bars = zip(left.tolist(), right.tolist(), tops.tolist(), counts.tolist(), strict=True)
    return "".join(
        f"M{a + 0.5:g} {curve.BOTTOM}V{y:g}H{b - 0.5:g}V{curve.BOTTOM}Z" for a, b, y, n in bars if n
    )


def by_length(asked: Asked) -> Figure | None:
    """The task's own figure by how many events were known; None where nothing was measured by it."""
    if asked.evaluation is None:
        return None
    grouped = [one for one in asked.evaluation.assessment.figures if "prefix-length" in one.group]
    known = sorted(
        ((int(one.group["prefix-length"]), one) for one in grouped if one.value is not None),
        key=lambda one: one[0],
    )[:MOST_LENGTHS]
    if len(known) < 2:
        return None
    lengths = np.array([length for length, _ in known], dtype=float)
    values, lower, upper = (
        np.array([getattr(one, name) if getattr(one, name) is not None else np.nan for _, one in known])
        for name in ("value", "lower", "upper")
    )
    first = known[0][1]
    unit = first.unit if first.unit in ("share", "seconds") else ""
    high = float(np.nanmax(np.concatenate((values, upper))))
    across = Scale(float(lengths.min()), float(lengths.max()), curve.LEFT, curve.RIGHT)
    down = Scale(0.0, 1.0 if unit == "share" else axes.top(high, unit), curve.BOTTOM, curve.TOP)
    x = across.all(lengths)
    both = np.isfinite(lower) & np.isfinite(upper)
    shapes = [
        ("band", axes.band(x[both], down.all(lower[both]), down.all(upper[both])) if both.any() else ""),
        ("line", axes.path(x, down.all(values))),
        ("fill", curve.dots(x, down.all(values))),
    ]
    name = NAMES.get(first.name, first.name.replace("_", " "))
    direction = "higher is better" if first.higher_is_better else "lower is better"
    chart = Chart(
        [tick for tick in axes.numbers(across, 8) if "." not in tick.text],
        "events of the case that were known",
        axes.numbers(down, 5, unit),
        f"{name} ({first.unit or 'a number'}), {direction}",
        shapes,
        (Key("line", name), Key("band", "95 of 100 lie here", "")),
    )
    rows: list[list[Cell]] = [[f"{length}", _worth(one), f"{one.n or 0:,}"] for length, one in known]
    table = Table(f"{name} by known events", ("known events", name, "cases"), rows, frozenset({0, 1, 2}))
    told = f"{name} after {known[0][0]} events: {rows[0][1]}; after {known[-1][0]}: {rows[-1][1]}."
    caption = f"How right the model is, by how much of a case it knows. {told}"
    return curve.figure(f"by-length-{asked.task}", "How early it is right", (told, caption), chart, table)


def _worth(one: Measured) -> str:
    spread = None if one.lower is None or one.upper is None else (one.upper - one.lower) / 2
    return number.worth(one.value or 0.0, spread, one.unit)


def honesty(asked: Asked) -> Figure | None:
    """How often predictions came true, by the probability they had; None where they have none."""
    if asked.evaluation is None or not {"is_right", "probability"} <= {*asked.evaluation.frame.columns}:
        return None
    said = asked.evaluation.frame["probability"].to_numpy(dtype=float)
    right = asked.evaluation.frame["is_right"].to_numpy(dtype=float)
    bins = np.minimum((said * TENTHS).astype(np.int64), TENTHS - 1)
    counts = np.bincount(bins, minlength=TENTHS)
    held = counts > 0
    x, y = (np.bincount(bins, weights=one, minlength=TENTHS)[held] / counts[held] for one in (said, right))
    across, down = Scale(0, 1, curve.LEFT, curve.RIGHT), Scale(0, 1, curve.BOTTOM, curve.TOP)
    shapes = [
        ("honest", f"M{across.of(0)} {down.of(0)}L{across.of(1)} {down.of(1)}"),
        ("line", axes.path(across.all(x), down.all(y))),
        ("fill", curve.dots(across.all(x), down.all(y))),
    ]
    keys = (Key("honest", "honest"), Key("line", "predictions, in ten bins"))
    chart = Chart(
        axes.numbers(across, 5, "share"),
        "probability that was said",
        axes.numbers(down, 5, "share"),
        "came true",
        shapes,
        keys,
    )
    rows: list[list[Cell]] = [
        [number.share(a), number.share(b), f"{n:,}"]
        for a, b, n in zip(x.tolist(), y.tolist(), counts[held].tolist(), strict=True)
    ]
    table = Table("Said and came true", ("said", "came true", "predictions"), rows, frozenset({0, 1, 2}))
    apart = float((np.abs(x - y) * counts[held]).sum() / counts.sum())
    told = f"Probabilities are off by {number.share(apart)} on average."
    caption = f"{told} On the dashed line as much comes true as was said; below it too much was promised."
    return curve.figure(
        f"honesty-{asked.task}", "How honest its probabilities are", (told, caption), chart, table
    )
