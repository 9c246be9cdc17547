"""What errors say of options, in the words of Python: `give --force` is `give force=True` there.

Errors are written once, for the command line; who catches or prints one in Python reads keyword arguments.
"""

from __future__ import annotations

import re

FLAGS = frozenset(
    {
        "every-origin",
        "every-prefix",
        "explain",
        "fill-globals",
        "force",
        "only-new",
        "pair-lifecycle",
        "raw-csv",
    }
)
"""Options that are on or off."""
VALUES = {
    "bad-value": ("error", "missing"),
    "cases": ("running", "all"),
    "foreign": ("refuse", "allow"),
    "on-bad-row": ("error", "drop"),
    "unseen": ("ignore", "flag", "fail"),
}
"""Options whose value may stand behind them in a sentence."""
OTHERWISE = {
    "activity": "columns={'activity': ...}",
    "case-id": "columns={'case_id': ...}",
    "columns": "columns",
    "day-first": "day_first=True",
    "help": "help()",
    "labels": "Scope(labels=...)",
    "log-format": "ReadOptions(format=...)",
    "month-first": "day_first=False",
    "no-isolation": "trusted=True",
    "public-key": "check_seal",
    "regressor": "regressors",
    "resource": "columns={'resource': ...}",
    "timestamp": "columns={'timestamp': ...}",
    "wait": "Publication(wait_seconds=...)",
}
"""Options that are called otherwise in Python, or are no keyword of their own."""
COMMANDS = {
    "`pmlcli algorithms`": "`pmlcli.algorithms()`",
    "name one with -a, or a task with -t": "name one, as task/name",
    "name it with -t": "name one of its algorithms, as task/name",
    "give it with -p NAME=VALUE": "give it as NAME=VALUE",
}
"""Whole phrases."""
_OPTION = re.compile(
    r"(?<![\w-])--(?P<name>[a-z]+(?:-[a-z]+)*)"
    r"(?:(?:[ =](?P<value>[A-Z][A-Z_+=]+)\b)|(?: (?P<word>[a-z]+)\b)|(?: (?P<quoted>'[^']*')))?"
)


def in_python(text: str) -> str:
    """The text with options as keyword arguments."""
    for phrase, other in COMMANDS.items():
        text = text.replace(phrase, other)
    return _OPTION.sub(_keyword, text) if "--" in text else text


def _keyword(found: re.Match[str]) -> str:
    name, word, quoted = found["name"], found["word"], found["quoted"]
    rest = f" {word}" if word else f" {quoted}" if quoted else ""
    if name in OTHERWISE:
        return OTHERWISE[name] + rest
    plain = name.replace("-", "_")
    if name in FLAGS:
        return f"{plain}=True{rest}"
    if word in VALUES.get(name, ()):
        return f"{plain}='{word}'"
    if quoted:
        return f"{plain}={quoted}"
    return f"{plain}={found['value']}" if found["value"] else plain + rest
