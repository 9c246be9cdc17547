"""The probabilities of all outcomes of a prefix as one text, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.arrays import Floats
from pmlcli.errors import UntrustedArtifactError

ROUNDING = 1e-9


def texts_of(shares: Floats, names: Sequence[str]) -> NDArray[np.object_]:
    """`{"no": 0.25, "yes": 0.75}` of each row of (rows, classes), all digits; equal rows are written once."""
    found, inverse = np.unique(shares, axis=0, return_inverse=True)
    texts = [json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in found.tolist()]
    return np.array(texts, dtype=object)[inverse.reshape(-1)]


def shares_in(texts: pd.Series, classes: Sequence[str]) -> Floats:
    """The probability of each of these classes in each text, (rows, classes), 0 for one that it has not.

    UntrustedArtifactError for what `texts_of` does not write.
    """
    codes, known = pd.factorize(texts)
    rows = np.array([_row(text, classes) for text in _texts(known)]).reshape(len(known), len(classes))
    return np.asarray(rows[codes])


def _texts(known: Iterable[object]) -> list[str]:
    return [str(one) for one in known]


def _row(text: str, classes: Sequence[str]) -> list[float]:
    try:
        found = json.loads(text, object_pairs_hook=_unique)
        values = [found.get(name, 0.0) for name in classes]
        if all(type(one) is float and -ROUNDING <= one <= 1.0 + ROUNDING for one in values):
            return values
    except (ValueError, AttributeError, RecursionError):
        pass
    raise UntrustedArtifactError("the model returned something other than a probability of each outcome")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The object with these members; ValueError where a name stands twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def class_column(name: str) -> str:
    """The column of an evaluation that holds the probability of this outcome."""
    return f"probability of {name}"
