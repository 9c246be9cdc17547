"""What the models are worth: a verdict in words, errors by prefix length, calibration, confusion, scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pmlcli.evaluation.assessment import Figure as Measured
from pmlcli.render import number, sentence
from pmlcli.reporting import words
from pmlcli.reporting.confusion import confusion
from pmlcli.reporting.drawing import drawn
from pmlcli.reporting.measured import NAMES, by_length, honesty, scores
from pmlcli.reporting.parts import Cell, Figure, Name, Part, Table
from pmlcli.reporting.story import Asked, Story

SHORT = {
    "better": "better than the simple way",
    "no better": "no clear difference from the simple way",
    "worse": "worse than the simple way",
    "unclear": "too little was measured to say whether it beats the simple way",
    "is the baseline": "this is the simple way itself",
}
VERDICTS = {
    "better": "It is better than the simple way, beyond chance",
    "no better": "It shows no clear difference from the simple way: what there is may be chance",
    "worse": "It is worse than the simple way, beyond chance",
    "unclear": "Too little was measured to say whether it is better than the simple way",
    "is the baseline": "It is the simple way itself, beside which others are measured",
}


class About(NamedTuple):
    """A model as the page shows it: its verdict in words, what that rests on, pictures and tables."""

    label: str
    type: str
    verdict: str
    because: list[str]
    truth: str
    figures: list[Figure]
    tables: list[Table]


def part(story: Story) -> Part:
    """A paragraph, pictures and tables for each model."""
    if not story.models:
        return Part("model", "The model", ["No model was given: this is the log's own report."])
    told: set[str] = set()
    models = [_about(one, told) for one in story.models]
    body = drawn("models.html", models=models)
    title = "The model" if len(story.models) == 1 else "The models"
    return Part("model", title, [], body, within=[one for about in models for one in about.figures])


def verdict(asked: Asked) -> str:
    """How good a model is, in a sentence: in training beside the simple way, and on this log."""
    known = _comparison(asked)
    if known is None:
        return "its training measured nothing"
    told = VERDICTS.get(known["verdict"], known["verdict"])
    here = "" if asked.evaluation is None else f"; on this log, {asked.evaluation.sentence}"
    return f"{told} ({_numbers(asked, known)}){here}"


def shortly(asked: Asked) -> str:
    """How good a model is in a few words."""
    known = _comparison(asked)
    told = (
        "its training measured nothing"
        if known is None
        else f"{SHORT.get(known['verdict'])} ({_numbers(asked, known)})"
    )
    if asked.evaluation is None or asked.evaluation.verdict not in ("worse", "better"):
        return told
    return f"{told}, and on this log {asked.evaluation.verdict} than in training"


def _comparison(asked: Asked) -> Mapping[str, Any] | None:
    metrics = asked.fields["performance_metrics"]
    return next((one for one in metrics.values() if sentence.is_comparison(one)), None)


def _numbers(asked: Asked, known: Mapping[str, Any]) -> str:
    """The same words in which training says it."""
    return words.with_units(sentence.beside(known, asked.task, asked.simple_way))


def _name(metric: str) -> str:
    return NAMES.get(metric, metric.replace("_", " ").replace("-", " "))


def _worth(known: Mapping[str, Any], value: float) -> str:
    """A value with the digits that its difference to the baseline is known to."""
    lower, upper = known.get("lower"), known.get("upper")
    spread = abs(value) / 50 if lower is None or upper is None else (upper - lower) / 2
    return words.whole(number.worth(value, spread, known["unit"]))


def _about(asked: Asked, told: set[str]) -> About:
    """What the template shows of a model; warnings that were `told` of another one are left out."""
    metrics = [one for one in asked.fields["performance_metrics"].values() if sentence.is_comparison(one)]
    warnings = [
        one for one in dict.fromkeys((*asked.warnings, *_evaluation_warnings(asked))) if one not in told
    ]
    told.update(warnings)
    figures = (scores(asked), by_length(asked), honesty(asked), confusion(asked))
    tables = (_training(asked, metrics), _here(asked))
    return About(
        asked.label,
        asked.model_type,
        f"{verdict(asked)}.",
        [
            *(line for one in metrics for line in sentence.reasons(one)),
            *(words.plain(one) for one in warnings[:MOST_WARNINGS]),
        ],
        f"On this log: {asked.no_truth}." if asked.no_truth else "",
        [one for one in figures if one is not None],
        [one for one in tables if one is not None],
    )


def _evaluation_warnings(asked: Asked) -> tuple[str, ...]:
    return () if asked.evaluation is None else tuple(asked.evaluation.assessment.warnings)


def _training(asked: Asked, metrics: list[Mapping[str, Any]]) -> Table | None:
    """What training measured, on all cuts and on each."""
    rows: list[list[Cell]] = []
    for one in metrics:
        name = _name(str(one["metric"]))
        rows.append([name, "all periods", *(_worth(one, one[key]) for key in COLUMNS)])
        rows += [
            [name, f"from {str(cut.get('since') or '')[:10]} on", *(_worth(one, cut[key]) for key in COLUMNS)]
            for cut in sentence.cuts_of(one)
        ]
    return Table("In training, on held-out cases", HEADERS, rows, frozenset({2, 3, 4})) if rows else None


MOST_WARNINGS = 8
COLUMNS = ("value", "baseline_value", "difference")
HEADERS = ("figure", "period", "this model", "the simple way", "difference")


def _here(asked: Asked) -> Table | None:
    """What was measured on this log."""
    if asked.evaluation is None:
        return None
    figures = [one for one in asked.evaluation.assessment.figures if not one.group]
    rows: list[list[Cell]] = [
        [
            Name(_name(one.name)),
            told(one, one.value),
            f"{told(one, one.lower)} to {told(one, one.upper)}" if one.lower is not None else words.MISSING,
            told(one, one.baseline),
            told(one, one.training),
        ]
        for one in figures
    ]
    headers = ("figure", "here", "95 of 100 lie in", "the simple way", "in training")
    return Table("On this log", headers, rows, frozenset({1, 2, 3, 4}))


def told(one: Measured, value: float | None) -> str:
    """A value of a figure in its unit, or a dash."""
    spread = None if one.lower is None or one.upper is None else (one.upper - one.lower) / 2
    return words.MISSING if value is None else words.whole(number.worth(value, spread, one.unit))
