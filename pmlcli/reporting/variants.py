"""The commonest ways through the process, as chevrons."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.profile import variant_codes
from pmlcli.render import number
from pmlcli.reporting import words
from pmlcli.reporting.drawing import drawn
from pmlcli.reporting.graph import ODD_SHARE
from pmlcli.reporting.parts import Cell, Figure, Name, Part, Table
from pmlcli.reporting.story import Story

MOST, MOST_STEPS = 12, 40
WIDTH, LEFT, LINE, SIGN = 1000, 10, 26, 7.2
HUES = 12
"""So many colours there are; an activity has that of its rank."""


class Step(NamedTuple):
    """An activity of a variant: how often in a row, and the number of its colour."""

    name: Name
    times: int
    hue: int


class Variant(NamedTuple):
    """A variant: its share of cases, how long those that ended took, how many a detector flagged."""

    cases: int
    share: str
    median: str
    odd: str
    is_odd: bool
    steps: list[Step]
    more: int


def part(story: Story) -> Part:
    """The twelve commonest variants, with share, median time and oddness."""
    log = story.log
    codes = variant_codes(log)
    kinds, first, counts = np.unique(codes, return_index=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST]
    # Ways of one case each say nothing of what is common.
    order = order[counts[order] > 1] if counts.max() > 1 else order[:3]
    hues = _hues(log.activity_codes, len(log.activities))
    found = [_variant(story, codes == kinds[i], int(first[i]), hues) for i in order]
    covered = number.share(counts[order].sum() / log.n_cases)
    once = int((counts == 1).sum())
    told = (
        f"{number.counted(len(kinds), 'way')} through the process; the {len(found)} commonest cover "
        f"{covered} of the cases. {number.counted(once, 'case')} took a way that no other case took."
    )
    body = drawn("variants.html", variants=found)
    return Part("variants", "Variants", [told], body, within=[_figure(found, told)])


def _figure(found: list[Variant], told: str) -> Figure:
    """The same as a picture, for who takes it out of the page."""
    rows, y = [], 10
    for one in found:
        chips, x, below = [], LEFT, y + 26
        for step in one.steps:
            text = words.cut(step.name.text, 34) + (f" ×{step.times}" if step.times > 1 else "")
            width = int(words.width_of(text) * SIGN) + 30
            if x + width > WIDTH:
                x, below = LEFT, below + LINE
            chips.append((x, below, width, text, step.hue))
            x += width - 6
        rows.append((y + 16, one, chips))
        y = below + LINE + 14
    svg = drawn("chevrons.svg", rows=rows, size=(WIDTH, y), description=told)
    cells: list[list[Cell]] = [
        [one.share, f"{one.cases:,}", one.median, Name(" > ".join(step.name.text for step in one.steps))]
        for one in found
    ]
    table = Table("Variants", ("share", "cases", "median time", "path"), cells, frozenset({0, 1, 2}))
    return Figure("variants", "Variants", told, svg, (WIDTH, y), told, table)


def _hues(codes: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    """The colour of each activity: the commonest have one each, the others share the last."""
    counts = np.bincount(codes[codes >= 0], minlength=n)
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(n)
    return np.minimum(rank, HUES)


def _variant(story: Story, of: NDArray[np.bool_], example: int, hues: NDArray[np.int64]) -> Variant:
    log = story.log
    ended = of & ~story.running
    spans = (log.ends - log.starts)[ended] / 1e6 if log.times is not None else np.empty(0)
    odd = 0.0 if story.odd_cases is None else float(story.odd_cases[of].mean())
    steps = _steps(story, log.activity_codes[log.offsets[example] : log.offsets[example + 1]], hues)
    return Variant(
        int(of.sum()),
        number.share(float(of.mean())),
        words.took(words.median(spans)),
        "" if story.odd_cases is None else number.share(odd),
        odd > ODD_SHARE,
        steps[:MOST_STEPS],
        max(len(steps) - MOST_STEPS, 0),
    )


def _steps(story: Story, codes: NDArray[np.int32], hues: NDArray[np.int64]) -> list[Step]:
    """The activities in their order, those that repeat at once as one."""
    changes = np.flatnonzero(np.diff(codes)) + 1
    begins = np.concatenate(([0], changes))
    times = np.diff(np.concatenate((begins, [len(codes)])))
    return [
        Step(Name(story.activity(int(codes[i]))), int(n), int(hues[codes[i]]) if codes[i] >= 0 else HUES)
        for i, n in zip(begins, times, strict=True)
    ]
