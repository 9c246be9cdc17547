"""What a console and a notebook show of models and results: the verdict first, small, escaped."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest

import pmlcli
from pmlcli import registry
from pmlcli.errors import ValidationError
from pmlcli.lifecycle.model import Model
from tests.logs import purchase_events

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def model() -> Model:
    made = Model("next-activity/ngram", model_id=EVIL)
    made.train(events())
    return made


def events() -> pd.DataFrame:
    """A log with an activity that a page must not run."""
    return pd.DataFrame(purchase_events(60)).replace("Approve", EVIL)


def shown(model: Model) -> dict[str, Any]:
    """One of each kind that Python shows."""
    log = events()
    later = log.assign(timestamp=log["timestamp"] + pd.Timedelta(days=60))
    evaluation = model.evaluate(later)
    return {
        "model": model,
        "untrained": Model("next-activity/ngram", model_id=EVIL),
        "training": Model("next-activity/ngram").train(log),
        "predictions": model.predict(log, request=pmlcli.PredictRequest(every_prefix=True)),
        "evaluation": evaluation,
        "assessment": evaluation.assessment,
        "monitored": model.monitor(later),
    }


def test_everything_is_shown_in_a_line_and_as_a_small_page_that_runs_nothing(model: Model) -> None:
    found = shown(model)
    for name, one in found.items():
        assert "\n" not in repr(one), name
        assert len(repr(one)) < 500, name
        page = one._repr_html_()
        assert "<script" not in page, name
        assert len(page) < 20_000, name
        assert not set(re.findall(r"<(\w+)", page)) - {
            "p",
            "b",
            "ul",
            "li",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
        }
    assert "&lt;script&gt;" in found["predictions"]._repr_html_()
    assert found["evaluation"].sentence in repr(found["evaluation"])
    assert repr(found["model"]).index("accuracy") > repr(found["model"]).index("trained on 60 cases")
    assert "not trained" in repr(found["untrained"])
    for first in ("better", "no better", "worse", "unclear", "is the baseline"):
        if first in repr(found["training"]):
            break
    else:
        pytest.fail(f"no verdict in {found['training']!r}")


def test_the_algorithms_are_a_frame() -> None:
    found = pmlcli.algorithms()
    assert list(found["name"]) == list(registry.names())
    assert found.loc[found["is_recommended"], "task"].tolist() == list(registry.tasks())
    assert found.loc[found["is_baseline"], "task"].tolist() == list(registry.tasks())
    assert found["is_installed"][found["extra"].isna()].all()
    ngram = found.set_index("name").loc["next-activity/ngram"]
    assert set(ngram["parameters"]) == {one.name for one in registry.card("next-activity/ngram").parameters}
    assert pmlcli.algorithms("suffix")["task"].unique().tolist() == ["suffix"]
    with pytest.raises(ValidationError, match="outcome"):
        pmlcli.algorithms("outcme")
