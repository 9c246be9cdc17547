"""The first line of an evaluation, as a person would say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pmlcli.evaluation.assessment import Figure

if TYPE_CHECKING:
    from pmlcli.evaluation.quality import Quality

_WORDS = {
    "worse": "worse than in training",
    "better": "better than in training",
    "as in training": "as in training, as far as chance lets one say",
    "no truth": "no label tells which of them are odd",
    "unclear": "too few cases to say more",
}


def sentence_of(
    main: Quality, found: Figure, change: Figure | None, verdict: str, baseline_phrase: str
) -> str:
    """`right 78.5 % (89.4 % in training, 76.1 % by counting): worse than in training, by 10.9 points`."""
    unit = found.unit if main.as_percent else ""
    beside = []
    if found.training is not None:
        beside.append(f"{told_value(found.training, unit)} in training")
    if found.baseline is not None:
        beside.append(f"{told_value(found.baseline, unit)} {baseline_phrase}")
    told = (main.phrase or "{}").format(told_value(found.value, unit))
    told += f" ({', '.join(beside)})" if beside else ""
    words = _WORDS.get(verdict)
    if verdict in ("worse", "better") and change is not None:
        words = f"{words}, by {told_size(change, as_points=main.as_percent)}"
    elif verdict == "worse":
        words = "worse than its baseline"
    return f"{told}: {words}" if words else told


def told_value(value: float | None, unit: str) -> str:
    """`78.5 %`, `5.6 days`, `0.812`."""
    if value is None:
        return "unknown"
    if unit == "share":
        return f"{100 * value:.1f} %"
    return f"{value:.3g} {unit}".rstrip()


def told_size(change: Figure, *, as_points: bool = True) -> str:
    """`10.9 points (±1.4)`: how far, without a sign, and half of the interval's width."""
    is_share = change.unit == "points"
    scale, form = (100, "{:.1f}") if is_share and as_points else (1, "{:.3g}")
    unit = "" if is_share and not as_points else change.unit
    size = f"{form.format(abs(change.value or 0.0) * scale)} {unit}".rstrip()
    if change.lower is None or change.upper is None:
        return size
    return f"{size} (±{form.format((change.upper - change.lower) / 2 * scale)})"


def told_difference(one: Figure, *, as_points: bool = True) -> str:
    """How it compares with the other model on the same predictions."""
    size = told_size(one, as_points=as_points)
    if one.lower is None or one.upper is None or one.higher_is_better is None:
        return f"{size} from the other model"
    if one.lower <= 0 <= one.upper:
        return f"no different from the other model, as far as chance lets one say ({size})"
    is_good = (one.lower > 0) == one.higher_is_better
    return f"{'better' if is_good else 'worse'} than the other model, by {size}"
