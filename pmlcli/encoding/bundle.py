"""Several encodings of one log side by side, for algorithms that ask other algorithms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pmlcli.encoding.base import Encodes
from pmlcli.errors import LogError, UntrustedArtifactError
from pmlcli.eventlog.log import EventLog


@dataclass(frozen=True)
class Bundle:
    """One log in several encodings, by name."""

    parts: Mapping[str, object]
    n_cases: int


class BundleEncoding(Encodes[Bundle]):
    """Fits each encoding on the training log. One that needs a column that the log lacks is left out;
    LogError when none is left.
    """

    name: ClassVar[str] = "bundle"
    requires_times: ClassVar[bool] = False

    def __init__(self, encodings: Mapping[str, Encodes[object]]) -> None:
        self.encodings = dict(encodings)

    @property
    def uses_inter_case(self) -> bool:
        """Whether one of them does."""
        return any(encoding.uses_inter_case for encoding in self.encodings.values())

    def fit(self, log: EventLog) -> Self:
        """Fits the encodings that this log has the columns for."""
        fitted, refused = {}, []
        for name, encoding in self.encodings.items():
            try:
                fitted[name] = encoding.fit(log)
            except LogError as error:
                refused.append(error)
        if not fitted:
            raise refused[0]
        self.encodings = fitted
        return self

    def transform(self, log: EventLog) -> Bundle:  # noqa: D102
        return Bundle({name: e.transform(log) for name, e in self.encodings.items()}, log.n_cases)

    def state(self) -> dict[str, Any]:  # noqa: D102
        return {
            "names": list(self.encodings),
            "kinds": [encoding.name for encoding in self.encodings.values()],
            "states": [encoding.state() for encoding in self.encodings.values()],
        }

    def restored(self, state: dict[str, Any]) -> Self:
        """The inverse of `state`, by the encodings of its own names; UntrustedArtifactError for others."""
        found: dict[str, Encodes[object]] = {}
        for name, kind, own in zip(state["names"], state["kinds"], state["states"], strict=True):
            if name not in self.encodings or self.encodings[name].name != kind:
                raise UntrustedArtifactError(f"no encoding of '{name}' here is a '{kind}'")
            found[name] = self.encodings[name].restored(own)
        return type(self)(found)

    def required_columns(self) -> tuple[str, ...]:  # noqa: D102
        columns = [column for e in self.encodings.values() for column in e.required_columns()]
        return tuple(dict.fromkeys(columns))

    def vocabularies(self) -> dict[str, tuple[str, ...]]:  # noqa: D102
        found: dict[str, tuple[str, ...]] = {}
        for encoding in self.encodings.values():
            for column, values in encoding.vocabularies().items():
                found[column] = tuple(sorted({*found.get(column, ()), *values}))
        return found

    def truth_values(self) -> dict[str, tuple[str, ...]]:  # noqa: D102
        found: dict[str, tuple[str, ...]] = {}
        for encoding in self.encodings.values():
            for column, values in encoding.truth_values().items():
                found[column] = tuple(sorted({*found.get(column, ()), *values}))
        return found

    def number_limits(self) -> dict[str, tuple[float, float]]:  # noqa: D102
        found: dict[str, tuple[float, float]] = {}
        for encoding in self.encodings.values():
            for column, (low, high) in encoding.number_limits().items():
                before = found.get(column, (low, high))
                found[column] = min(before[0], low), max(before[1], high)
        return found

    def number_columns(self) -> tuple[str, ...]:  # noqa: D102
        columns = [column for e in self.encodings.values() for column in e.number_columns()]
        return tuple(dict.fromkeys(columns))

    def times_beyond(self, log: EventLog) -> int:  # noqa: D102
        return max(e.times_beyond(log) for e in self.encodings.values())

    def exogenous_columns(self) -> tuple[str, ...]:  # noqa: D102
        columns = [column for e in self.encodings.values() for column in e.exogenous_columns()]
        return tuple(dict.fromkeys(columns))
