"""What is saved was opened before, by a process that has its bytes alone."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from typer.main import get_command

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.cli import app as cli
from pmlcli.errors import OutputError, PredictionError, UnopenedModelError, UntrustedArtifactError
from pmlcli.lifecycle import artifacts, fresh, isolation, opening
from pmlcli.lifecycle.model import Model
from pmlcli.store import strictjson
from pmlcli.store.artifacts import seal
from tests.logs import purchase_events

NAME = "next-activity/ngram"
ALL = PredictRequest(cases="all")
COMMANDS: dict[str, Any] = dict(get_command(cli.app).commands)  # type: ignore[attr-defined]


@pytest.fixture
def model() -> Model:
    """A trained model, which the test may break."""
    made = Model(NAME)
    made.train(purchase_events(40))
    return made


def changed(model: Model, file: str, **values: object) -> None:
    document = strictjson.parse(model.files[file], source=file, max_bytes=10**7)
    with_files(model, {**model.files, file: strictjson.dump({**document, **values})})


def with_files(model: Model, files: dict[str, bytes]) -> None:
    model._take(dataclasses.replace(model.trained_state, files=files))


def test_what_answers_is_saved(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path / "model", check=True)
    assert Model.load(tmp_path / "model").files == model.files


def lost(model: Model) -> None:
    with_files(model, {name: data for name, data in model.files.items() if name != "model-keys_.npy"})


def other_state(model: Model) -> None:
    changed(model, "model.json", arrays=[])


def other_parameters(model: Model) -> None:
    manifest = {**model.manifest_fields, "hyperparameters": {"no_such": 1}}
    model._take(dataclasses.replace(model.trained_state, manifest=manifest))


def other_canary(model: Model) -> None:
    known = artifacts.read_json(model.files, artifacts.CANARY_FILE)
    first = next(name for name, cells in known["predictions"].items() if isinstance(cells[0], float))
    known["predictions"][first][0] += 0.25
    changed(model, artifacts.CANARY_FILE, predictions=known["predictions"])


@pytest.mark.parametrize("breaks", [lost, other_state, other_parameters, other_canary])
def test_what_does_not_answer_is_a_bug_and_nothing_is_saved(
    model: Model, tmp_path: Path, breaks: Callable[[Model], None]
) -> None:
    breaks(model)
    with pytest.raises(UnopenedModelError, match="a bug in pmlcli") as caught:
        model.save(tmp_path / "models" / "new", check=True)
    assert caught.value.exit_code == 1
    assert "report" in str(caught.value.hint)
    assert list(tmp_path.iterdir()) == []


def test_an_older_model_stays_when_the_new_one_does_not_answer(model: Model, tmp_path: Path) -> None:
    old = model.save(tmp_path / "model", check=False)
    other_canary(model)
    with pytest.raises(UnopenedModelError):
        model.save(tmp_path / "model", force=True, check=True)
    assert Model.load(tmp_path / "model").replay().findings == ()
    assert [path.name for path in tmp_path.iterdir()] == [old.path.name]


def test_it_is_left_out_where_the_caller_says_so(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_canary(model)
    model.save(tmp_path / "one", check=False)
    monkeypatch.setenv(opening.SKIPPED_BY, "1")
    model.save(tmp_path / "two")
    monkeypatch.delenv(opening.SKIPPED_BY)
    with pytest.raises(UnopenedModelError):
        model.save(tmp_path / "three")


def test_the_command_line_knows_the_variable_and_no_file_can_set_it() -> None:
    assert cli._SKIPPED_BY == opening.SKIPPED_BY
    name = opening.SKIPPED_BY.removeprefix("PMLCLI_").lower()
    assert all(name != parameter.name for c in COMMANDS.values() for parameter in c.params)


def test_train_ends_as_a_bug_and_publishes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pd.DataFrame(purchase_events(40)).to_csv(tmp_path / "log.csv", index=False)
    made = artifacts.to_files

    def broken(*given: Any) -> dict[str, bytes]:
        return {**made(*given), "model.json": b"{}"}

    monkeypatch.setattr(artifacts, "to_files", broken)
    monkeypatch.delenv(opening.SKIPPED_BY)
    command = ["train", str(tmp_path / "log.csv"), "-a", NAME, "-o", str(tmp_path / "models" / "new")]
    assert get_command(cli.app).main(command, standalone_mode=False) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "a bug in pmlcli: the trained model cannot be opened again" in told.err
    assert "nothing was saved; please report" in told.err
    assert not (tmp_path / "models").exists()


def test_the_process_shares_nothing_with_this_one(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    monkeypatch.setattr(artifacts, "restore", lambda *_: pytest.fail("restored here"))
    (tmp_path / "numpy.py").write_text("raise SystemExit('the working directory is no place for libraries')")
    monkeypatch.chdir(tmp_path)
    model.save(tmp_path / "model", check=True)


def test_without_fork_an_isolated_model_answers_all_the_same(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = model.save(tmp_path / "model", check=False).path
    expected = model.predict(purchase_events(6, seed=1), request=ALL).predictions
    monkeypatch.delattr(os, "fork")
    loaded = Model.load(saved)
    assert_frame_equal(loaded.predict(purchase_events(6, seed=1), request=ALL).predictions, expected)
    assert loaded.replay().findings == ()


def test_bytes_that_the_manifest_does_not_list_are_refused(model: Model) -> None:
    job = fresh.Job(seal(model.manifest_fields, model.files), {**model.files, "model.json": b"{}"}, limits())
    with pytest.raises(UntrustedArtifactError, match="lists other artifacts"):
        fresh.ask(job)


def test_too_little_memory_or_no_interpreter_is_told(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    job = fresh.Job(seal(model.manifest_fields, model.files), model.files, limits())
    with pytest.raises(PredictionError, match=r"memory|crashed|cannot be used"):
        fresh.ask(dataclasses.replace(job, limits=dataclasses.replace(limits(), memory_bytes=0)))
    monkeypatch.setattr("sys.executable", "/no/such/python")
    with pytest.raises(OutputError, match="cannot start a new Python process"):
        fresh.ask(job)


def limits() -> isolation.Limits:
    return isolation.limits_for(events=100, files={})
