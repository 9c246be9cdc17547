"""A leader board as an assessment: who is best, by how much, and how much of that is the choosing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pmlcli.evaluation.assessment import Assessment, Cell, Figure, Section
from pmlcli.evaluation.bootstrap import NOISE, bounds
from pmlcli.evaluation.choosing import without_choosing
from pmlcli.lifecycle.evaluation_words import told_size, told_value
from pmlcli.lifecycle.leaderboard import Cut, Row, ranked

BEST, TIED, BASELINE, NONE = "ahead", "tied", "baseline", "none"
_OTHER_THINGS = "not ranked: it predicts something else than the baseline"


def _how(*, is_about_cases: bool) -> list[str]:
    what, one = ("cases", "case") if is_about_cases else ("blocks of time", "forecast")
    after = "the cases that began after" if is_about_cases else "from each bucket after"
    return [
        f"each was trained on the log as it stood when the last fifth of the cases began, saved and loaded, "
        f"and predicts {after}: the numbers are those of `evaluate --only-new`, not of training's own trial",
        f"fit_seconds are of processor time and hold training's own measuring; milliseconds are for a {one}",
        f"differences are paired: all are resampled by the same {what} (95 %)",
    ]


@dataclass(frozen=True)
class Board:
    """All rows of a comparison.

    - `baseline`: the label of the task's baseline; `phrase`: how its figure is said
    - `not_tried`: labels of candidates for which no time was left
    - `is_about_cases`: what is predicted are cases, else a series
    """

    rows: Sequence[Row]
    baseline: str
    phrase: str
    not_tried: Sequence[str] = ()
    is_about_cases: bool = True


def assessed(board: Board, cut: Cut, facts: Mapping[str, Any]) -> Assessment:
    """The board as an assessment, its rows the best first."""
    order = ranked(board.rows)
    warnings = [f"not tried, for the time was up: {', '.join(board.not_tried)}"] if board.not_tried else []
    if not order:
        return Assessment(
            "compare",
            NONE,
            "none of the algorithms could be measured",
            is_bad=True,
            figures=(),
            sections=_sections(board, order, None),
            warnings=warnings,
            facts=dict(facts),
        )
    choosing = _choosing(order)
    verdict, sentence = _verdict(board, order, choosing)
    return Assessment(
        "compare",
        verdict,
        sentence,
        is_bad=False,
        figures=_figures(board, order, choosing),
        sections=_sections(board, order, choosing),
        warnings=warnings,
        facts={
            "best": {"algorithm": order[0].candidate.name, "parameters": dict(order[0].candidate.varied)},
            "training_cases": cut.training.n_cases,
            **facts,
        },
    )


def difference(one: Row, other: Row, name: str = "difference") -> Figure:
    """One row's figure less another's, on the same cases; without an interval where they are not the same."""
    lower = upper = None
    if one.evidence == other.evidence and len(one.drawn) == len(other.drawn):
        lower, upper = bounds(one.drawn - other.drawn)
    unit = "points" if one.unit == "share" else one.unit
    return Figure(
        name, one.value - other.value, unit, one.n_units, lower, upper, higher_is_better=one.higher_is_better
    )


def _choosing(order: Sequence[Row]) -> Figure | None:
    """What the best would reach where it was not chosen by the very same cases."""
    best = order[0]
    alike = [row for row in order if row.evidence == best.evidence]
    if len(alike) < 2:
        return None
    found = without_choosing([row.draws for row in alike], higher_is_better=best.higher_is_better)
    if found is None:
        return None
    sign = 1 if best.higher_is_better else -1
    unit = "points" if best.unit == "share" else best.unit
    return Figure("choosing", max(sign * (best.value - found), 0.0), unit, len(alike), higher_is_better=False)


def _is_beyond(one: Figure) -> bool:
    return one.lower is not None and one.upper is not None and (one.lower > NOISE or one.upper < -NOISE)


def _verdict(board: Board, order: Sequence[Row], choosing: Figure | None) -> tuple[str, str]:
    best = order[0]
    base = next((row for row in order if row.label == board.baseline), None)
    told = (best.phrase or "{}").format(told_value(best.value, best.unit if best.as_percent else ""))
    if base is not None and base is not best:
        told += f" ({told_value(base.value, base.unit if base.as_percent else '')} {board.phrase})"
    parts = [f"{best.label} is best: {told}"]
    verdict = BASELINE if base is best else TIED
    if len(order) > 1 and order[1].evidence == best.evidence:
        ahead = difference(best, order[1])
        size = told_size(ahead, as_points=best.as_percent)
        if _is_beyond(ahead):
            verdict = verdict if verdict == BASELINE else BEST
            parts.append(f"better than {order[1].label}, the second, by {size}")
        else:
            parts.append(f"no better than {order[1].label}, as far as chance lets one say ({size})")
    if choosing is not None and choosing.value is not None and choosing.value > NOISE:
        size = told_size(choosing, as_points=best.as_percent)
        parts.append(f"about {size} of it come of choosing among {choosing.n}")
    return verdict, "; ".join(parts)


def _figures(board: Board, order: Sequence[Row], choosing: Figure | None) -> list[Figure]:
    best, base = order[0], next((row for row in order if row.label == board.baseline), None)
    higher = best.higher_is_better
    lower, upper = bounds(best.drawn)
    found = [
        Figure(
            best.metric,
            best.value,
            best.unit,
            best.n_units,
            lower,
            upper,
            baseline=None if base is None else base.value,
            higher_is_better=higher,
        )
    ]
    if base is not None:
        found.append(difference(best, base, "baseline_difference"))
    if choosing is not None:
        value = best.value - (choosing.value or 0.0) * (1 if higher else -1)
        found += [choosing, Figure(f"{best.metric}_without_choosing", value, best.unit, best.n_units)]
    return found + [figure for row in order for figure in _of_row(row, best, base)]


def _of_row(row: Row, best: Row, base: Row | None) -> list[Figure]:
    group = {"algorithm": row.label}
    lower, upper = bounds(row.drawn)
    found = [
        Figure(row.metric, row.value, row.unit, row.n_units, lower, upper, group=group),
        *(Figure(name, value, unit, row.n_units, group=group) for name, (value, unit) in row.others.items()),
        Figure("fit_seconds", row.fit_seconds, "seconds", group=group),
        Figure("milliseconds", row.milliseconds, "ms", group=group),
        Figure("size_bytes", float(row.size_bytes), "bytes", group=group),
    ]
    for name, other in (("best_difference", best), ("baseline_difference", base)):
        if other is not None and other is not row:
            one = difference(row, other, name)
            found.append(Figure(**{**vars(one), "group": group}))
    return found


def _sections(board: Board, order: Sequence[Row], choosing: Figure | None) -> list[Section]:
    rows = [_line(board, row, order) for row in order]
    failed = [row for row in board.rows if not row.is_measured]
    rows += [_failed(row) for row in failed]
    rows += [{"algorithm": label, "remark": "not tried: the time was up"} for label in board.not_tried]
    unit = order[0].unit if order and order[0].as_percent else ""
    units = dict.fromkeys(("value", "lower", "upper"), unit)
    told = _how(is_about_cases=board.is_about_cases)
    earlier = [row.label for row in board.rows if row.is_earlier]
    if earlier:
        told.append(f"taken from an earlier run: {', '.join(earlier)}")
    if choosing is not None:
        told.append(
            "what the choosing is worth: the best on cases drawn anew is measured on those not drawn "
            "(Tsamardinos et al., 2018)"
        )
    return [Section("Leader board", (), rows, units), Section("How it was measured", told)]


def _line(board: Board, row: Row, order: Sequence[Row]) -> dict[str, Cell]:
    lower, upper = bounds(row.drawn)
    base = next((one for one in order if one.label == board.baseline), None)
    return {
        "algorithm": row.label,
        "value": row.value,
        "lower": lower,
        "upper": upper,
        "to_best": _apart(row, order[0]),
        "to_baseline": _apart(row, base),
        "fit_seconds": round(row.fit_seconds, 3),
        "ms_per_case" if board.is_about_cases else "ms_per_forecast": round(row.milliseconds, 3),
        "size_bytes": row.size_bytes,
        "remark": _remark(board, row, order[0]),
    }


def _apart(row: Row, other: Row | None) -> str | None:
    """`-1.2 points (-2.0 to -0.3)`: a difference, and its interval where the cases are the same."""
    if other is None or other is row:
        return None
    found = difference(row, other)
    scale, form = (100, "{:+.1f}") if found.unit == "points" and row.as_percent else (1, "{:+.3g}")
    unit = found.unit if row.as_percent or found.unit != "points" else ""
    told = f"{form.format((found.value or 0.0) * scale)} {unit}".rstrip()
    if found.lower is None or found.upper is None:
        return told
    return f"{told} ({form.format(found.lower * scale)} to {form.format(found.upper * scale)})"


def _remark(board: Board, row: Row, best: Row) -> str:
    found = ["the baseline"] if row.label == board.baseline else []
    if row is not best and row.evidence == best.evidence and not _is_beyond(difference(row, best)):
        found.append("as good as the best, as far as chance lets one say")
    if row.evidence != best.evidence:
        found.append(_OTHER_THINGS)
    return "; ".join(found)


def _failed(row: Row) -> dict[str, Cell]:
    why = row.failure or "nothing could be measured"
    remark = f"{why}: pip install 'pmlcli[{row.extra}]'" if row.extra else why
    return {"algorithm": row.label, "remark": remark}
