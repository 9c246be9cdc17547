"""What the shell is offered on TAB: tasks, algorithms and the parameters of the chosen one."""

from __future__ import annotations

from collections import Counter

import typer

from pmlcli import registry
from pmlcli.errors import ValidationError

LOG_FORMATS = ("csv", "xes", "parquet", "xlsx")
OUTPUT_FORMATS = ("csv", "jsonl", "parquet")
MEASURED_FORMATS = ("table", "csv", "json", "markdown", "junit", "github")
LEVELS = ("structure", "checksums", "signature", "environment", "replay")


def tasks() -> list[str]:
    """All tasks."""
    return list(registry.tasks())


def algorithms(context: typer.Context) -> list[tuple[str, str]]:
    """All algorithms, or those of the task already given, with what each does; short names where unique."""
    names = registry.names(context.params.get("task"))
    short = Counter(name.partition("/")[2] for name in names)
    offered = [(name, name) for name in names]
    offered += [(last, name) for name in names if short[last := name.partition("/")[2]] == 1]
    return [(text, registry.card(name).summary) for text, name in offered]


def parameters(context: typer.Context) -> list[tuple[str, str]]:
    """`name=` of each parameter of the algorithm already given."""
    try:
        name = registry.resolve(context.params.get("algorithm"), context.params.get("task"))
    except ValidationError:
        return []
    return [(f"{parameter.name}=", parameter.help) for parameter in registry.card(name).parameters]


def log_formats() -> list[str]:
    """Formats of logs."""
    return list(LOG_FORMATS)


def output_formats() -> list[str]:
    """Formats of tables."""
    return list(OUTPUT_FORMATS)


def measured_formats() -> list[str]:
    """Formats of what a measuring command found."""
    return list(MEASURED_FORMATS)


def kpis() -> list[str]:
    """KPIs that a log can be counted by."""
    # numpy and pandas take time to import.
    from pmlcli.encoding.series.kpi import KPIS

    return list(KPIS)


def levels() -> list[str]:
    """Checks of verification."""
    return list(LEVELS)
