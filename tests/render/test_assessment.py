"""Every format of what a measuring command found, with names that try to be something else."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from pmlcli.evaluation.assessment import Assessment, Figure, Section
from pmlcli.evaluation.gates import Judged, judge, name_of, parse
from pmlcli.render import assessment, github, markdown, prometheus
from pmlcli.render.assessment import FORMATS, to_text


def families_of(text: str) -> list[Any]:
    """The text as Prometheus' own library reads it."""
    parser = pytest.importorskip("prometheus_client.parser")
    return list(parser.text_string_to_metric_families(text))


HOSTILE = [
    "Wait\nfor\r\ninvoice",
    'a "quoted" \\ back\\nslash',
    "pipe | pipe || `code` *bold* <script>alert(1)</script> [x](javascript:y) ![i](z)",
    "::error title=owned::owned",
    "  ::error::owned",
    "a ##[error]owned ##vso[task.setvariable variable=x]y",
    "%0A::set-output name=x::y, with: commas, and: colons 100%",
    "\x1b[31mred\x00\x07\x9b\u202e\u2028\ud800\ufffe\uffff",
    '"} 1\n# TYPE evil counter\nevil 1',
    "]]></failure><testcase/>&amp;&#x1b;",
    "=1+1",
    "'; --",
    "# heading",
    "1. item",
    "- item",
    "@octocat see www.evil.example and https://evil.example",
    "",
    " ",
    "*",
]


def found(name: str) -> tuple[Assessment, list[Judged]]:
    figures = [
        Figure("accuracy", 0.785123456789, "share", 812, 0.771, 0.799, 0.761, 0.894, True),
        Figure("accuracy", 0.4, "share", 30, group={name or "column": name}),
        Figure("mean_error", 277_840.123, "seconds"),
        Figure("coverage_90", None, "share"),
    ]
    section = Section(f"by {name}", [f"worst is {name}"], [{name: name, "share": 0.05, "n": 3, "new": True}])
    facts = {
        "model": name,
        "root_digest": "ab" * 32,
        "log": {"name": name},
        "measured_at": "2024-05-01T00:00:00Z",
    }
    verdict = f"right 78.5 %: worse at {name}"
    whole = Assessment("evaluate", "worse", verdict, True, figures, [section], [f"warned of {name}"], facts)
    texts = ["accuracy<0.8", f"{name_of(figures[1])}<0.3", "coverage_90<0.5"]
    return whole, judge([parse(text) for text in texts], figures)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("chosen", [*FORMATS, "prometheus"])
def test_no_name_steers_a_terminal_in_any_format(chosen: str, name: str) -> None:
    whole, judged = found(name)
    text = prometheus.text(whole, judged) if chosen == "prometheus" else to_text(whole, judged, chosen)
    assert text.endswith("\n")
    if chosen != "csv":  # a table for programs: cells keep their bytes, in quotes
        assert all(line.isprintable() for line in text.split("\n"))
        text.encode("utf-8")
        assert chosen == "prometheus" or not re.search(r"##\w*\[", text)  # that goes to a file
    commands = [line for line in text.splitlines() if line.lstrip().startswith("::")]
    assert all(chosen == "github" and " title=pmlcli evaluate" in line for line in commands)


@pytest.mark.parametrize("name", HOSTILE)
def test_csv_keeps_names_whole_and_its_rows_apart(name: str) -> None:
    whole, judged = found(name)
    rows = list(csv.DictReader(io.StringIO(to_text(whole, judged, "csv"), newline="")))
    assert len(rows) == len(whole.figures)
    assert float(rows[0]["value"]) == 0.785123456789
    assert rows[3]["value"] == ""
    assert rows[0]["model"].replace("'", "") == name.replace("'", "")
    assert not re.match(r"[=+@\t\r\n-]", rows[0]["model"])
    assert (rows[0]["root_digest"], rows[0]["measured_at"]) == ("ab" * 32, "2024-05-01T00:00:00Z")


@pytest.mark.parametrize("name", HOSTILE)
def test_json_has_all_digits_every_gate_and_the_exit_code(name: str) -> None:
    document = json.loads(to_text(*found(name), "json"))
    assert document["schema"] == "pmlcli/evaluate/1"
    assert document["figures"][0]["value"] == 0.785123456789
    assert document["figures"][1]["group"] == {name or "column": name}
    assert [one["is_crossed"] for one in document["gates"]] == [True, False, False]
    assert document["exit_code"] == 6
    assert document["model"] == name


@pytest.mark.parametrize("name", HOSTILE)
def test_prometheus_reads_every_figure_and_nothing_else(name: str) -> None:
    whole, judged = found(name)
    families = {one.name: one for one in families_of(prometheus.text(whole, judged))}
    assert {one.type for one in families.values()} == {"gauge"}
    assert all(one.name.startswith("pmlcli_evaluate_") and one.documentation for one in families.values())
    assert "evil" not in families
    all_units, one_group = families["pmlcli_evaluate_accuracy"].samples
    assert all_units.value == 0.785123456789
    assert set(one_group.labels) == {"model", "log", "group"}
    if name.replace("\n", "").isprintable():
        assert one_group.labels["model"] == one_group.labels["log"] == name
    assert families["pmlcli_evaluate_accuracy_lower"].samples[0].value == 0.771
    assert families["pmlcli_evaluate_accuracy_n"].samples[0].value == 812
    assert math.isnan(families["pmlcli_evaluate_coverage_90"].samples[0].value)
    assert families["pmlcli_evaluate_gates_crossed"].samples[0].value == 1
    assert families["pmlcli_evaluate_is_bad"].samples[0].labels["verdict"] == "worse"
    assert families["pmlcli_evaluate_measured_timestamp_seconds"].samples[0].value == 1714521600


def test_figures_whose_names_become_the_same_metric_give_each_series_once() -> None:
    figures = [Figure("a-b", 1.0), Figure("a_b", 2.0), Figure("a_b_n", 3.0), Figure("a_b", 4.0, n=9)]
    text = prometheus.text(Assessment("x", "fine", "fine", False, figures), [])
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert len({line.rpartition(" ")[0] for line in samples}) == len(samples)
    assert len(families_of(text)) == 4


SUITE = {"name", "tests", "failures", "errors", "skipped"}
ORDER = ["properties", "testcase", "system-out"]


@pytest.mark.parametrize("name", HOSTILE)
def test_junit_is_what_its_schema_allows(name: str) -> None:
    whole, judged = found(name)
    root = ElementTree.fromstring(to_text(whole, judged, "junit").encode("utf-8"))
    assert root.tag == "testsuites"
    (suite,) = root
    assert set(suite.attrib) == SUITE
    tags = list(dict.fromkeys(child.tag for child in suite))
    assert tags == ORDER
    cases = suite.findall("testcase")
    assert all(set(case.attrib) == {"classname", "name"} for case in cases)
    assert [[child.tag for child in case] for case in cases] == [["failure"], [], ["skipped"]]
    counted = (suite.get("tests"), suite.get("failures"), suite.get("errors"), suite.get("skipped"))
    assert counted == ("3", "1", "0", "1")
    assert {one.get("name") for one in suite.findall("properties/property")} >= {"model", "accuracy"}


def test_junit_without_gates_has_the_verdict_as_its_test_case() -> None:
    for is_bad in (True, False):
        whole = Assessment("monitor", "drift", "it drifts", is_bad, [])
        root = ElementTree.fromstring(to_text(whole, [], "junit"))
        (case,) = root.iter("testcase")
        assert (case.find("failure") is not None) is is_bad


@pytest.mark.parametrize("name", HOSTILE)
def test_github_reads_as_many_commands_as_there_are_findings(name: str) -> None:
    lines = github.commands(*found(name)).splitlines()
    levels = [re.match(r"::(error|warning|notice) title=([^:,]*)::(.*)$", line) for line in lines]
    assert all(levels)
    assert [level[1] for level in levels if level] == ["error", "warning", "warning", "warning"]
    assert not re.search(r"%(?!25|0A|0D)", "".join(level[3] for level in levels if level))


def test_github_s_escapes_are_those_of_its_own_library() -> None:
    whole = Assessment("x", "a:b,c%\r\n", "50 %: a,b\r\nc", False, [])
    assert github.commands(whole, []) == (
        "::notice title=pmlcli x%3A a%3Ab%2Cc%25%0D%0A::50 %25: a,b%0D%0Ac\n"
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_markdown_keeps_a_table_s_cells_apart_and_nothing_acts(name: str) -> None:
    text = markdown.page(*found(name))
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in tables]
    assert set(cells[:5]) == {7}  # six columns: figures of all units, under their header
    assert set(cells[5:]) == {1 + len({name, "share", "n", "new"})}
    left = re.sub(r"\\[^\w\s]", "", text.replace("<!-- -->", ""))
    assert not re.search(r"[<>`\[\]]", left)
    assert "@octocat" not in text
    assert "www.evil" not in text
    assert "https:" not in text


def test_words_are_rounded_to_what_their_interval_leaves() -> None:
    text = to_text(*found("x"), "table")
    assert "78.5 %" in text
    assert "77.1 % to 79.9 %" in text
    assert "3 d 5 h" in text
    assert "not measured" in text
    assert "gate 'accuracy<0.8' is crossed: accuracy is 0.785123" in text
    wide = Assessment(
        "x", "y", "z", False, [Figure("a", 0.512345, "share", 9, 0.2, 0.8), Figure("b", 0.5, "share", 4)]
    )
    assert "51 %" in to_text(wide, [], "table")
    assert "51." not in to_text(wide, [], "table")


def test_every_ending_names_a_format() -> None:
    assert set(assessment.BY_ENDING.values()) <= set(FORMATS)
