"""Without the extras, an algorithm's error names all that are missing, in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pmlcli import Model, registry
from tests.cli.conftest import write_csv

LIBRARIES = {"boost": "xgboost", "neural": "torch", "prophet": "prophet"}
SEVERAL = [name for name in registry.names() if "," in (registry.card(name).extra or "")]

BLOCKED = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name in {libraries}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Blocker())
from pmlcli.__main__ import main
main()
"""


def trained_without(libraries: list[str], name: str, log: Path) -> subprocess.CompletedProcess[str]:
    program = BLOCKED.format(libraries=libraries)
    return subprocess.run(
        [sys.executable, "-c", program, "train", str(log), "-a", name, "-o", "m"],
        cwd=log.parent, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_some_need_several() -> None:
    assert "next-activity/ensemble" in SEVERAL
    assert "forecast/prophet-xgboost" in SEVERAL
    extras = {
        extra for name in registry.names() for extra in (registry.card(name).extra or "boost").split(",")
    }
    assert extras == LIBRARIES.keys()
    assert extras == registry._LIBRARIES.keys()


@pytest.mark.parametrize("name", SEVERAL)
def test_all_that_are_missing_are_named_at_once(tmp_path: Path, name: str) -> None:
    extras = sorted((registry.card(name).extra or "").split(","))
    log = write_csv(tmp_path / "log.csv")
    done = trained_without([LIBRARIES[extra] for extra in extras], name, log)
    assert done.returncode == 4, done.stderr
    assert f"hint: pip install 'pmlcli[{','.join(extras)}]'" in done.stderr.splitlines()


@pytest.mark.parametrize("name", SEVERAL)
def test_what_is_there_is_not_named(tmp_path: Path, name: str) -> None:
    extras = sorted((registry.card(name).extra or "").split(","))
    log = write_csv(tmp_path / "log.csv")
    done = trained_without([LIBRARIES[extras[-1]]], name, log)
    assert done.returncode == 4, done.stderr
    assert f"hint: pip install 'pmlcli[{extras[-1]}]'" in done.stderr.splitlines()


def ran_without(libraries: list[str], place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = BLOCKED.format(libraries=libraries)
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=place, capture_output=True, text=True, timeout=120
    )


CHEAPEST = {
    "next-activity/ensemble": {"members": ("linear", "xgboost", "gru")},
    "outcome/ensemble": {"members": ("logistic", "boosting", "gru"), "rule": "count('Receive Goods') > 1"},
    "remaining-time/ensemble": {},
    "suffix/ensemble": {"medoid_share": 1.0},
}
"""With these, on a small log, none is taken that needs a library beside the core's."""


@pytest.mark.parametrize("name", CHEAPEST)
def test_a_model_that_took_what_is_simple_needs_no_library_of_the_others(tmp_path: Path, name: str) -> None:
    log = write_csv(tmp_path / "log.csv")
    model = Model(name, **CHEAPEST[name])
    model.train(log)
    taken = {registry.card(f"{name.partition('/')[0]}/{one}").extra for one in model.algorithm.kept_members()}
    assert taken == {None}
    model.save(tmp_path / "m")
    for command in (("predict", "m", "log.csv"), ("verify", "m"), ("inspect", "m")):
        done = ran_without(list(LIBRARIES.values()), tmp_path, *command)
        assert done.returncode == 0, (command, done.stderr)


def test_a_model_that_kept_a_network_says_at_once_what_it_needs(tmp_path: Path) -> None:
    log = write_csv(tmp_path / "log.csv")
    model = Model("suffix/ensemble", combine="always", max_epochs=1, hidden_size=4, draws=2)
    model.train(log)
    model.save(tmp_path / "m")
    done = ran_without(["torch"], tmp_path, "predict", "m", "log.csv")
    assert done.returncode == 4
    assert "hint: pip install 'pmlcli[neural]'" in done.stderr.splitlines()
