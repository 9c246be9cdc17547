"""A few changes of real models here; `make fuzz-models` makes 2,000 for each algorithm."""

from __future__ import annotations

import pytest

from tests.contract.cases import is_installed
from tests.fuzz.mutate_models import run, subject

FEW = 60


@pytest.mark.parametrize("name", ["next-activity/ngram", "anomaly/isolation-forest", "next-activity/gru"])
def test_a_changed_model_answers_or_is_refused(name: str) -> None:
    if not is_installed(name):
        pytest.skip("its library is not installed")
    outcomes = run(subject(name), FEW)
    assert sum(outcomes.values()) == FEW
    assert set(outcomes) <= {"answered", "refused", "stopped (prediction.crash)", "stopped (prediction.hang)"}
    assert outcomes["refused"]
