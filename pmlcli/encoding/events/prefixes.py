"""Prefixes as rows of numbers, for algorithms that read tables: counts, the last events, times, attributes.

Built once, as arrays over events; a row is made only for a prefix that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.encoding.attributes import (
    as_numbers,
    coded,
    foretells,
    is_category,
    is_for_the_asking,
    is_identifier,
    is_twin,
    require_column,
    varies_in_a_case,
)
from pmlcli.encoding.events.inter_case import inter_case_features
from pmlcli.encoding.events.sequences import SequenceEncoding, Sequences
from pmlcli.encoding.vocabulary import COMMON_VALUES, MISSING_CODE, Vocabulary
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
)

LARGEST = float(np.finfo(np.float32).max)
"""Numbers beyond this are taken for it: they are kept in single precision."""
NUMBERS_ONLY = "write finite numbers there, or leave the cells empty"
NEVER_ATTRIBUTES = frozenset({CASE_ID, ACTIVITY, TIMESTAMP, START_TIMESTAMP, RESOURCE})


class Attribute(NamedTuple):
    """An attribute as training saw it: its column, and whether it changed within some case."""

    column: str
    changes: bool


@dataclass(frozen=True)
class Prefixes(Sequences):
    """Sequences with what else is known of each event; a prefix is named by the event that ends it.

    - `numbers`: float32 (events, numeric attributes), the latest value in the case so far; NaN for none
    - `categories`: int64 (events, categorical attributes), codes of the latest value in the case so far
    - `inter_case`: float32 (events, 7), see `inter_case_features`; (events, 0) unless asked for
    - `number_attributes`, `category_attributes`: what the columns are; `category_sizes`: numbers of codes
    - `ranks`: for activities, resources and each categorical attribute, code to rank by frequency in training
    - `vocabularies`: names of the codes, in the same order
    """

    OF_EVENTS: ClassVar[tuple[str, ...]] = (*Sequences.OF_EVENTS, "numbers", "categories", "inter_case")

    numbers: NDArray[np.float32]
    categories: NDArray[np.int64]
    inter_case: NDArray[np.float32]
    number_attributes: tuple[Attribute, ...]
    category_attributes: tuple[Attribute, ...]
    ranks: tuple[NDArray[np.int64], ...]
    vocabularies: tuple[Vocabulary, ...]

    @property
    def category_sizes(self) -> tuple[int, ...]:
        """Number of codes of each categorical attribute."""
        return tuple(vocabulary.size for vocabulary in self.vocabularies[2:])

    def amid(self, whole: Self, events: NDArray[np.int64]) -> Self:
        """With the inter-case features of these events in `whole`."""
        return replace(self, inter_case=whole.inter_case[events])


class PrefixEncoding(SequenceEncoding):
    """Sequences, and the attributes of events and cases that may be known while a case runs.

    Without names, an attribute comes in that holds numbers (many, if written as text), or text of two or
    more values that are not mostly of one case each, says something new, is not called `label`, `outcome`
    or the like, and is no prediction written into the log; with `inter_case`, also how busy the process is.
    What is the same all through a case counts as known from its start, unless it foretells the trace or its
    length, and the log's user does not say that it is known at the start. `never` are columns left
    out whatever else is said. All is learned from the training log; an attribute's value that is unseen, or
    not among its 50 commonest, has one code.
    """

    name: ClassVar[str] = "prefixes"

    def __init__(
        self, attributes: Sequence[str] | None = None, *, inter_case: bool = False, never: Sequence[str] = ()
    ) -> None:
        super().__init__()
        refused = NEVER_ATTRIBUTES & {*(attributes or ())}
        if refused:
            raise ValidationError(
                f"'{min(refused)}' cannot be an attribute",
                hint="activity, resource and time are used anyway; a case id has no information",
                context={"column": min(refused), "parameter": "attributes"},
            )
        self.attributes = None if attributes is None else tuple(attributes)
        self.uses_inter_case, self.never = inter_case, tuple(never)
        self.numbers: tuple[Attribute, ...] = ()
        self.categories: tuple[Attribute, ...] = ()
        self._values: tuple[Vocabulary, ...] = ()
        self._booleans: tuple[str, ...] = ()
        self._ranks: tuple[NDArray[np.int64], ...] = ()
        self.limits: dict[str, tuple[float, float]] = {}
        self.inter_case_limits: tuple[float, ...] = ()

    def fit(self, log: EventLog) -> Self:
        """Learns what `SequenceEncoding` does, and chooses attributes; LogError for a named one it lacks."""
        super().fit(log)
        for name in self.attributes or ():
            require_column(log, name)
        names = self._candidates(log) if self.attributes is None else self.attributes
        is_text = {name: _is_text(log.frame[name]) for name in names}
        self.numbers = tuple(_numeric(log, [n for n in names if not is_text[n]], self.attributes is None))
        chosen = list(_categorical(log, [n for n in names if is_text[n]], self.attributes is None))
        self.categories = tuple(attribute for attribute, _values in chosen)
        self._values = tuple(values for _attribute, values in chosen)
        self._booleans = tuple(
            a.column for a in self.categories if pd.api.types.is_bool_dtype(log.frame[a.column].dtype)
        )
        self._ranks = tuple(self._ranked(log))
        self.limits = {attribute.column: _limits(log, attribute.column) for attribute in self.numbers}
        if self.uses_inter_case:
            largest = inter_case_features(log, self.running_rule).max(axis=0, initial=0.0)
            self.inter_case_limits = tuple(map(float, largest))
        return self

    def leave_out(self, columns: Sequence[str]) -> None:
        """Does without these of the attributes that `fit` chose."""
        kept = [attribute.column not in columns for attribute in self.categories]
        self.numbers = tuple(attribute for attribute in self.numbers if attribute.column not in columns)
        self.categories = tuple(compress(self.categories, kept))
        self._values = tuple(compress(self._values, kept))
        self._booleans = tuple(name for name in self._booleans if name not in columns)
        self._ranks = (*self._ranks[:2], *compress(self._ranks[2:], kept))

    def transform(self, log: EventLog) -> Prefixes:
        """The log's prefixes in the columns and codes of training; LogError for a column it lacks."""
        for attribute in (*self.numbers, *self.categories):
            require_column(log, attribute.column)
        cases = log.case_of_event
        numbers = np.zeros((log.n_events, len(self.numbers)), dtype=np.float32)
        for place, attribute in enumerate(self.numbers):
            # What training never saw counts as the nearest that it saw: a line would lead anywhere.
            bounded = np.clip(
                as_numbers(log, attribute.column, hint=NUMBERS_ONLY), *self.limits[attribute.column]
            )
            numbers[:, place] = _latest(bounded, cases)
        categories = np.zeros((log.n_events, len(self.categories)), dtype=np.int64)
        for place, (attribute, values) in enumerate(zip(self.categories, self._values, strict=True)):
            codes = values.encode(*coded(log, attribute.column))
            given = np.where(codes == MISSING_CODE, np.nan, codes)
            categories[:, place] = np.nan_to_num(_latest(given, cases), nan=MISSING_CODE)
        inter_case = self._inter_case(log) if self.uses_inter_case else None
        return Prefixes(
            **self._parts(log),
            numbers=numbers,
            categories=categories,
            inter_case=np.zeros((log.n_events, 0), dtype=np.float32) if inter_case is None else inter_case,
            number_attributes=self.numbers,
            category_attributes=self.categories,
            ranks=self._ranks,
            vocabularies=(self.activities, self.resources or Vocabulary(()), *self._values),
        )

    def _inter_case(self, log: EventLog) -> NDArray[np.float32]:
        found = inter_case_features(log, self.running_rule)
        return np.minimum(found, np.array(self.inter_case_limits, dtype=np.float32))

    def state(self) -> dict[str, Any]:  # noqa: D102
        return super().state() | {
            "attributes": None if self.attributes is None else list(self.attributes),
            "inter_case": self.uses_inter_case,
            "never": list(self.never),
            "numbers": [list(attribute) for attribute in self.numbers],
            "categories": [list(attribute) for attribute in self.categories],
            "values": [list(vocabulary.values) for vocabulary in self._values],
            "booleans": list(self._booleans),
            "ranks": list(self._ranks),
            "limits": [list(self.limits[attribute.column]) for attribute in self.numbers],
            "inter_case_limits": list(self.inter_case_limits),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:  # noqa: D102
        encoding = super().from_state(state)
        encoding.attributes = None if state["attributes"] is None else tuple(state["attributes"])
        encoding.uses_inter_case, encoding.never = bool(state["inter_case"]), tuple(state["never"])
        encoding.numbers = tuple(Attribute(str(c), bool(changes)) for c, changes in state["numbers"])
        encoding.categories = tuple(Attribute(str(c), bool(changes)) for c, changes in state["categories"])
        encoding._values = tuple(Vocabulary(tuple(values)) for values in state["values"])
        encoding._booleans = tuple(state["booleans"])
        encoding._ranks = tuple(np.asarray(ranks, dtype=np.int64) for ranks in state["ranks"])
        pairs = zip(encoding.numbers, state["limits"], strict=True)
        encoding.limits = {a.column: (float(low), float(high)) for a, (low, high) in pairs}
        encoding.inter_case_limits = tuple(map(float, state["inter_case_limits"]))
        return encoding

    def required_columns(self) -> tuple[str, ...]:  # noqa: D102
        own = (attribute.column for attribute in (*self.numbers, *self.categories))
        return (*super().required_columns(), *own)

    def number_limits(self) -> dict[str, tuple[float, float]]:
        """Least and largest number of each numeric attribute in training."""
        return {attribute.column: self.limits[attribute.column] for attribute in self.numbers}

    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        """Values seen in training by column; truth values, which are no text in the log, left out."""
        pairs = zip(self.categories, self._values, strict=True)
        own = {a.column: v.values for a, v in pairs if a.column not in self._booleans}
        return super().vocabularies() | own

    def truth_values(self) -> dict[str, tuple[str, ...]]:  # noqa: D102
        pairs = zip(self.categories, self._values, strict=True)
        return {a.column: v.values for a, v in pairs if a.column in self._booleans}

    def _candidates(self, log: EventLog) -> list[str]:
        names = [LIFECYCLE] if LIFECYCLE in log.frame.columns else []
        names += [*log.attribute_columns(), *log.case_attribute_columns()]
        return [
            name
            for name in names
            if name not in self.never
            and not is_for_the_asking(name)
            and not pd.api.types.is_datetime64_any_dtype(log.frame[name])
        ]

    def _ranked(self, log: EventLog) -> list[NDArray[np.int64]]:
        """Codes to ranks, the commonest first; values that no event of the training log has come last."""
        sizes = (self.activities.size, self._parts(log)["n_resources"], *(v.size for v in self._values))
        columns = [self.activities.encode(log.activities, log.activity_codes), self._resource(log)]
        for attribute, values in zip(self.categories, self._values, strict=True):
            columns.append(values.encode(*coded(log, attribute.column)))
        counts = [np.bincount(column, minlength=size) for column, size in zip(columns, sizes, strict=True)]
        return [np.argsort(np.argsort(-count, kind="stable"), kind="stable") for count in counts]


def _is_text(values: pd.Series[Any]) -> bool:
    """Whether a column is one of categories: not when it holds many values, all of them numbers as text."""
    if not is_category(values):
        return False
    distinct = pd.Series(values.dropna().unique())
    return len(distinct) <= COMMON_VALUES or bool(pd.to_numeric(distinct, errors="coerce").isna().any())


def _limits(log: EventLog, column: str) -> tuple[float, float]:
    """Least and largest number of a column, in single precision; 0 and 0 where there is none."""
    values = as_numbers(log, column, hint=NUMBERS_ONLY)
    given = np.clip(values[~np.isnan(values)], -LARGEST, LARGEST)
    return (float(given.min()), float(given.max())) if len(given) else (0.0, 0.0)


def _numeric(log: EventLog, names: Sequence[str], choose: bool) -> list[Attribute]:
    """The attributes of numbers, in order; when they may be chosen, those that are whole and tell cases apart
    (identifiers), that are always the same, or that tell a case's end from its start, are left out.
    """
    cases, found = log.case_of_event, []
    for name in names:
        values = as_numbers(log, name, hint=NUMBERS_ONLY)
        codes, distinct = pd.factorize(values)
        given = codes != MISSING
        is_whole = bool((distinct == np.floor(distinct)).all())
        latest = _latest(np.where(given, codes, np.nan), cases)
        changes = varies_in_a_case(latest, cases)
        if choose and (
            len(distinct) < 2
            or (is_whole and is_identifier(codes[given], cases[given]))
            or (not changes and name not in log.known_at_start and foretells(log, codes))
        ):
            continue
        found.append(Attribute(name, changes))
    return found


def _categorical(log: EventLog, names: Sequence[str], choose: bool) -> list[tuple[Attribute, Vocabulary]]:
    """The attributes of categories with their commonest values, chosen as `PrefixEncoding` says."""
    cases, found = log.case_of_event, []
    seen = [coded(log, ACTIVITY)[1], *([] if log.resource_codes is None else [log.resource_codes])]
    for name in names:
        values, codes = coded(log, name)
        given = codes != MISSING
        latest = _latest(np.where(given, codes, np.nan), cases)
        changes = varies_in_a_case(latest, cases)
        if choose and (
            len(values) < 2
            or is_identifier(codes[given], cases[given])
            or any(is_twin(codes, other) for other in seen)
            or (not changes and name not in log.known_at_start and foretells(log, codes))
        ):
            continue
        seen.append(codes)
        counts = np.bincount(codes[given], minlength=len(values))
        common = np.sort(np.argsort(-counts, kind="stable")[:COMMON_VALUES])
        found.append((Attribute(name, changes), Vocabulary(tuple(values[i] for i in common))))
    return found


def _latest(values: NDArray[np.float64], cases: NDArray[np.int64]) -> NDArray[np.float64]:
    """The last value that is not NaN in the case up to each event, (events,)."""
    place = np.where(np.isnan(values), 0, np.arange(1, len(values) + 1))
    np.maximum.accumulate(place, out=place)
    before = np.maximum(place - 1, 0)
    return np.where((place > 0) & (cases[before] == cases), values[before], np.nan)
