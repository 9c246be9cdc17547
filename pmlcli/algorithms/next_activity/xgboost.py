"""XGBoost: boosted trees over counts, last activities, times and attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import xgboost
from numpy.typing import NDArray

from pmlcli import runtime
from pmlcli.algorithms._interface.parameters import Estimators, LearningRate, MaxDepth, MostRows, Recency
from pmlcli.algorithms._learning.boosting import grow_classes
from pmlcli.algorithms._learning.calibration import softmax
from pmlcli.algorithms._learning.recency import recencies, recency_weights, tried_in_time
from pmlcli.algorithms._learning.trees import Trees
from pmlcli.algorithms._learning.validation import CHOOSING_TIME, latest_rows
from pmlcli.algorithms._prefixes.rows import evenly
from pmlcli.algorithms.next_activity._task import NextActivityPredictor
from pmlcli.arrays import Codes
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.encoding.events.sequences import Sequences, targets
from pmlcli.encoding.events.table import tabulate
from pmlcli.encoding.vocabulary import FIRST_CODE

RARE = 20  # classes that follow fewer prefixes share one class of trees
MOST_CELLS = 800_000  # prefixes x classes that are learned from, at most


@dataclass(kw_only=True)
class XGBoost(NextActivityPredictor[Prefixes]):
    """Each round adds a small tree for each next activity, which corrects those before it. Activities too
    rare for trees of their own share some, and split the probability by how often each occurred.
    """

    source: ClassVar[str] = "Chen and Guestrin (2016), XGBoost: a scalable tree boosting system, KDD"
    extra: ClassVar[str | None] = "boost"
    container: ClassVar[str] = "xgboost"
    can_stop_early: ClassVar[bool] = True

    recency: Recency = "auto"
    n_estimators: Estimators = 100
    learning_rate: LearningRate = 0.2
    max_depth: MaxDepth = 5
    most_rows: MostRows = 50_000

    recency_: str = field(init=False, repr=False)
    n_estimators_: int = field(init=False, repr=False)
    shares_: NDArray[np.float64] = field(init=False, repr=False)  # (groups, classes), see `pooled`
    booster_: bytes = field(init=False, repr=False)

    def make_encoding(self) -> PrefixEncoding:
        """Prefixes with their attributes."""
        return PrefixEncoding()

    def fit_held_out(self, data: Prefixes) -> None:
        """Learns from the earlier cases until the others are predicted no better, and chooses `recency`."""
        rows = followed_rows(data)
        is_late = np.repeat(latest_rows(data, data.offsets[:-1]), data.lengths)[rows]
        early, late = (rows[~is_late], rows[is_late]) if 0 < is_late.sum() < len(rows) else (rows, None)
        early, late = self._taught(data, early), late if late is None else evenly(late, self.most_rows)
        wanted = tried_in_time(recencies(self.recency))
        tried = {recency: self._grow(data, early, recency, late=late) for recency in wanted}
        best = min(tried, key=lambda recency: tried[recency].best_score if late is not None else 0.0)
        self._keep(tried[best], best)

    def fit(self, data: Prefixes) -> None:
        """Learns from all, with the `recency` and as many rounds as were best for the late cases."""
        with runtime.use_part_of_time(CHOOSING_TIME):
            self.fit_held_out(data)
        self.refit(data, self)

    def refit(self, data: Prefixes, trial: Self) -> None:
        """With the `recency` and as many rounds as were best for `trial`."""
        rows = self._taught(data, followed_rows(data))
        self._keep(self._grow(data, rows, trial.recency_, trial.n_estimators_), trial.recency_)

    def restore(self, state: dict[str, Any]) -> None:
        """Reads the trees; their structure was checked when the file was."""
        super().restore(state)
        self._trees = Trees.from_json(self.booster_, rounds=self.n_estimators, depth=self.max_depth)

    def probabilities(self, data: Prefixes) -> NDArray[np.float64]:
        """The trees' shares; a rare class's is its part of its group's."""
        found = softmax(self._trees.margins(tabulate(data, np.arange(data.n_events), "rank")))
        return unpooled(found, self.shares_)

    def _taught(self, data: Prefixes, rows: Codes) -> Codes:
        """The prefixes to learn from, of these, and, learned from them, the groups."""
        rows = rows[-max(min(self.most_rows, MOST_CELLS // data.end_class), 100) :]
        self.shares_ = pooled(np.bincount(targets(data)[rows], minlength=data.end_class + 1), RARE)
        return rows

    def _grow(
        self, data: Prefixes, rows: Codes, recency: str, rounds: int | None = None, late: Codes | None = None
    ) -> xgboost.Booster:
        """Trees from the prefixes `rows`; with `late` until they do not get better at these."""
        settings = {"eta": self.learning_rate, "max_depth": self.max_depth, "seed": self.seed}
        settings |= {"num_class": len(self.shares_)}
        watched, taught = (
            late if late is None else self._matrix(data, late),
            self._matrix(data, rows, recency),
        )
        return grow_classes(settings, taught, rounds or self.n_estimators, watched)

    def _keep(self, grown: xgboost.Booster, recency: str) -> None:
        own = {"recency_": recency, "n_estimators_": grown.num_boosted_rounds()}
        self.restore(own | {"booster_": bytes(grown.save_raw("json"))})

    def _matrix(self, data: Prefixes, rows: Codes, recency: str = "off") -> xgboost.DMatrix:
        groups, weights = (
            self.shares_.argmax(axis=0)[targets(data)[rows]],
            recency_weights(data, recency)[rows],
        )
        return xgboost.DMatrix(tabulate(data, rows, "rank"), groups, weight=weights, nthread=1)


def followed_rows(data: Sequences) -> NDArray[np.int64]:
    """The events of which it is known what follows."""
    return np.flatnonzero(targets(data) >= FIRST_CODE)


def pooled(counts: NDArray[np.int64], fewest: int) -> NDArray[np.float64]:
    """(groups, classes): a group for each class that came at least so often, and one for all rarer ones, each
    of which has its share of it by how often it came.
    """
    common, rare = np.flatnonzero(counts >= fewest), np.flatnonzero(counts < fewest)
    rare = rare[rare >= FIRST_CODE]
    shares = np.zeros((max(len(common) + 1, 2), len(counts)))
    shares[np.arange(len(common)), common] = 1.0
    shares[-1, rare] = (counts[rare] + 0.5) / max((counts[rare] + 0.5).sum(), 1.0)
    return shares


def unpooled(found: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """(rows, groups) as (rows, classes), for the groups of `pooled`; rows sum to 1."""
    spread = found[:, shares.argmax(axis=0)] * shares.max(axis=0)
    return np.asarray(spread / spread.sum(axis=1, keepdims=True))
