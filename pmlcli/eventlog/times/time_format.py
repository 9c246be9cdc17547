"""What `--timestamp-format` may be: a strptime format, or what the numbers of a column count."""

from __future__ import annotations

from pmlcli.errors import ValidationError, nearest

UNITS = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000, "nanoseconds": 1_000_000_000}
"""What numbers may count since 1970, and how many of it make a second."""
DAYS = "days"
TIME_UNITS = (*UNITS, DAYS)
"""What a format may be besides a format: what numbers count since 1970, or spreadsheet days."""


def check_time_format(layout: str) -> None:
    """Raises ValidationError for what is no format of times, before a log is read."""
    if layout in TIME_UNITS:
        return
    if "%" not in layout:
        near = nearest(layout, TIME_UNITS)
        raise ValidationError(
            f"'{layout}' is no format of times",
            hint=f"did you mean {near}?" if near else _HINT,
        )
    import pandas as pd  # only where a format is given

    try:
        pd.to_datetime(pd.Series(["0"], dtype=object), format=layout, errors="coerce", utc="%z" in layout)
    except Exception as error:  # pandas raises of several kinds, and compiles a format only as it is used
        raise ValidationError(f"'{layout}' is no format of times: {error}", hint=_HINT) from error


_HINT = f"as in '%d.%m.%Y %H:%M:%S', or one of {', '.join(TIME_UNITS)}"
