"""`pmlcli report`: the page, its pictures, and what is refused before any work is done."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from pmlcli.cli.report import _command
from pmlcli.reporting import figures
from tests.cli.conftest import Run, write_csv

SOME = ("--sections", "in-short,map,waits")


def test_a_log_alone_becomes_a_page(run: Run, place: Path, csv_log: Path) -> None:
    done = run("report", csv_log, *SOME, "-o", "a.html")
    assert done.exit_code == 0, done.output
    assert "wrote a.html" in done.stdout
    page = (place / "a.html").read_text(encoding="utf-8")
    assert page.startswith("\n<!DOCTYPE html>") or page.startswith("<!DOCTYPE html>")
    assert str(place) not in page
    assert run("report", csv_log, *SOME, "-o", "b.html").exit_code == 0
    assert (place / "b.html").read_bytes() == (place / "a.html").read_bytes()


def test_with_a_model_its_time_is_said(run: Run, place: Path, csv_log: Path, model: Path) -> None:
    done = run("report", model, csv_log, *SOME, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["sections"] == ["in-short", "map", "waits"]
    assert told["bytes"] == (place / "report.html").stat().st_size
    assert "predictions took" in done.stderr


def test_the_page_can_go_to_stdout(run: Run, place: Path, csv_log: Path) -> None:
    done = run("report", csv_log, *SOME, "-o", "-")
    assert "</html>" in done.stdout
    assert list(place.glob("*.html")) == []


def test_pictures_are_files_of_their_own(
    run: Run, place: Path, csv_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("report", csv_log, *SOME, "--figures", "p").exit_code == 0
    assert {"map.svg", "map.dot", "waits.svg"} <= {path.name for path in (place / "p").iterdir()}
    assert (place / "p" / "map.png").read_bytes().startswith(b"\x89PNG")
    svg = (place / "p" / "map.svg").read_text(encoding="utf-8")
    assert "var(" not in svg
    monkeypatch.setattr(figures, "can_draw_png", lambda: False)
    done = run("report", csv_log, *SOME, "--figures", "q", "--force")
    assert "pip install 'pmlcli[report]'" in done.stderr
    assert {path.suffix for path in (place / "q").iterdir()} == {".svg", ".dot"}


def test_two_logs_are_compared(run: Run, place: Path, csv_log: Path) -> None:
    other = write_csv(place / "before.csv", seed=9)
    assert run("report", csv_log, "--compare", other, "--sections", "in-short").exit_code == 0
    assert "No earlier log" not in (place / "report.html").read_text(encoding="utf-8")


def test_the_command_line_that_is_shown_can_be_run_and_names_nobody(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "in").mkdir()
    (place / "in" / "a b.csv").write_text("x")
    said = ["in/a b.csv", "--timezone", "Europe/Berlin", "--where", "case_id=O'Hara/7", "--title=Of 471=1"]
    monkeypatch.setattr("sys.argv", ["pmlcli", "report", *said, "-o", "/home/me/r.html", "--log-file=l.txt"])
    plain, hidden = shlex.split(_command(anonymise=False)), shlex.split(_command(anonymise=True))
    assert plain == ["pmlcli", "report", "a b.csv", *said[1:]]
    assert hidden == ["pmlcli", "report", "a b.csv", *said[1:4], "case_id=...", "--title=..."]


def test_what_cannot_be_is_refused_and_nothing_is_written(
    run: Run, place: Path, csv_log: Path, model: Path
) -> None:
    (place / "there.html").write_text("precious")
    refused = {
        ("report", csv_log, "-o", "there.html"): "--force",
        ("report", csv_log, "-o", "r.pdf"): "HTML",
        ("report", csv_log, "--sections", ","): "no section",
        ("report", csv_log, "--sections", "mpa"): "map",
        ("report", csv_log, "--paths", "2"): "share",
        ("report", csv_log, csv_log): "no model directory",
        ("report", model, model, csv_log): "two models of the task",
        ("report", csv_log, "--sla", "soon"): "soon",
        ("report", csv_log, "--sla", "5d"): "'sla' would change nothing",
        ("report", model, csv_log, "--figures", "there.html"): "is a file",
        ("report", csv_log, "--figures", model, "--force"): "is inside the model",
        ("report", csv_log, "-o", model / "r.html"): "is inside the model",
        ("predict", model, csv_log, "-o", model / "artifacts" / "p.csv"): "is inside the model",
    }
    before = {path.name for path in place.iterdir()}
    for words, said in refused.items():
        done = run(*words)
        assert done.exit_code == 2, (words, done.output)
        assert said in done.stderr, words
    assert {path.name for path in place.iterdir()} == before
    assert (place / "there.html").read_text() == "precious"


def test_a_log_of_another_process_is_refused(run: Run, place: Path, model: Path) -> None:
    (place / "other.csv").write_text(
        "case_id,activity,timestamp\n" + "".join(f"{i},x{i},2024-01-01T0{i}:00:00Z\n" for i in range(9))
    )
    done = run("report", model, "other.csv")
    assert done.exit_code == 3, done.output
    assert not (place / "report.html").exists()
