"""How a log is to be read: every choice a user can make, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pmlcli.errors import ValidationError, unknown_name
from pmlcli.eventlog.selection import Selection
from pmlcli.eventlog.times.time_format import check_time_format

FORMATS = ("csv", "xes", "parquet")
"""What is read and written."""
EXCEL = "xlsx"
"""What is read alone."""
OCEL_FORMATS = ("ocel-json", "ocel-xml", "ocel-sqlite", "ocel-csv")
"""What is read and flattened."""
ROLES = ("case_id", "activity", "timestamp", "start_timestamp", "resource", "lifecycle", "instance")
REQUIRED_ROLES = ("case_id", "activity")
OPTIONAL_ROLES = tuple(role for role in ROLES if role not in REQUIRED_ROLES)
CLASSIFIER_PREFIX = "classifier:"
"""Begins the name of a source column that was made by a classifier."""
TIME_THEN = "time+"
"""Begins an order by time in which a column, named after it, orders events at equal times."""
NONE = "none"
"""The source name that means: do not use a column for this role."""

DELIMITERS = (",", ";", "\t", "|")

MAX_INPUT_BYTES = 4 << 30
MAX_RATIO = 200


@dataclass(frozen=True)
class ReadOptions:
    """How to read a log; the defaults select nothing and guess nothing.

    - `format`: csv, xes, parquet or xlsx; None: found in the content, never in the name
    - `columns`: canonical name to the source's; the value `none` leaves an optional role unused
    - `preferred_kinds`: by column, what a model was trained on: cells without a type stay text for `text`
    - `preferred_columns`: as `columns`, but only where the source has such a column: how a model's
      training log was read, so that a new log is read alike
    - `guess_columns`: go on with a column that no name but its content gives a role, with a note, where
      only one reading is plausible; else that is an error with the options that settle it
    - `timezone`: the zone that times without one are read in (IANA name); None: UTC
    - `on_bad_row`: `error` refuses the log, `drop` leaves the row out and counts it
    - `bad_value`: a cell that is no number or no time in a column of such: `error` reads the column as text,
      and refuses the log where numbers or times are needed; `missing` reads the cell as empty and counts it
    - `order`: events of a case by `time`, in the source's `row` order, or by the numbers of a column that
      is named; `time+COLUMN` orders by time, and events at equal times by the column; None: by time
    - `preferred_tie_breaker`: the column whose numbers ordered events at equal times in the log that a model
      was trained on: where this log has such events, it must have that column
    - `day_first`: settles 03/04/2024 (True: 3 April); None: found, or an error where it cannot be
    - `timestamp_format`: a strptime format for all time columns, or what their numbers count: seconds,
      milliseconds, microseconds, nanoseconds since 1970, or spreadsheet days; None: found
    - `sheet`: of an Excel workbook; None: the first
    - `delimiter`, `encoding`: of a CSV file; None: found (UTF-8, or UTF-16 by its mark)
    - `decimal`: `,` or `.` of the numbers in a CSV file; None: a comma where it can mean nothing else
    - `classifier`: name of a classifier of the XES file, or columns joined by `+`, as the activity
    - `pair_lifecycle`: a start and its completion become one event with two times
    - `lifecycle`: only events of these transitions (complete, ...), after pairing; empty: all
    - `object_type`: of an object-centric log (OCEL): its objects become the cases; other logs are refused
    - `preferred_object_type`: as `object_type`, but only where the log is object-centric
    - `fill_globals`: give events and traces of an XES file the default of an attribute that its
      `<global>` declares and they lack
    - `selection`: which events and cases are wanted
    - `max_input_bytes`, `max_ratio`: bounds on inflated size; a ratio of 0 turns that check off
    """

    format: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    preferred_columns: Mapping[str, str] = field(default_factory=dict)
    preferred_kinds: Mapping[str, str] = field(default_factory=dict)
    guess_columns: bool = False
    timezone: str | None = None
    on_bad_row: str = "error"
    bad_value: str = "error"
    order: str | None = None
    preferred_tie_breaker: str | None = None
    day_first: bool | None = None
    timestamp_format: str | None = None
    sheet: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    classifier: str | None = None
    pair_lifecycle: bool = False
    lifecycle: tuple[str, ...] = ()
    object_type: str | None = None
    preferred_object_type: str | None = None
    fill_globals: bool = False
    selection: Selection = Selection()
    max_input_bytes: int = MAX_INPUT_BYTES
    max_ratio: int = MAX_RATIO

    def __post_init__(self) -> None:
        if self.format is not None:
            _one_of("format", self.format, (*FORMATS, EXCEL, *OCEL_FORMATS))
        _one_of("value of on_bad_row", self.on_bad_row, ("error", "drop"))
        _one_of("value of bad_value", self.bad_value, ("error", "missing"))
        for role, source in {**self.preferred_columns, **self.columns}.items():
            _one_of("column role", role, ROLES)
            if source == NONE and role in REQUIRED_ROLES:
                raise ValidationError(f"a log needs a column for '{role}'; it cannot be 'none'")
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise ValidationError(f"the delimiter is one character, not {self.delimiter!r}")
        if self.decimal is not None:
            _one_of("decimal mark", self.decimal, (",", "."))
        if self.timestamp_format is not None:
            check_time_format(self.timestamp_format)
        self._check_timezone()
        self._check_encoding()

    @property
    def zone(self) -> str:
        """The time zone of these options."""
        return self.timezone or "UTC"

    @property
    def ordering(self) -> str:
        """The order of events: `time`, `row`, a column or `time+COLUMN`."""
        return self.order or "time"

    @property
    def is_by_time(self) -> bool:
        """Whether events are ordered by time, so that they must have times."""
        return self.ordering == "time" or self.ordering.startswith(TIME_THEN)

    def _check_timezone(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValidationError(
                f"unknown time zone '{self.timezone}'", hint="use a name such as UTC or Europe/Amsterdam"
            ) from error

    def _check_encoding(self) -> None:
        try:
            "".encode(self.encoding or "utf-8")
            b"a".decode(self.encoding or "utf-8", "replace")
        except (LookupError, ValueError) as error:  # ValueError: a name or a codec that is none
            raise ValidationError(f"unknown encoding '{self.encoding}'") from error


def _one_of(kind: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise unknown_name(kind, value, known)
