"""Reasons for answers, as they are told."""

from __future__ import annotations

import numpy as np

from pmlcli.algorithms._prefixes.explain import _told


def test_reasons_that_round_to_nothing_are_left_out() -> None:
    influence = np.array([-0.004, 0.25, 0.003])
    what = ["`A` (event 1)", "`B` (event 2)", "'x' is 3"]
    order = np.array([1, 0, 2])
    assert _told(influence, order, what, lambda change: f"{100 * change:+.0f} points") == (
        "`B` (event 2): +25 points"
    )
    assert _told(influence, order, what, lambda change: f"{100 * change:+.1f} points").count(";") == 2
    assert _told(influence / 100, order, what, lambda change: f"{change:+.0f} events") == ""
