"""What a measuring command found, as workflow commands, which GitHub shows as annotations of a run.

Form and escapes are those of @actions/core: `::error title=...::message`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pmlcli.escape import visible
from pmlcli.evaluation import gates
from pmlcli.evaluation.assessment import Assessment
from pmlcli.evaluation.gates import Judged

Level = Literal["error", "warning", "notice"]
_IN_MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_TITLE = {**_IN_MESSAGE, ":": "%3A", ",": "%2C"}


def commands(found: Assessment, judged: Sequence[Judged]) -> str:
    """An error a crossed gate, and for a verdict that fails the run; a warning for one that a person should
    look at, and for each warning.
    """
    title = f"pmlcli {found.command}"
    lines = [_command("error", f"{title}: gate", gates.sentence(one)) for one in judged if one.is_crossed]
    unjudged = [gates.sentence(one) for one in judged if one.value is None]
    level: Level = "error" if found.fails else "warning" if found.is_bad else "notice"
    lines.append(_command(level, f"{title}: {found.verdict}", found.sentence))
    lines += [_command("warning", title, text) for text in (*unjudged, *found.warnings)]
    return "\n".join(lines) + "\n"


def _command(level: Level, title: str, message: str) -> str:
    return f"::{level} title={_escaped(title, _IN_TITLE)}::{_escaped(message, _IN_MESSAGE)}"


def _escaped(text: str, codes: dict[str, str]) -> str:
    return visible("".join(codes.get(character, character) for character in text))
