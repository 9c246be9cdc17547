"""What was predicted beside what came: a matrix of the commonest classes."""

from __future__ import annotations

import numpy as np

from pmlcli.render import number
from pmlcli.reporting import words
from pmlcli.reporting.drawing import drawn
from pmlcli.reporting.parts import Cell, Figure, Name, Table
from pmlcli.reporting.story import Asked

PREDICTED = ("next_activity", "outcome")
MOST = 12
CELL, LEFT, TOP, SLANTED = 46, 210, 150, 130
OTHERS = "all others"


def confusion(asked: Asked) -> Figure | None:
    """The matrix of predictions and truth in shares of a row; None where no classes are predicted."""
    if asked.evaluation is None:
        return None
    frame = asked.evaluation.frame
    column = next((name for name in PREDICTED if name in frame.columns), None)
    if column is None or "truth" not in frame.columns:
        return None
    truth, said = (frame[name].astype(str).to_numpy(dtype=object) for name in ("truth", column))
    names, counts = np.unique(truth, return_counts=True)
    kept = names[np.argsort(-counts, kind="stable")[:MOST]].tolist()
    place = {name: i for i, name in enumerate(kept)}
    size = len(kept) + 1
    rows, columns = (np.array([place.get(one, size - 1) for one in side]) for side in (truth, said))
    matrix = np.bincount(rows * size + columns, minlength=size * size).reshape(size, size)
    labels = [*kept, OTHERS]
    if not matrix[-1].sum() and not matrix[:, -1].sum():
        matrix, labels = matrix[:-1, :-1], labels[:-1]
    return _figure(asked, labels, matrix)


def _figure(asked: Asked, labels: list[str], matrix: np.ndarray) -> Figure:
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    cells = [
        {
            "x": LEFT + CELL * j,
            "y": TOP + CELL * i,
            "share": float(shares[i, j]),
            "text": f"{shares[i, j] * 100:.0f}" if matrix[i, j] else "",
            "is_right": i == j,
            "title": f"{labels[i]}, predicted as {labels[j]}: {matrix[i, j]:,} times",
        }
        for i in range(len(labels))
        for j in range(len(labels))
        if matrix[i, j]
    ]
    right = number.share(float(np.trace(matrix) / matrix.sum()))
    told = f"{right} of {matrix.sum():,} predictions are on the diagonal."
    size = (max(LEFT + CELL * len(labels) + SLANTED, 480), TOP + CELL * len(labels) + 30)
    svg = drawn(
        "matrix.svg",
        name=f"confusion-{asked.task}",
        description=told,
        cells=cells,
        labels=[(words.cut(label, 26), label) for label in labels],
        size=size,
        grid=(LEFT, TOP, CELL),
    )
    rows: list[list[Cell]] = [
        [Name(labels[i]), Name(labels[j]), f"{matrix[i, j]:,}", number.share(float(shares[i, j]))]
        for i, j in sorted(zip(*np.nonzero(matrix), strict=True), key=lambda one: -int(matrix[one]))
    ]
    table = Table(
        "What came and what was predicted",
        ("came", "predicted", "times", "of what came"),
        rows,
        frozenset({2, 3}),
    )
    caption = f"{told} A row is what came, a column what was predicted, a number the percent of its row."
    return Figure(f"confusion-{asked.task}", "What it mixes up", told, svg, size, caption, table)
