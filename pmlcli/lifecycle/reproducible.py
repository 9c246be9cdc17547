"""One place that fixes seeds and threads, so that the same log and seed give the same bytes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from threadpoolctl import threadpool_limits

from pmlcli import runtime


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Seeds the global generators and limits BLAS and OpenMP to the run's threads; restores both after.

    Algorithms take `seed` themselves; the global generators are seeded for libraries that use them.
    """
    python_state, numpy_state = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        with threadpool_limits(limits=runtime.threads()):
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
