"""Every key of a manifest of each task with values of every kind, for predict and verify."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pmlcli import registry
from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.errors import PmlError
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.verification import verify_model
from tests.contract.cases import CHEAP, events_for
from tests.hostile.directories import BASES, make_bases
from tests.hostile.task_directories import TASK_BASES
from tests.hostile.test_directories import CASES
from tests.hostile.test_json_types import changed, paths
from tests.logs import purchase_events

VALUES: tuple[Any, ...] = (None, True, -1, 10**30, float("nan"), "x", "x" * 2000, [], [None], {}, {"x": 1})
EACH = 3
"""Of these values in turn at each key, and the key left out: all of them at all kinds of keys."""
EVERY = PredictRequest(cases="all")


def without(document: Any, path: tuple[Any, ...]) -> Any:
    copy = json.loads(json.dumps(document))
    place = copy
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return copy


def code_of_prediction(model: Path, log: Any) -> int:
    """The exit code that predict would have; an exception that is none of ours goes on."""
    try:
        Model.load(model, trusted=True).predict(log, request=EVERY)
    except PmlError as error:
        assert error.message
        return error.exit_code
    return 0


def test_every_task_is_walked() -> None:
    assert set(CHEAP) == set(registry.tasks())


@pytest.mark.parametrize("task", CHEAP)
def test_no_value_of_any_key_is_a_bug_and_predict_and_verify_agree(task: str, tmp_path: Path) -> None:
    name, events = CHEAP[task], events_for(CHEAP[task], seed=1)
    model = Model(name, **({"rule": 'count("Approve") > 1'} if task == "outcome" else {}))
    model.train(events)
    target = model.save(tmp_path / "m").path
    log = events[:40] if model.algorithm.task.needs_log else None
    document = json.loads((target / "manifest.json").read_text())
    codes: Counter[tuple[int, int]] = Counter()
    for number, path in enumerate(paths(document)):
        values = [VALUES[(number + 4 * i) % len(VALUES)] for i in range(EACH)]
        for text in [changed(document, path, value) for value in values] + [without(document, path)]:
            (target / "manifest.json").write_text(json.dumps(text))
            found = code_of_prediction(target, log), verify_model(target, trusted=True).exit_code
            # 3: it reads the log otherwise than training did, and says what the log lacks
            assert found in {(0, 0), (4, 4), (5, 5), (3, 0)}, (path, text, found)
            codes[found] += 1
    assert codes[5, 5] > 50 and codes[0, 0] > 50


UNUSABLE = ("scores are texts", "scores are none", "half a case", "cases too few", "other number of features")


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    wanted = {CASES[case].base for case in UNUSABLE}
    known = {name: parameters for name, parameters in (BASES | TASK_BASES).items() if name in wanted}
    return make_bases(tmp_path_factory.mktemp("bases"), known)


@pytest.mark.parametrize("case", UNUSABLE)
def test_what_the_manifest_vouches_for_and_nobody_can_use_is_4_to_predict_and_5_to_verify(
    case: str, bases: dict[str, Path], tmp_path: Path
) -> None:
    """A prediction that fails may be the log's or the machine's doing; a canary that fails is the model's."""
    target = tmp_path / "m"
    shutil.copytree(bases[CASES[case].base], target)
    CASES[case].change(target)
    with pytest.raises(PmlError, match="the model cannot be used") as caught:
        Model.load(target).predict(purchase_events(4), request=EVERY)
    assert caught.value.exit_code == 4
    report = verify_model(target)
    assert report.exit_code == 5
    assert [check.check for check in report.results if check.verdict == "fail"] == ["replay"]
