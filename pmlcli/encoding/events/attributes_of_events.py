"""Events as codes: the activity, the resource and the categorical attributes of each event, case by case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.arrays import Codes
from pmlcli.encoding.attributes import (
    MAXIMUM_VALUES,
    coded,
    is_category,
    is_for_the_asking,
    is_identifier,
    is_twin,
    require_column,
    varies_in_a_case,
)
from pmlcli.encoding.base import Encoding
from pmlcli.encoding.vocabulary import Texts, Vocabulary
from pmlcli.errors import ValidationError
from pmlcli.eventlog.log import (
    ACTIVITY,
    CASE_ID,
    LIFECYCLE,
    MISSING,
    RESOURCE,
    START_TIMESTAMP,
    TIMESTAMP,
    EventLog,
    no_times,
)

LEAST_FILLED = 0.5
"""An attribute that fewer events have is about some activities or about the case, not about each event."""


@dataclass(frozen=True)
class Events:
    """The events of a log as codes of the training vocabularies; case i is rows `offsets[i]:offsets[i + 1]`.

    - `codes`: int64 (events, columns); column 0 is the activity
    - `columns`: names of the columns as in the log, `activity` first, then `resource` where the log has it
    - `vocabularies`: names of the codes, by column; `UNSEEN_CODE` and `MISSING_CODE` among the codes
    - `texts`: the values as the log has them, by column
    - `starts`: int64 (cases,), when each case began, or its position in a log without times: for splits
    - `times`: int64 (events,), microseconds; None unless the encoding was asked for times
    """

    codes: Codes
    offsets: Codes
    columns: tuple[str, ...]
    vocabularies: tuple[Vocabulary, ...]
    texts: tuple[Texts, ...]
    starts: Codes
    times: Codes | None = None

    @property
    def n_cases(self) -> int:
        """Number of cases."""
        return len(self.offsets) - 1

    @property
    def n_events(self) -> int:
        """Number of events."""
        return len(self.codes)

    @property
    def lengths(self) -> Codes:
        """Events of each case, (cases,)."""
        return np.diff(self.offsets)

    @property
    def case_of_event(self) -> Codes:
        """Index of the case of each event, (events,)."""
        return np.repeat(np.arange(self.n_cases), self.lengths)

    @property
    def position(self) -> Codes:
        """0-based position of each event in its case, (events,)."""
        return np.arange(self.n_events) - np.repeat(self.offsets[:-1], self.lengths)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes of each column, those of the unseen and the missing included."""
        return tuple(vocabulary.size for vocabulary in self.vocabularies)

    def name(self, column: int, code: int) -> str:
        """A value of training as people read it."""
        return self.vocabularies[column].name_of(code)

    def text(self, event: int, column: int) -> str:
        """The value of an event as the log has it."""
        return self.texts[column].of(event)


class EventEncoding(Encoding[Events]):
    """Log to coded events: the activity, the resource and the event's categorical attributes.

    Without names, the attributes are chosen by a rule that asks no user and reads no label. A column
    comes in that

    - holds text or truth values (never numbers, never times),
    - has two to 100 values, and most of its events one that other cases have too (no identifier),
    - is filled for at least half of the events, and differs between events of one case somewhere (what
      is the same all through each case describes the case, and may be its label),
    - says something new: there is no one-to-one match with the values of a column that came in before,
    - is not called `label`, `is_anomaly`, `outcome` or the like, and is no prediction written into the log.

    The resource comes in by the same rule, whatever its number of values. Values are coded by
    vocabularies of the training log; an unseen one has a code of its own. `times=True` adds the times.
    """

    name: ClassVar[str] = "events"

    def __init__(self, attributes: Sequence[str] | None = None, *, times: bool = False) -> None:
        refused = {CASE_ID, TIMESTAMP, START_TIMESTAMP} & {*(attributes or ())}
        if refused:
            raise ValidationError(
                f"'{min(refused)}' cannot be an attribute of events",
                hint="name columns of categories",
                context={"column": min(refused), "parameter": "attributes"},
            )
        self.attributes = None if attributes is None else tuple(attributes)
        self.with_times = times
        self.columns: tuple[str, ...] = (ACTIVITY,)
        self._vocabularies: tuple[Vocabulary, ...] = (Vocabulary(()),)
        self._booleans: tuple[str, ...] = ()

    def fit(self, log: EventLog) -> Self:
        """Chooses the columns and learns their values; LogError for a named column that the log lacks."""
        if self.with_times:
            _require_times(log)
        named = [name for name in self.attributes or () if name not in (ACTIVITY, RESOURCE)]
        for name in named:
            require_column(log, name)
        chosen = _kept(log, _resource(log))
        chosen += named if self.attributes is not None else _kept(log, _candidates(log), chosen)
        self.columns = (ACTIVITY, *chosen)
        self._vocabularies = tuple(Vocabulary.of(*coded(log, column)) for column in self.columns)
        self._booleans = tuple(c for c in chosen if pd.api.types.is_bool_dtype(log.frame[c].dtype))
        return self

    def transform(self, log: EventLog) -> Events:
        """The events of any log in the columns and codes of training."""
        for column in self.columns:
            require_column(log, column)
        if self.with_times:
            _require_times(log)
        texts = tuple(Texts(*coded(log, column)) for column in self.columns)
        codes = [v.encode(*text) for v, text in zip(self._vocabularies, texts, strict=True)]
        times = log.times if self.with_times else None
        columns = np.column_stack(codes)
        return Events(columns, log.offsets, self.columns, self._vocabularies, texts, log.starts, times)

    def state(self) -> dict[str, Any]:  # noqa: D102
        return {
            "attributes": None if self.attributes is None else list(self.attributes),
            "times": self.with_times,
            "columns": list(self.columns),
            "values": [list(vocabulary.values) for vocabulary in self._vocabularies],
            "booleans": list(self._booleans),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:  # noqa: D102
        encoding = cls(state["attributes"], times=state["times"])
        encoding.columns = tuple(state["columns"])
        encoding._vocabularies = tuple(Vocabulary(tuple(values)) for values in state["values"])
        encoding._booleans = tuple(state["booleans"])
        return encoding

    def required_columns(self) -> tuple[str, ...]:  # noqa: D102
        return (*self.columns[1:], *([TIMESTAMP] if self.with_times else []))

    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        """Values seen in training by column; truth values, which are no text in the log, left out."""
        pairs = zip(self.columns, self._vocabularies, strict=True)
        return {column: v.values for column, v in pairs if column not in self._booleans}

    def truth_values(self) -> dict[str, tuple[str, ...]]:  # noqa: D102
        pairs = zip(self.columns, self._vocabularies, strict=True)
        return {column: v.values for column, v in pairs if column in self._booleans}


def _resource(log: EventLog) -> list[str]:
    return [RESOURCE] if log.resource_codes is not None else []


def _candidates(log: EventLog) -> list[str]:
    """Columns of categories that may describe events, by type and name alone."""
    names = [LIFECYCLE] if LIFECYCLE in log.frame.columns else []
    names += [c for c in log.attribute_columns() if not is_for_the_asking(c)]
    return [name for name in names if is_category(log.frame[name])]


def _kept(log: EventLog, names: Sequence[str], before: Sequence[str] = ()) -> list[str]:
    """Those of the columns that follow the rule, in order, each unlike the ones before it."""
    seen = [coded(log, name)[1] for name in (ACTIVITY, *before)]
    kept: list[str] = []
    for name, codes in _usable(log, names):
        if not any(is_twin(codes, other) for other in seen):
            seen.append(codes)
            kept.append(name)
    return kept


def _usable(log: EventLog, names: Sequence[str]) -> Iterator[tuple[str, NDArray[Any]]]:
    cases = log.case_of_event
    for name in names:
        values, codes = coded(log, name)
        given = codes != MISSING
        if len(values) < 2 or given.mean() < LEAST_FILLED:
            continue
        if name != RESOURCE and len(values) > MAXIMUM_VALUES:
            continue
        if not is_identifier(codes[given], cases[given]) and varies_in_a_case(codes, cases):
            yield name, codes


def _require_times(log: EventLog) -> None:
    if log.times is None:
        raise no_times("which this algorithm needs")
