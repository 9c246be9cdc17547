"""Boosted trees walked by numpy: an answer needs no XGBoost, only its JSON, whose structure was checked.

XGBoost itself cannot be asked in a confined process: it looks up its functions as it is first used.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pmlcli.arrays import Codes
from pmlcli.errors import UntrustedArtifactError

CHUNK = 8192
"""Rows that walk together: few enough to stay in the processor's cache."""


@dataclass(frozen=True)
class Trees:
    """The nodes of all trees behind one another, (nodes,), and where each tree begins, `roots`, (trees,).

    A node whose `left` is -1 is a leaf, and its `limit` is what it adds; others send a row to the node
    `left` when its `feature` is below the `limit`, or is missing and `missing_left` says so, else to `right`.
    Tree i adds to output `group[i]`; `start`, (outputs,), is what there is before the first tree. A row has
    `width` numbers.
    """

    roots: Codes
    left: Codes
    right: Codes
    feature: Codes
    limit: NDArray[np.float32]
    missing_left: NDArray[np.bool_]
    group: Codes
    start: NDArray[np.float64]
    width: int

    @classmethod
    def from_json(cls, data: bytes, *, rounds: int, depth: int) -> Trees:
        """The trees of an XGBoost model; `start` of a logistic one is the log-odds.

        Raises UntrustedArtifactError unless there is a tree for each output in each of at most so many
        `rounds`, and none has more levels of splits than `depth`.
        """
        trees = cls._read(data)
        trees._check(rounds, depth)
        return trees

    @classmethod
    def _read(cls, data: bytes) -> Trees:
        learner = json.loads(data)["learner"]
        model = learner["gradient_booster"]["model"]
        trees: list[dict[str, Any]] = model["trees"]
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
            column("default_left").astype(np.bool_),
            np.asarray(model["tree_info"], dtype=np.int64),
            _start(learner),
            int(learner["learner_model_param"]["num_feature"]),
        )

    def _check(self, rounds: int, depth: int) -> None:
        made, left_over = divmod(len(self.roots), len(self.start))
        if left_over or not 0 < made <= rounds:
            raise _untrained(f"{len(self.roots)} trees for {len(self.start)} outputs")
        level = self.roots
        for _ in range(depth):
            inner = level[self.left[level] >= 0]
            level = np.concatenate((self.left[inner], self.right[inner]))
        if (self.left[level] >= 0).any():
            raise _untrained(f"a tree of more than {depth} levels")
        if not np.isfinite(self.start).all():
            raise _untrained("a start that is no number")

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """What the trees of a single output add, (rows,); NaN in rows, (rows, features), is missing."""
        return np.asarray(self.margins(rows)[:, 0])

    def margins(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """The sum of what the trees of each output add, (rows, outputs), tree by tree for any company.

        Raises UntrustedArtifactError for rows of another width than the trees were grown for.
        """
        if rows.shape[1] != self.width:
            raise _untrained(f"trees over {self.width} numbers, of which there are {rows.shape[1]}")
        total = np.tile(self.start, (len(rows), 1))
        for first in range(0, len(rows), CHUNK):
            part = np.ascontiguousarray(rows[first : first + CHUNK])
            for root, output in zip(self.roots, self.group, strict=True):
                total[first : first + CHUNK, output] += self.limit[self._leaves(root, part)]
        return total

    def _leaves(self, root: np.int64, rows: NDArray[np.float32]) -> Codes:
        """The leaf of one tree that each row ends in, (rows,)."""
        flat, base = rows.ravel(), np.arange(len(rows)) * rows.shape[1]
        node = np.full(len(rows), root)
        while (inner := self.left[node] >= 0).any():
            values = flat[base + self.feature[node]]
            goes_left = (values < self.limit[node]) | (np.isnan(values) & self.missing_left[node])
            node = np.where(inner, np.where(goes_left, self.left[node], self.right[node]), node)
        return node


def _untrained(what: str) -> UntrustedArtifactError:
    return UntrustedArtifactError(f"no training gives {what}", hint="train the model again")


def _start(learner: dict[str, Any]) -> NDArray[np.float64]:
    scores = learner["learner_model_param"]["base_score"].strip("[]").split(",")
    sizes = (learner["learner_model_param"].get(name, "1") for name in ("num_class", "num_target"))
    outputs = max(*map(int, sizes), len(scores))
    start = np.array([float(score) for score in scores])
    if learner["objective"]["name"] == "binary:logistic":
        with np.errstate(all="ignore"):
            start = np.log(start / (1 - start))
    return np.asarray(np.broadcast_to(start, (outputs,)))
