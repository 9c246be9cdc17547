"""What is wrong with the log's data, and what became of its rows."""

from __future__ import annotations

from pmlcli.render import number, sentence
from pmlcli.reporting.drawing import drawn
from pmlcli.reporting.parts import Part
from pmlcli.reporting.story import Story

MOST_EXAMPLES = 3


def part(story: Story) -> Part:
    """Findings, the serious first, and the account of rows."""
    findings = story.profile.findings
    account = story.profile.ledger
    told = (
        f"{number.counted(account['rows_read'], 'row')} read, {number.count(account['events_used'])} used. "
        + (number.counted(len(findings), "finding") + "." if findings else "Nothing was found to be wrong.")
    )
    unit = story.profile.line_unit
    body = drawn(
        "quality.html",
        findings=[
            {
                "severity": one.severity,
                "message": one.message,
                "fix": one.fix,
                "examples": [
                    (f"{unit} {e.line}" if e.line is not None else "", e.case_id, e.text)
                    for e in one.examples[:MOST_EXAMPLES]
                ],
            }
            for one in findings
        ],
        rows=sentence.ledger(account),
    )
    return Part("quality", "Data quality", [told], body)
