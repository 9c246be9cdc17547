"""The path is the registry, and a card read from source says what the class says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pmlcli import registry
from pmlcli.algorithms._interface.param import specs
from pmlcli.errors import ValidationError

NAMED_BY_THE_FIRST_RELEASE = {
    "anomaly/isolation-forest",
    "anomaly/one-class-svm",
    "anomaly/dbscan",
    "anomaly/variant-frequency",
    "forecast/arima",
    "forecast/seasonal-naive",
    "next-activity/ngram",
    "next-activity/gru",
}


def test_no_algorithm_was_lost() -> None:
    assert set(registry.names()) >= NAMED_BY_THE_FIRST_RELEASE


@pytest.mark.parametrize("name", registry.names())
def test_card_says_what_the_class_says(name: str) -> None:
    card, cls = registry.card(name), registry.find(name)
    assert [vars(p) for p in card.parameters] == [vars(s) for s in specs(cls)]
    assert (card.task, card.baseline, card.recommended) == (cls.task, cls.baseline, cls.recommended)
    assert (card.extra, card.container, card.source) == (cls.extra, cls.container, cls.source)
    assert card.summary
    assert card.description
    assert card.source


@pytest.mark.parametrize("name", registry.names())
def test_baseline_and_recommended_exist_and_share_the_task(name: str) -> None:
    card = registry.card(name)
    assert registry.card(card.baseline).task == card.task
    assert registry.card(card.recommended).task == card.task


@pytest.mark.parametrize(
    ("text", "task", "full"),
    [
        ("anomaly/dbscan", None, "anomaly/dbscan"),
        ("dbscan", None, "anomaly/dbscan"),
        ("gru", "next-activity", "next-activity/gru"),
        (None, "forecast", registry.card("forecast/arima").recommended),
    ],
)
def test_resolve(text: str | None, task: str | None, full: str) -> None:
    assert registry.resolve(text, task) == full


@pytest.mark.parametrize(
    ("text", "task", "hint"),
    [
        ("isolation-forst", None, "did you mean 'anomaly/isolation-forest'?"),
        ("anomaly/isolation_forest", None, "did you mean 'anomaly/isolation-forest'?"),
        ("zzz", None, "`pmlcli algorithms` lists them"),
        (None, None, "name one with -a, or a task with -t"),
        ("dbscan", "forcast", "did you mean 'forecast'?"),
    ],
)
def test_unknown_names_get_the_nearest(text: str | None, task: str | None, hint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        registry.resolve(text, task)
    assert caught.value.hint == hint


def test_names_and_cards_import_no_library() -> None:
    code = (
        "import sys; from pmlcli import registry; [registry.card(n) for n in registry.names()];"
        "print(sorted({'numpy', 'pandas', 'sklearn', 'torch', 'statsmodels'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
