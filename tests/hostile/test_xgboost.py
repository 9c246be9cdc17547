"""Aimed changes of an XGBoost model: what passes the structure check may be wrong, but crashes nothing."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

MUTATIONS = int(os.environ.get("PMLCLI_MUTATIONS", "80"))

CHILD = """
import sys, warnings
from pathlib import Path
import numpy as np, xgboost
from pmlcli.errors import PersistenceError
from pmlcli.store.codecs.xgboost import check_xgboost_json
warnings.simplefilter("ignore")
xgboost.set_config(verbosity=0)
for path in sorted(Path(sys.argv[1]).iterdir()):
    data = path.read_bytes()
    try:
        check_xgboost_json(data)
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(bytearray(data))
        booster.predict(xgboost.DMatrix(np.zeros((5, 4)), nthread=1), validate_features=False)
        outcome = "accepted"
    except PersistenceError:
        outcome = "refused"
    except (xgboost.core.XGBoostError, ValueError) as error:
        outcome = "library"
    sys.stdout.write(path.name + " " + outcome + "\\n")
    sys.stdout.flush()
"""


def whole_numbers(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all integers, and of texts that are integers."""
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in whole_numbers(item, (*path, key))]
    if isinstance(value, list):
        return [found for key, item in enumerate(value) for found in whole_numbers(item, (*path, key))]
    return [path] if type(value) is int or (isinstance(value, str) and value.isdigit()) else []


def with_change(model: Any, path: tuple[Any, ...], number: int) -> bytes:
    copy = json.loads(json.dumps(model))
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = str(number) if isinstance(place[path[-1]], str) else number
    return json.dumps(copy).encode()


def test_aimed_changes_never_crash_the_library(tmp_path: Path) -> None:
    xgboost = pytest.importorskip("xgboost")
    generator = np.random.default_rng(0)
    points = generator.normal(size=(100, 4))
    classes = np.digitize(points[:, 0], [-0.5, 0.5])
    trained = xgboost.XGBClassifier(n_estimators=3, max_depth=3, n_jobs=1).fit(points, classes)
    model = json.loads(bytes(trained.get_booster().save_raw("json")))
    paths = whole_numbers(model)
    choose = random.Random(0)
    for number in range(MUTATIONS):
        value = choose.choice([-2, -1, 0, 1, 2, 3, 7, 100, 10**6, 2**31 - 1, 2**31, 2**40])
        (tmp_path / f"{number:06}").write_bytes(with_change(model, choose.choice(paths), value))
    done = subprocess.run(
        [sys.executable, "-c", CHILD, tmp_path], capture_output=True, timeout=3000, check=False
    )
    assert done.returncode == 0, (done.returncode, done.stdout[-200:], done.stderr[-2000:])
    outcomes = [line.split()[1] for line in done.stdout.decode().splitlines()]
    assert len(outcomes) == MUTATIONS
    assert "refused" in outcomes
