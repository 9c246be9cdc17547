"""One BLAS thread in every test process: two workers with two threads each take ten times as long.

Set before anything imports numpy. Tests about threads set their own in the processes that they start.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
