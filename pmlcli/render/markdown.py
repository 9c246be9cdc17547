"""What a measuring command found, as Markdown for a comment, an issue or a job's summary."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pmlcli.escape import visible
from pmlcli.evaluation import gates
from pmlcli.evaluation.assessment import Assessment
from pmlcli.evaluation.gates import Judged
from pmlcli.render import figure

_MARKS = re.compile(r"[\\`*_\[\]<>|~$&:#!{}]")
_BLOCK_START = re.compile(r"^(\d{0,9})(?=[-+=.)])")
_MENTION = re.compile(r"@(?=\w)")
_WWW = re.compile(r"(?i)(?<=www)\.")


def page(found: Assessment, judged: Sequence[Judged]) -> str:
    """Verdict, gates, figures, sections, warnings and facts; every text from a log is only text."""
    parts = [f"**{_safe(found.sentence)}**"]
    parts += ["\n".join(f"- {_safe(gates.sentence(one))}" for one in judged)] if judged else []
    rows = [figure.row(one) for one in found.figures if not one.group]
    parts += [_table(figure.HEADERS, rows, figure.RIGHT)] if rows else []
    for section in found.sections:
        headers, cells, right = figure.table(section)
        parts += [f"### {_safe(section.title)}", *(_safe(sentence) for sentence in section.sentences)]
        parts += [_table(headers, cells, right)] if cells else []
    parts += ["\n".join(f"- warning: {_safe(text)}" for text in found.warnings)] if found.warnings else []
    facts = figure.fact_texts(found.facts)
    parts += [", ".join(f"{_safe(name)}: {_safe(text)}" for name, text in facts.items())] if facts else []
    return "\n\n".join(parts) + "\n"


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[int]) -> str:
    rule = ["---:" if i in right else "---" for i in range(len(headers))]
    lines = [[_safe(header) for header in headers], rule, *([_safe(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _safe(text: str) -> str:
    """The text with everything escaped that Markdown, or a forge that shows it, would act on."""
    escaped = _MARKS.sub(r"\\\g<0>", visible(text).strip())
    escaped = _BLOCK_START.sub(r"\1\\", escaped)
    # Mentions and bare addresses are found after escapes are gone; a comment keeps the two sides apart.
    return _WWW.sub("<!-- -->.", _MENTION.sub("@<!-- -->", escaped))
