"""Public holidays of a country, as a share of each bucket's days."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.errors import MissingDependencyError, ValidationError


def check_country(country: str) -> None:
    """Raises ValidationError for a country without known holidays."""
    if country not in _library().list_supported_countries():
        raise ValidationError(
            f"no public holidays are known for country '{country}'",
            hint="give a code of ISO 3166 in capitals, such as DE, NL or US",
            context={"kind": "country", "name": country},
        )


def holiday_share(days: pd.DatetimeIndex, frequency: str, country: str) -> NDArray[np.float64]:
    """The share of public holidays among the days of each bucket, (n,); 0 or 1 for hours and days.

    `days` are the first day of each bucket, without a zone.
    """
    if frequency in ("H", "D"):
        return np.asarray(days.normalize().isin(_of_years(country, *_years(days))), dtype=np.float64)
    after = days + (pd.Timedelta(days=7) if frequency == "W" else pd.offsets.MonthBegin(1))
    found = _of_years(country, _years(days)[0], _years(after)[1])
    counts = found.searchsorted(after) - found.searchsorted(days)
    return np.asarray(counts / (after - days).days, dtype=np.float64)


def _years(days: pd.DatetimeIndex) -> tuple[int, int]:
    return (int(days.year.min()), int(days.year.max())) if len(days) else (2000, 2000)


@lru_cache(maxsize=16)
def _of_years(country: str, first: int, last: int) -> pd.DatetimeIndex:
    found = _library().country_holidays(country, years=range(first, last + 1))
    return pd.DatetimeIndex(sorted(pd.Timestamp(day) for day in found))


def _library() -> Any:
    try:
        # Only who asks for holidays needs it.
        import holidays
    except ImportError as error:
        raise MissingDependencyError("holidays", extra="prophet", needed_by="--holidays") from error
    return holidays
