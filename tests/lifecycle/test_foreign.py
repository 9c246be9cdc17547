"""A log of another process is refused, and what training never saw is told, whatever the task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pmlcli import registry
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.errors import LogError, UntrustedArtifactError, ValidationError
from pmlcli.lifecycle.artifacts import REFERENCE_FILE
from pmlcli.lifecycle.foreign import known_activities
from pmlcli.lifecycle.model import Model
from pmlcli.store import strictjson
from tests.contract.cases import CHEAP, events_for, trained

Events = list[dict[str, Any]]
every_task = pytest.mark.parametrize("name", CHEAP.values())


def renamed(events: Events, share: float) -> Events:
    """The events, of which every so many have an activity of their own making."""
    n = round(share * len(events))
    chosen = set(np.linspace(0, len(events) - 1, n).astype(int).tolist())
    return [e | {"activity": f"New {i % 3}"} if i in chosen else e for i, e in enumerate(events)]


def asked(**wishes: Any) -> PredictRequest:
    return PredictRequest(cases="all", **wishes)


def test_every_task_is_walked() -> None:
    assert set(CHEAP) == set(registry.tasks())


@every_task
@pytest.mark.parametrize("share", [0.51, 1.0])
def test_another_process_is_refused_and_answered_for_only_when_allowed(name: str, share: float) -> None:
    events = renamed(events_for(name, seed=3), share)
    with pytest.raises(LogError, match=r"this is another process: .*3 of \d+ activities are new") as caught:
        trained(name).predict(events, request=asked())
    assert caught.value.code == "log.foreign"
    assert "--foreign allow" in (caught.value.hint or "")
    result = trained(name).predict(events, request=asked(foreign="allow"))
    assert len(result.predictions) > 0
    assert "this is another process" in result.metadata["serious_warnings"][0]


@every_task
@pytest.mark.parametrize(("share", "is_serious"), [(0.0, False), (0.03, False), (0.06, True), (0.49, True)])
def test_what_is_new_in_between_is_a_serious_warning(name: str, share: float, is_serious: bool) -> None:
    result = trained(name).predict(renamed(events_for(name, seed=3), share), request=asked())
    serious, every = result.metadata["serious_warnings"], result.metadata["warnings"]
    assert bool(serious) == is_serious
    assert set(serious) <= set(every)
    assert len([w for w in every if "New" in w]) == (share > 0), "said once"
    if is_serious:
        assert "the process may have changed" in serious[0]


@every_task
def test_unseen_values_are_flagged_or_refused_on_request(name: str) -> None:
    events = events_for(name, seed=3)
    odd = [events[0] | {"activity": "Never Seen"}, *events[1:]]
    usual = trained(name).predict(odd, request=asked()).predictions
    flagged = trained(name).predict(odd, request=asked(unseen="flag")).predictions
    assert list(flagged.columns) == [*usual.columns, "has_unseen"]
    by_case = "case_id" in flagged
    expected = flagged["case_id"] == events[0]["case_id"] if by_case else np.ones(len(flagged), dtype=bool)
    assert flagged["has_unseen"].tolist() == list(expected)
    with pytest.raises(LogError, match="never saw, first activity 'Never Seen' in case") as caught:
        trained(name).predict(odd, request=asked(unseen="fail"))
    assert caught.value.code == "log.unseen"
    for choice in ("flag", "fail"):
        clean = trained(name).predict(events_for(name), request=asked(unseen=choice)).predictions
        assert not clean["has_unseen"].any()


def test_unseen_values_are_flagged_event_by_event() -> None:
    events = events_for("anomaly/temporal-profile", seed=3)
    odd = [events[0], events[1] | {"activity": "Never Seen"}, *events[2:]]
    found = trained("anomaly/temporal-profile").predict(odd, request=asked(level="event", unseen="flag"))
    assert found.predictions["has_unseen"].to_numpy().nonzero()[0].tolist() == [1]


def test_a_forecast_without_a_log_has_nothing_unseen() -> None:
    found = trained("forecast/weekday-median").predict(request=PredictRequest(unseen="flag")).predictions
    assert not found["has_unseen"].any()


@every_task
def test_a_saved_model_in_a_confined_child_tells_the_same(name: str, tmp_path: Path) -> None:
    model = Model.load(trained(name).save(tmp_path / "model").path)
    events = renamed(events_for(name, seed=3), 0.2)
    here = trained(name).predict(events, request=asked(unseen="flag"))
    there = model.predict(events, request=asked(unseen="flag"))
    assert there.predictions["has_unseen"].tolist() == here.predictions["has_unseen"].tolist()
    assert there.metadata["warnings"] == here.metadata["warnings"]
    with pytest.raises(LogError, match="another process"):
        model.predict(renamed(events, 0.9), request=asked())


@every_task
@pytest.mark.parametrize("wish", [{"unseen": "maybe"}, {"foreign": "maybe"}])
def test_other_choices_are_refused(name: str, wish: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="unknown choice"):
        trained(name).predict(events_for(name), request=asked(**wish))


@pytest.mark.parametrize("activities", [None, [], {}, {"A": "3"}, {"A": True}, {"A": 1.5}])
def test_a_malformed_reference_is_refused(activities: Any) -> None:
    with pytest.raises(UntrustedArtifactError, match="malformed"):
        known_activities({REFERENCE_FILE: strictjson.dump({"activities": activities})})
    with pytest.raises(UntrustedArtifactError, match="malformed"):
        known_activities({})
