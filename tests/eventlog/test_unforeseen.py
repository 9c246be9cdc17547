"""What nobody foresaw: formats that are none, half characters, and errors that a reader did not expect."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from pmlcli.cli.app import app
from pmlcli.errors import LogError, OutputError, ValidationError
from pmlcli.eventlog import read_log
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.reader import UNFORESEEN

EVENT = {"case_id": "1", "activity": "a", "timestamp": "2024-01-01"}


@pytest.mark.parametrize(
    "layout", ["%Q", "%Y%Y", "%", "%Y %", "%s", "%U", "", "abc", "second", "%Y-%m-%d %d", "(%Y"]
)
def test_a_format_that_is_none_is_a_usage_error_before_a_log_is_read(layout: str) -> None:
    if layout == "(%Y":
        ReadOptions(timestamp_format=layout)  # a bracket is only a bracket
        return
    with pytest.raises(ValidationError, match="no format of times"):
        ReadOptions(timestamp_format=layout)
    for command in (
        ["inspect"],
        ["train", "-a", "next-activity/ngram", "-o", "m"],
        ["convert", "-o", "x.csv"],
    ):
        done = CliRunner().invoke(app, [*command, "no-such-file.csv", "--timestamp-format", layout])
        assert done.exit_code == 2 and "no format of times" in done.stderr


def test_a_format_nearly_named_is_proposed() -> None:
    with pytest.raises(ValidationError) as caught:
        ReadOptions(timestamp_format="second")
    assert caught.value.hint == "did you mean seconds?"


@pytest.mark.parametrize(
    "layout", ["%d.%m.%Y", "%Y-%m-%dT%H:%M:%S%z", "%G-%V-%u", "%j/%Y", "seconds", "days"]
)
def test_formats_that_are_some(layout: str) -> None:
    assert ReadOptions(timestamp_format=layout).timestamp_format == layout


OCEL = {
    "objects": [{"id": "o", "type": "order", "attributes": [{"name": "n", "time": "", "value": "v"}]}],
    "events": [{"id": "e", "type": "a", "time": "2024-01-01", "relationships": [{"objectId": "o"}]}],
}


@pytest.mark.parametrize("where", ['"v"', '"n"', '"o"', '"order"', '"e"', '"a"'])
def test_half_a_character_in_json_is_refused_wherever_it_stands(tmp_path: Path, where: str) -> None:
    path = tmp_path / "log"
    text = json.dumps(OCEL)
    path.write_text(text.replace(where, where[:-1] + '\\ud800"'))
    with pytest.raises(LogError, match=r"half a character \(ud800\): line 1"):
        read_log(path)
    path.write_bytes(text.replace(where, where[:-1] + '\ud800"').encode("utf-8", "surrogatepass"))
    with pytest.raises(LogError, match="damaged JSON"):
        read_log(path)
    path.write_text(text.replace('"a"', '"a\\ud83d\\ude00\\\\ud800"'))
    assert read_log(path).activities == ("a\U0001f600\\ud800",)


@pytest.mark.parametrize("where", ["case_id", "activity", "note", "column"])
@pytest.mark.parametrize("kind", ["frame", "dicts"])
def test_half_a_character_in_memory_is_refused(where: str, kind: str) -> None:
    event = {**EVENT, "note": "x", where: "half \udfff"}
    if where == "column":
        event = {**EVENT, "name \ud800": "x"}
    names = pd.Index(list(event), dtype=object)
    frame = pd.DataFrame([list(event.values())], columns=names, dtype=object)
    with pytest.raises(LogError, match="half a character"):
        read_log(frame if kind == "frame" else [event])


@pytest.mark.parametrize("error", [TypeError("x"), RecursionError("deep"), AssertionError(), KeyError("k")])
def test_an_unforeseen_error_becomes_one_that_names_its_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    path = tmp_path / "log.csv"
    path.write_text("case_id,activity\n1,a\n")
    monkeypatch.setattr("pmlcli.eventlog.reader.build_log", fail)
    with pytest.raises(LogError) as caught:
        read_log(path)
    assert caught.value.code == UNFORESEEN and type(error).__name__ in caught.value.message
    assert caught.value.message.startswith(f"{path}: ") and caught.value.__cause__ is error


@pytest.mark.parametrize("error", [OSError(5, "x"), MemoryError(), OutputError("x"), ValidationError("x")])
def test_errors_that_are_known_stay_what_they_are(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("pmlcli.eventlog.reader.build_log", fail)
    with pytest.raises(type(error)) as caught:
        read_log([EVENT])
    assert caught.value is error
