"""How a newer log's series goes on from the training series."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pmlcli.algorithms.forecast._series import BUCKET, MINIMUM_BUCKETS
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series
from pmlcli.errors import LogError


def continued(history: Series, newer: Series, horizon: int, ahead: Callable[[Series, int], Floats]) -> Series:
    """The training series up to where `newer` begins, then `newer`; a gap of up to a horizon is filled.

    LogError when `newer` holds no whole bucket, or too few to stand alone where it does not follow.
    """
    bucket = BUCKET[newer.frequency]
    if len(newer) == 0:
        raise LogError(
            f"the log covers no whole {bucket}, so there is nothing to continue",
            code="prediction.log",
            hint="give a longer log, or none to forecast from the end of training",
        )
    before = history.head(int(np.searchsorted(history.starts, newer.starts[0])))
    if len(before) == 0:
        return _alone(newer)
    between = before.next_starts(horizon + 1)
    gap = int(np.searchsorted(between, newer.starts[0]))
    if gap > horizon:
        return _alone(newer)
    if gap:
        before = before.extended(between[:gap], ahead(before, gap))
    return before.extended(newer.starts, newer.values)


def _alone(newer: Series) -> Series:
    """`newer` itself, when it is long enough to be continued without the training series."""
    bucket, minimum = BUCKET[newer.frequency], MINIMUM_BUCKETS[newer.frequency]
    if len(newer) >= minimum:
        return newer
    raise LogError(
        f"the log covers {len(newer)} whole {bucket}s that do not follow the training series, "
        f"but a forecast from them alone needs {minimum}",
        code="prediction.log",
        hint="give a log that reaches back to the training log",
        context={"samples": len(newer), "minimum": minimum},
    )
