"""Hostile histories against `predict --chart`, which draws in the asking process: a chart or an error."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("matplotlib")

from pmlcli.lifecycle.history import LONGEST_UNIT, MOST_POINTS
from pmlcli.lifecycle.model import Model
from pmlcli.render.fan_chart import fan_chart
from pmlcli.store.codecs import npy
from tests.cli.conftest import Run
from tests.contract.cases import daily_events
from tests.hostile.directories import resealed

SECONDS = 5.0
STARTS, HISTORY = "model-history_starts_.npy", "model-history_values_.npy"
MIDNIGHT = "2020-01-01T00:00:00"


@contextmanager
def soon() -> Iterator[None]:
    """Fails when the block takes more processor time, of this process and of its children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    before = sum(usage.ru_utime + usage.ru_stime for usage in used)
    yield
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    assert sum(usage.ru_utime + usage.ru_stime for usage in used) - before < SECONDS


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = Model("forecast/theta", horizon=7)
    model.train(daily_events(40))
    return model.save(tmp_path_factory.mktemp("chart") / "m").path


Change = Callable[[dict[str, Any]], Any]


def recent(starts: Any, values: Any) -> Change:
    return lambda series: series.update(recent={"starts": starts, "values": values})


def unit(value: Any) -> Change:
    return lambda series: series.update(kpi_unit=value)


TEXTS = [f"x{number}" for number in range(200_000)]
REFUSED: dict[str, Change] = {
    "a tick for each text (catbomb)": recent([MIDNIGHT] * len(TEXTS), TEXTS),
    "few texts (valstr)": recent([MIDNIGHT] * 2000, TEXTS[:2000]),
    "a long unit (bigtext)": unit("x" * 3_000_000),
    "a unit of lines (newlines)": unit("x\n" * 20_000),
    "a unit one too long": unit("x" * (LONGEST_UNIT + 1)),
    "no unit (nounit)": lambda series: series.pop("kpi_unit"),
    "a unit that is an object (unit)": unit({"a": 1}),
    "no series (noseries)": lambda series: series.update(recent=5),
    "no values": recent([MIDNIGHT], None),
    "years 1 and 9999 (year)": recent(["0001-01-01T00:00:00", "9999-12-31T00:00:00"], [1, 2]),
    "no date (yearz)": recent(["2020-01-01T00:00:00+01:00", "not a date"], [1, 2]),
    "a year before Christ (neg)": recent(["-290000-01-01", "2020-01-01"], [1, 2]),
    "dates that are numbers": recent([1, 2], [1, 2]),
    "values beyond an axis (vals)": recent([MIDNIGHT] * 2, [1e308, -1e308]),
    "a value that is true": recent([MIDNIGHT], [True]),
    "a value that is a list": recent([MIDNIGHT], [[1]]),
    "a million values (many)": recent([MIDNIGHT] * 900_000, [1] * 900_000),
    "one value too many": recent([MIDNIGHT] * (MOST_POINTS + 1), [1] * (MOST_POINTS + 1)),
    "fewer values than dates": recent([MIDNIGHT] * 3, [1]),
}


def with_series(model: Path, change: Change) -> None:
    def apply(files: dict[str, bytes]) -> None:
        document = json.loads(files["threshold.json"])
        change(document["series"]["arrivals"])
        files["threshold.json"] = json.dumps(document).encode()

    resealed(apply)(model)


@pytest.mark.parametrize("name", REFUSED)
def test_a_history_that_no_training_writes_is_not_drawn(name: str, base: Path, run: Run, place: Path) -> None:
    shutil.copytree(base, place / "m")
    with_series(place / "m", REFUSED[name])
    with soon():
        done = run("predict", "m", "--chart", "c.svg")
    assert done.exit_code == 5, done.output
    assert "threshold.json: " in done.stderr
    assert "history of the series is malformed" in done.stderr or "invalid JSON: " in done.stderr
    assert len(done.stderr) < 2000
    assert not (place / "c.svg").exists()


def test_no_series_at_all_is_not_drawn(base: Path, run: Run, place: Path) -> None:
    for series in (None, [], 5, {"arrivals": None}, {"arrivals": []}):
        shutil.copytree(base, place / "m", dirs_exist_ok=True)
        document = json.loads((place / "m/artifacts/threshold.json").read_bytes()) | {"series": series}
        resealed(lambda files, d=document: files.update({"threshold.json": json.dumps(d).encode()}))(
            place / "m"
        )
        assert run("predict", "m", "--chart", "c.svg").exit_code == 4
        assert not (place / "c.svg").exists()


DRAWN: dict[str, Change] = {
    "a formula (math)": unit(r"\$\frac{a}{$x"),
    "markup and control characters (ctrl)": unit("\x1b[31m\x00</text><script>alert(1)</script>"),
    "nothing recent": recent([], []),
    "the farthest values": recent([MIDNIGHT, "2999-12-31T00:00:00"], [0, 1e100]),
}


@pytest.mark.parametrize("extension", ["svg", "png"])
@pytest.mark.parametrize("name", DRAWN)
def test_an_odd_history_is_drawn_as_it_is(
    name: str, extension: str, base: Path, run: Run, place: Path
) -> None:
    shutil.copytree(base, place / "m")
    with_series(place / "m", DRAWN[name])
    with soon():
        done = run("predict", "m", "--chart", f"c.{extension}")
    assert done.exit_code == 0, done.output
    drawn = (place / f"c.{extension}").read_bytes()
    assert len(drawn) > 1000
    assert b"<script>" not in drawn
    assert b"\x1b" not in drawn or extension == "png"


def times(change: Callable[[Any], Any], file: str) -> Callable[[dict[str, bytes]], Any]:
    return lambda files: files.update({file: npy.encode(change(npy.decode(files[file])))})


SERIES: dict[str, Callable[[dict[str, bytes]], Any]] = {
    "beyond all years (hist)": times(lambda a: a + 2**62, STARTS),
    "before all years": times(lambda a: a - 2**62, STARTS),
    "one moment": times(lambda a: a * 0, STARTS),
    "beyond all numbers (hist2)": times(lambda a: a * 1e200, HISTORY),
    "of no number": times(lambda a: a * np.nan, HISTORY),
    "of infinity": times(lambda a: a * np.inf, HISTORY),
}


@pytest.mark.parametrize("name", SERIES)
def test_a_series_that_no_log_gives_is_no_bug(name: str, base: Path, run: Run, place: Path) -> None:
    shutil.copytree(base, place / "m")
    resealed(SERIES[name])(place / "m")
    with soon():
        done = run("predict", "m", "--chart", "c.svg")
    assert done.exit_code in (0, 4, 5), done.output
    assert "a bug" not in done.stderr
    assert (place / "c.svg").exists() == (done.exit_code == 0)


def test_a_name_without_end_is_cut() -> None:
    dates = pd.DatetimeIndex(pd.date_range("2024-01-01", periods=3, tz="UTC"))
    name = "activity:" + "x\n$" * 1_000_000
    numbers = dict.fromkeys(("value", "lower_80", "upper_80", "lower_95", "upper_95"), [1.0, 2.0, 3.0])
    table = pd.DataFrame({"timestamp": dates, "kpi": name, **numbers})
    with soon():
        drawn = fan_chart(
            {name: {"kpi_unit": "events", "recent": {"starts": [], "values": []}}}, table, "svg"
        )
    assert len(drawn) < 100_000
