"""What a prediction for prefixes is about: the encoded log, the prefixes meant, and the moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.request import Request
from pmlcli.arrays import Codes
from pmlcli.encoding.base import Encodes
from pmlcli.encoding.events.sequences import Sequences
from pmlcli.eventlog.log import EventLog

Columns = dict[str, Any]

PrefixData = TypeVar("PrefixData", bound=Sequences)
"""What the encoding of a predictive algorithm makes of a log."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PrefixRequest(Request):
    """What every predictive task can be asked for."""

    every_prefix: Annotated[bool, Param("One row per prefix instead of per case.")] = False
    as_of: Annotated[
        str | None,
        Param("Predict as of this time: later events are ignored.", metavar="TIME"),
    ] = None
    explain: Annotated[bool, Param("Add a column that says what moved each prediction.")] = False


OwnRequest = TypeVar("OwnRequest", bound=PrefixRequest)
"""What a predictive task can be asked for, as it declares it."""


@dataclass(frozen=True)
class Requested(Generic[PrefixData, OwnRequest]):
    """What a prediction is about: the log, encoded, and the prefixes asked for, by the event that ends each.

    `rows` are int64 (prefixes,), ascending. `at` is when it is asked, in microseconds UTC: `as_of`, else the
    log's last event, filtered out or not; None without times.
    """

    encoding: Encodes[PrefixData]
    log: EventLog
    data: PrefixData
    rows: Codes
    request: OwnRequest
    at: int | None

    @property
    def cases(self) -> NDArray[np.int64]:
        """Index of the case of each prefix, (prefixes,)."""
        return np.searchsorted(self.data.offsets, self.rows, side="right") - 1

    @property
    def silent(self) -> NDArray[np.float64]:
        """Seconds for which each prefix is known to have gone on without an event, (prefixes,).

        Not zero only where running cases are asked for: any other answer is for the moment of its last event.
        """
        if self.at is None or self.request.every_prefix or self.request.cases == "all":
            return np.zeros(len(self.rows))
        assert self.data.micros is not None
        # An event of a mistyped year may lie after the moment.
        return np.asarray(np.maximum(self.at - self.data.micros[self.rows], 0) / 1e6)
