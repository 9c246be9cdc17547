"""What an event log is, and how one is read, split and written. Names are loaded on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pmlcli.eventlog.ledger import Ledger, Refusal
    from pmlcli.eventlog.log import EventLog, LogSchema, LogSource
    from pmlcli.eventlog.options import ReadOptions
    from pmlcli.eventlog.reader import read_log
    from pmlcli.eventlog.split import Split, split_by_start
    from pmlcli.eventlog.writers import log_pieces, write_log

_HOMES = {
    "EventLog": "log",
    "Ledger": "ledger",
    "LogSchema": "log",
    "LogSource": "log",
    "ReadOptions": "options",
    "Refusal": "ledger",
    "Split": "split",
    "log_pieces": "writers",
    "read_log": "reader",
    "split_by_start": "split",
    "write_log": "writers",
}

__all__ = [
    "EventLog",
    "Ledger",
    "LogSchema",
    "LogSource",
    "ReadOptions",
    "Refusal",
    "Split",
    "log_pieces",
    "read_log",
    "split_by_start",
    "write_log",
]


def __getattr__(name: str) -> Any:
    """The public name, from the module that holds it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
