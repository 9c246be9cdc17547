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
    """The nodes of all trees behind one another, (nodes,), and where each tree begins, (trees,).

    A node whose `left` is -1 is a leaf, and its `limit` is what it adds; others send a row to the node
    `left` when its `feature` is below the `limit`, else to `right`.
    """

    roots: Nodes
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
        sizes = np.array([len(tree["left_children"]) for tree in trees], dtype=np.int64)
        roots = np.cumsum(sizes) - sizes

        def column(name: str) -> NDArray[np.float64]:
            # A tree has at most as many nodes as the file has bytes, so floats hold every number.
            return np.concatenate([np.zeros(0), *(np.asarray(tree[name], dtype=float) for tree in trees)])

        left, right = column("left_children").astype(np.int64), column("right_children").astype(np.int64)
        behind = np.repeat(roots, sizes)
        return cls(
            roots,
            np.where(left < 0, -1, left + behind),
            right + behind,
            column("split_indices").astype(np.int64),
            column("split_conditions").astype(np.float32),
            float(learner["learner_model_param"]["base_score"].strip("[]")),
        )

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """The sum of what each tree adds, (rows,); rows (rows, features) hold no NaN."""
        numbers = np.arange(len(rows))[:, None]
        node = np.tile(self.roots, (len(rows), 1))
        while (inner := self.left[node] >= 0).any():
            is_below = rows[numbers, self.feature[node]] < self.limit[node]
            node = np.where(inner, np.where(is_below, self.left[node], self.right[node]), node)
        return np.asarray(self.start + self.limit[node].astype(np.float64).sum(axis=1))
