"""Typer's test runner, which builds the command anew for each run: all but the whole of what a run costs."""

from __future__ import annotations

from functools import cache
from types import ModuleType

import typer.testing
from typer.main import get_command

from pmlcli.cli.app import app

command = cache(get_command)
COMMAND = command(app)
"""The command line `pmlcli`, built once a process, as it is in life."""


def build_once(runner: ModuleType = typer.testing) -> None:
    """Lets all runs of a process share the command that is built."""
    runner._get_command = command  # type: ignore[attr-defined]
