"""The tables of several cuts as one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._prefixes.rows import pooled


class Cut(NamedTuple):
    shares: NDArray[np.float64]
    cases: NDArray[np.int64]
    best: int
    about: str


def cut(*cases: int, best: int = 0) -> Cut:
    shares = np.arange(2.0 * len(cases)).reshape(-1, 2)
    return Cut(shares, np.array(cases, dtype=np.int64), best, f"the cut of {best}")


def test_one_cut_stays_as_it_is() -> None:
    assert pooled([one := cut(3, 3, 5)], ("shares",)) is one


def test_a_case_counts_anew_in_each_cut_also_around_an_empty_one() -> None:
    found = pooled([cut(0, 0, 2), cut(), cut(0, 1, best=7)], ("shares",))
    assert found.cases.tolist() == [0, 0, 2, 3, 4]
    assert found.shares.tolist() == [[0, 1], [2, 3], [4, 5], [0, 1], [2, 3]]
    assert (found.best, found.about) == (7, "3 cuts of the log; the cut of 7")


def test_the_cuts_themselves_are_not_changed() -> None:
    cuts = [cut(0, 1), cut(0, 1)]
    pooled(cuts, ("shares",))
    assert [one.cases.tolist() for one in cuts] == [[0, 1], [0, 1]]
