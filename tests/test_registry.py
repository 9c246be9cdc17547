"""The path is the registry, and a stored card says what the class says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pmlcli import registry
from pmlcli._cards import stored_cards, stored_task
from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.errors import MissingDependencyError, ValidationError
from tests.contract.cases import is_installed

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
def test_the_stored_card_says_what_the_class_says(name: str) -> None:
    try:
        fresh = registry.fresh_card(name)
    except MissingDependencyError as error:
        pytest.skip(f"{error.message}")
    stored = stored_cards(name.partition("/")[0].replace("-", "_"))
    assert stored[name] == fresh, "run `make cards`"
    assert fresh.summary
    assert fresh.description
    assert fresh.source


@pytest.mark.parametrize("task", registry.tasks())
def test_the_stored_card_of_a_task_says_what_its_classes_say(task: str) -> None:
    if any(not is_installed(name) for name in registry.own_names(task)):
        pytest.skip("an extra is not installed")
    assert stored_task(task.replace("-", "_")) == registry.fresh_task_card(task), "run `make cards`"


@pytest.mark.parametrize("part", ["request", "parameters"])
def test_tasks_mean_the_same_by_the_same_option(part: str) -> None:
    meanings: dict[str, set[object]] = {}
    for task in registry.tasks():
        for card in getattr(registry.task_card(task), part):
            meanings.setdefault(card.option, set()).add(card)
    assert [option for option, cards in meanings.items() if len(cards) > 1] == []


@pytest.mark.parametrize("name", registry.names())
def test_a_summary_names_the_method_and_says_what_it_does(name: str) -> None:
    method, _, does = registry.card(name).summary.partition(": ")
    assert 2 < len(method) <= 30
    assert len(does) > 30
    assert len(method) + len(does) < 105
    assert does.endswith(".")


@pytest.mark.parametrize("name", registry.names())
def test_an_algorithm_stands_at_most_two_below_the_base(name: str) -> None:
    if not is_installed(name):
        pytest.skip("an extra is not installed")
    assert depth_of(registry.find(name)) <= 2


def depth_of(cls: type) -> int:
    """How many classes there are from this one up to `Algorithm`, the longest way."""
    return (
        0
        if cls is Algorithm
        else 1 + max(depth_of(base) for base in cls.__bases__ if issubclass(base, Algorithm))
    )


def test_no_card_is_left_of_an_algorithm_that_is_gone() -> None:
    stored = {name for task in registry.tasks() for name in stored_cards(task.replace("-", "_"))}
    assert stored == {name for task in registry.tasks() for name in registry.own_names(task)}


def test_an_algorithm_without_a_card_is_imported_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = registry.card("anomaly/duration")
    monkeypatch.setattr(registry, "stored_cards", lambda folder: {})
    assert registry.card("anomaly/duration") == usual


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
        ("next-activity", None, "next-activity is a task: name it with -t"),
        ("remaining_time", None, "remaining-time is a task: name it with -t"),
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


def test_what_training_takes_beside_the_log_is_declared_by_the_task() -> None:
    """The command line and `Model` know none of it by name but through the card."""
    options = {card.option: tasks for card, tasks in registry.input_options().items()}
    assert options == {"--regressor": ("forecast",)}
    for task in registry.tasks():
        algorithm = registry.find(registry.names(task)[0])
        with pytest.raises(ValidationError, match="takes no weather"):
            algorithm.task.take_inputs(algorithm, {"weather": None})


def test_a_wrong_parameter_is_refused_in_the_words_of_the_table_of_parameters() -> None:
    accepts = {one.name: one for one in registry.card("next-activity/ngram").parameters}["order"]
    with pytest.raises(ValidationError) as found:
        registry.build("next-activity/ngram", {"order": 31})
    assert found.value.message.endswith("must be an integer >= 1 and <= 30 (activities)")
    assert (accepts.type, accepts.range, accepts.unit) == ("integer", ">= 1 and <= 30", "activities")
