"""Boosted trees walked by numpy: an answer needs no XGBoost, only its JSON, whose structure was checked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Nodes = NDArray[np.int64]


@dataclass(frozen=True)
class Trees:
    """All trees side by side, (trees, nodes); short ones are padded with leaves that nobody reaches.

    A node whose `left` is -1 is a leaf, and its `limit` is what it adds; others send a row left when its
    `feature` is below the `limit`.
    """

    left: Nodes
    right: Nodes
    feature: Nodes
    limit: NDArray[np.float32]
    start: float

    @classmethod
    def from_json(cls, data: bytes) -> Trees:
        """The trees of an XGBoost regression model."""
        learner = json.loads(data)["learner"]
        trees: list[dict[str, Any]] = learner["gradient_booster"]["model"]["trees"]
        width = max((len(tree["left_children"]) for tree in trees), default=1)

        def column(name: str, fill: float) -> NDArray[np.float64]:
            filled = np.full((len(trees), width), fill)
            for row, tree in zip(filled, trees, strict=True):
                row[: len(tree[name])] = tree[name]
            return filled

        return cls(
            column("left_children", -1).astype(np.int64),
            column("right_children", -1).astype(np.int64),
            column("split_indices", 0).astype(np.int64),
            column("split_conditions", 0.0).astype(np.float32),
            float(learner["learner_model_param"]["base_score"].strip("[]")),
        )

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """The sum of what each tree adds, (rows,); rows (rows, features) hold no NaN."""
        trees, numbers = np.arange(len(self.left)), np.arange(len(rows))[:, None]
        node = np.zeros((len(rows), len(self.left)), dtype=np.int64)
        while (inner := self.left[trees, node] >= 0).any():
            is_below = rows[numbers, self.feature[trees, node]] < self.limit[trees, node]
            after = np.where(is_below, self.left[trees, node], self.right[trees, node])
            node = np.where(inner, after, node)
        return np.asarray(self.start + self.limit[trees, node].astype(np.float64).sum(axis=1))
