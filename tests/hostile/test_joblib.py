"""Hostile joblib files: none runs code, crashes, hangs, fills the memory, or is taken for a model."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.attacks import all_attacks

CHILD = Path(__file__).with_name("decode_child.py")
SECONDS_EACH = 5
PEAK_MB = 500
MUTATIONS = int(os.environ.get("PMLCLI_MUTATIONS", "80"))


def run_child(directory: Path, files: dict[str, bytes], cases: dict[str, Any]) -> list[dict[str, Any]]:
    for name, data in files.items():
        (directory / name).write_bytes(data)
    (directory / "cases.json").write_text(json.dumps(cases))
    done = subprocess.run([sys.executable, CHILD, directory], capture_output=True, timeout=3000, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (done.returncode, lines[-1:], done.stderr[-2000:])
    return lines


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    attacks = all_attacks()
    directory = tmp_path_factory.mktemp("attacks")
    cases = {
        name: {"allowed": list(attack.allowed), "expected": attack.expected, "plain": attack.plain}
        for name, attack in attacks.items()
    }
    lines = run_child(directory, {name: attack.data for name, attack in attacks.items()}, cases)
    assert not (directory / "marker").exists()
    assert [line for line in lines if line["name"] == "audit"] == []
    return {line["name"]: line for line in lines if "outcome" in line}


@pytest.mark.parametrize("name", sorted(all_attacks()))
def test_attack_is_refused(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    line = outcomes[name]
    assert re.match(r"UntrustedArtifactError|IncompatibleVersionError|PersistenceError", line["outcome"]), (
        line
    )
    assert re.search(all_attacks_cached()[name].message, line["outcome"]), line
    assert line["seconds"] < SECONDS_EACH
    assert line["peak_mb"] < PEAK_MB


_cache: dict[str, Any] = {}


def all_attacks_cached() -> dict[str, Any]:
    if not _cache:
        _cache.update(all_attacks())
    return _cache


def test_there_are_enough_attacks() -> None:
    assert len(all_attacks_cached()) >= 120


def mutated(data: bytes, generator: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(generator.choice([1, 1, 2, 4, 8, 64])):
        changed[generator.randrange(len(changed))] = generator.randrange(256)
    return bytes(changed)


def test_mutated_estimators_never_crash(tmp_path: Path) -> None:
    """A few hundred here; PMLCLI_MUTATIONS=2000 makes thousands for each kind."""
    from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import LocalOutlierFactor
    from sklearn.svm import OneClassSVM

    from pmlcli.store.codecs import sklearn as estimators
    from tests.hostile.attacks import points

    data = points()
    models = {
        "isolation": IsolationForest(n_estimators=3, random_state=0).fit(data),
        "neighbours": LocalOutlierFactor(novelty=True, n_neighbors=5, leaf_size=5).fit(data),
        "support": OneClassSVM().fit(data),
        "boosting": HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=5).fit(data, data[:, 0] > 0),
        "forest": RandomForestClassifier(n_estimators=3, random_state=0).fit(data, data[:, 0] > 0),
        "logistic": LogisticRegression().fit(data, data[:, 0] > 0),
    }
    generator = random.Random(0)
    files: dict[str, bytes] = {}
    cases: dict[str, Any] = {}
    for kind, model in models.items():
        encoded = estimators.encode(model)
        case = {
            "allowed": sorted(estimators.globals_of(model)),
            "expected": f"{type(model).__module__}.{type(model).__qualname__}",
            "plain": False,
        }
        for number in range(MUTATIONS):
            files[f"{kind}-{number}"] = mutated(encoded, generator)
            cases[f"{kind}-{number}"] = case
    lines = run_child(tmp_path, files, cases)
    assert len([line for line in lines if "outcome" in line]) == len(models) * MUTATIONS
