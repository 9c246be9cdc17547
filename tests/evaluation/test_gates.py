"""What a gate may say, which figures it names, and what is refused because it decides nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmlcli.errors import GateError, ValidationError
from pmlcli.evaluation import gates
from pmlcli.evaluation.assessment import Figure
from pmlcli.evaluation.gates import judge, parse, require

ACCURACY = Figure("accuracy", 0.652, "share", n=200, lower=0.6, upper=0.7, baseline=0.66, training=0.8)
WAIT = Figure("accuracy", 0.4, "share", group={"activity": "Wait"})
PAY = Figure("accuracy", 0.9, "share", group={"activity": "Pay"})
LATE = Figure("mean_error", 3.5, "days")
UNKNOWN = Figure("coverage_90", None, "share")
FIGURES = [ACCURACY, WAIT, PAY, LATE, UNKNOWN]


def crossed(text: str) -> list[str]:
    return [gates.name_of(one.figure) for one in judge([parse(text)], FIGURES) if one.is_crossed]


@pytest.mark.parametrize(
    ("text", "is_crossed"),
    [
        ("accuracy<0.7", True),
        ("accuracy < 0.652", False),
        ("accuracy <= 0.652", True),
        (" accuracy < 70% ", True),
        ("accuracy > .652", False),
        ("accuracy>=6.52e-1", True),
        ("accuracy == 0.652", True),
        ("accuracy!=0.652", False),
        ("Accuracy.lower < 0.61", True),
        ("accuracy.upper < 0.61", False),
        ("accuracy.baseline > 0.65", True),
        ("accuracy.training < 0.79", False),
        ("accuracy.n < 300", True),
        ("mean-error > 3", True),
        ("mean_error > -3", True),
    ],
)
def test_every_comparison_and_every_part(text: str, is_crossed: bool) -> None:
    assert bool(crossed(text)) is is_crossed


def test_a_gate_without_a_group_is_about_all_units_and_a_star_about_each_group() -> None:
    assert crossed("accuracy<0.7") == ["accuracy"]
    assert crossed("accuracy[activity=Wait]<0.5") == ["accuracy[activity=Wait]"]
    assert crossed('accuracy[ "activity" = "Wait" ] < 0.5') == ["accuracy[activity=Wait]"]
    assert crossed("accuracy[activity=*]<0.95") == ["accuracy[activity=Wait]", "accuracy[activity=Pay]"]


@pytest.mark.slow
@given(st.text(), st.text())
def test_any_group_is_named_so_that_the_gate_finds_it_again(column: str, value: str) -> None:
    figure = Figure("share", 0.5, "share", group={column: value, "month": "*"})
    (found,) = judge([parse(f"{gates.name_of(figure)}<0.6")], [figure, PAY])
    assert found.figure is figure
    assert gates.name_of(figure).isprintable()


@pytest.mark.parametrize(
    "text",
    ["", "accuracy", "accuracy<", "<0.7", "accuracy=0.7", "accuracy<0.7x", "accuracy<nan", "accuracy<inf",
     "accuracy=<1", "accuracy<0.7; rm", "accuracy[activity]<1", "accuracy[]<1", "accuracy[a=b<1",
     'accuracy[a="b]<1', 'accuracy[a="\\q"]<1', "accuracy.middle<1", "accuracy<1e999", "0.7>accuracy"],
)  # fmt: skip
def test_what_is_no_gate_is_refused_before_anything_is_measured(text: str) -> None:
    with pytest.raises(ValidationError) as error:
        parse(text)
    assert error.value.exit_code == 2
    assert f"'{text}'" in error.value.message


def test_an_unknown_figure_lists_what_there_is() -> None:
    with pytest.raises(ValidationError, match="did you mean 'accuracy'") as error:
        judge([parse("acuracy<0.7")], FIGURES)
    assert "mean_error" in str(error.value.hint)
    with pytest.raises(ValidationError, match="no such group of 'accuracy'") as error:
        judge([parse("accuracy[activity=Wat]<0.7")], FIGURES)
    assert "accuracy[activity=Pay]" in str(error.value.hint)
    assert "mean_error" not in str(error.value.hint)
    with pytest.raises(ValidationError):
        gates.check_names([parse("auc<0.7")], {"accuracy": "share"})


POINTLESS = [
    ("accuracy<0", "never"), ("accuracy>1", "never"), ("accuracy>=0", "always"), ("accuracy<=1", "always"),
    ("accuracy<80", "always"), ("accuracy>80", "never"), ("accuracy<-1", "never"), ("accuracy>-1", "always"),
    ("accuracy==2", "never"), ("accuracy!=2", "always"), ("accuracy.n<0", "never"),
    ("accuracy.lower>120%", "never"), ("accuracy[activity=*]<0", "never"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "when"), POINTLESS)
def test_a_gate_that_decides_nothing_is_refused(text: str, when: str) -> None:
    with pytest.raises(ValidationError, match="always true" if when == "always" else "never be true"):
        judge([parse(text)], FIGURES)


def test_a_share_given_in_percent_is_understood_in_the_hint() -> None:
    with pytest.raises(ValidationError) as error:
        judge([parse("accuracy<80")], FIGURES)
    assert error.value.hint == "a share is between 0 and 1: 0.8 or 80%"


def test_what_could_not_be_measured_crosses_nothing_and_is_said() -> None:
    (found,) = judge([parse("coverage_90<0.8")], FIGURES)
    assert not found.is_crossed
    assert (
        gates.sentence(found) == "gate 'coverage_90<0.8' cannot be judged: coverage_90 could not be measured"
    )
    require([found])


def test_all_that_is_crossed_is_one_error() -> None:
    judged = judge([parse("accuracy<0.7"), parse("mean_error>3"), parse("accuracy<0.1")], FIGURES)
    with pytest.raises(GateError) as error:
        require(judged)
    assert error.value.exit_code == 6
    assert error.value.message.count("is crossed") == 2
    assert "accuracy is 0.652" in error.value.message
    require(judged[2:])
