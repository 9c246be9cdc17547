"""What every encoding does: log to numbers, fitted once, saved, applied unchanged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from pmlcli.eventlog.log import EventLog

Encoded = TypeVar("Encoded")
Encoded_co = TypeVar("Encoded_co", covariant=True)


class Encodes(Protocol[Encoded_co]):
    """What an algorithm, its task and the lifecycle need of an encoding; see `Encoding`.

    A protocol, as an encoding that adds to another one's numbers gives more than its base class says.
    """

    name: ClassVar[str]
    requires_times: ClassVar[bool]

    @property
    def uses_inter_case(self) -> bool: ...  # noqa: D102

    def fit(self, log: EventLog) -> Self: ...  # noqa: D102

    def transform(self, log: EventLog) -> Encoded_co: ...  # noqa: D102

    def state(self) -> dict[str, Any]: ...  # noqa: D102

    def required_columns(self) -> tuple[str, ...]: ...  # noqa: D102

    def vocabularies(self) -> dict[str, tuple[str, ...]]: ...  # noqa: D102

    def exogenous_columns(self) -> tuple[str, ...]: ...  # noqa: D102

    def truth_values(self) -> dict[str, tuple[str, ...]]: ...  # noqa: D102

    def number_limits(self) -> dict[str, tuple[float, float]]: ...  # noqa: D102

    def number_columns(self) -> tuple[str, ...]: ...  # noqa: D102

    def times_beyond(self, log: EventLog) -> int: ...  # noqa: D102

    def restored(self, state: dict[str, Any]) -> Self: ...  # noqa: D102


class Encoding(ABC, Generic[Encoded]):
    """Turns a log into numbers. Fitted on the training log only; unseen values get their own code.

    An encoding uses only the log that it is given. What it returns for a case depends on that case alone, not
    on other cases. (Series and inter-case features, which describe the log as a whole, use only events up to
    the moment that they describe.)
    """

    name: ClassVar[str]
    requires_times: ClassVar[bool] = False
    uses_inter_case: bool = False
    """Whether an event's numbers depend on what else went on in the log then; never on what came later."""

    @abstractmethod
    def fit(self, log: EventLog) -> Self:
        """Learns vocabularies, columns and scales from the training log; returns itself."""

    @abstractmethod
    def transform(self, log: EventLog) -> Encoded:
        """The log as numbers, with the columns and codes fixed by `fit`."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """All that was configured and learned, as dicts, lists, text, numbers and arrays: no class."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The inverse of `state`."""

    def restored(self, state: dict[str, Any]) -> Self:
        """A fitted encoding with this state, made from an unfitted one."""
        return self.from_state(state)

    @abstractmethod
    def required_columns(self) -> tuple[str, ...]:
        """Columns of the frame that a log must have to be transformed (besides case_id and activity)."""

    @abstractmethod
    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        """Values seen in training by column, for reports of unseen values and for canary cases."""

    def truth_values(self) -> dict[str, tuple[str, ...]]:
        """Booleans seen in training by column, as text, for reports of unseen values."""
        return {}

    def number_limits(self) -> dict[str, tuple[float, float]]:
        """Smallest and largest number of training by column; numbers beyond count as the nearest of them."""
        return {}

    def number_columns(self) -> tuple[str, ...]:
        """Columns that are read as numbers, though a log may write them as text."""
        return tuple(self.number_limits())

    def times_beyond(self, log: EventLog) -> int:
        """How many events have a wait, or a time since their case began, longer than any in training."""
        return 0

    def exogenous_columns(self) -> tuple[str, ...]:
        """Exogenous columns that a prediction needs; only series have any."""
        return ()
