"""Names of the arrays that everything is made of; their shapes stand in the docstrings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
"""Integer codes of values, see `encoding/vocabulary.py`."""
Floats = NDArray[np.float64]
