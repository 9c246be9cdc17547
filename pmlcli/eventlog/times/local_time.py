"""Times as the clocks of a zone show them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MICROSECONDS = 1_000_000
DAY = 86_400 * MICROSECONDS


def local_micros(times: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.int64]:
    """Microseconds UTC as microseconds since 1970 on the zone's clock."""
    if zone.key == "UTC":
        return times
    stamps = pd.DatetimeIndex(times.view("datetime64[us]")).tz_localize("UTC").tz_convert(zone)
    return stamps.tz_localize(None).as_unit("us").to_numpy().view("int64")


def iso(microseconds: int, zone: ZoneInfo) -> str:
    """ISO 8601 with the zone's offset."""
    seconds, rest = divmod(microseconds, MICROSECONDS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest).astimezone(zone).isoformat()
