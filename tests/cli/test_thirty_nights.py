"""A job that runs every night for a month, written by docs/automation.md, is silent until something is wrong.

Every night: which odd cases are new, and has the process changed, with a file for Prometheus. Now and
then: is the model still right, as JUnit. After the month a new model is trained, which replaces the old one
if it is not worse. On one night somebody unknown turns up in eight cases; from the 21st night on six of ten
new cases take a step that one in ten took before.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pandas as pd
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import Result

from tests.cli.conftest import Run
from tests.logs_drifting import simulated

FIRST = pd.Timestamp("2024-03-01")
NIGHTS = 30
ODD = 8
"""On this night somebody works on eight cases whom the log does not know."""
CHANGED = 22
"""From the night before this one on the process is another."""


def events() -> pd.DataFrame:
    """Two months that nothing happens in, then the month of the nights."""
    usual = simulated(12 * (60 + CHANGED), 1).frame
    change = FIRST + pd.Timedelta(days=CHANGED - 1)
    since = simulated(12 * 20, 2, start=change.strftime("%Y-%m-%d"), extra=0.6).frame
    log = pd.concat([usual, since])
    log["timestamp"] = log["timestamp"].dt.tz_localize(None)
    return log


def odd_cases() -> pd.DataFrame:
    """Eight cases, on the odd night, that somebody works on whom the log does not know."""
    night = FIRST + pd.Timedelta(days=ODD)
    cases = simulated(8, 3, start=night.strftime("%Y-%m-%d")).frame
    return cases.assign(timestamp=cases["timestamp"].dt.tz_localize(None), resource="Outsider")


class Month:
    """The job, night by night, and what each of its commands said."""

    def __init__(self, run: Run, place: Path) -> None:
        self.run, self.place = run, place
        self.log = pd.concat([events(), odd_cases()])

    def write(self, until: pd.Timestamp, name: str) -> None:
        """The log as it is known then."""
        self.log[self.log["timestamp"] < until].to_csv(self.place / name, index=False)

    def train(self) -> None:
        """The two models, before the first night."""
        self.write(FIRST, "training.csv")
        for name, target in (("anomaly/likelihood", "odd"), ("next-activity/ngram", "next")):
            done = self.run("train", "training.csv", "-a", name, "-o", target, "--cuts", "1", "-q")
            assert (done.exit_code, done.stderr) == (0, "")

    def night(self, number: int) -> tuple[Result, Result]:
        """Predict and monitor, as cron runs them."""
        self.write(FIRST + pd.Timedelta(days=number + 1), "tonight.csv")
        predicted = self.run(
            *("predict", "odd", "tonight.csv", "--cases", "all", "--new-since", "last.csv", "--keep-all"),
            *("last.csv", "-o", "new.csv", "--force", "-q", "--fail-if", "n_new>5", "--metrics", "odd.prom"),
        )
        monitored = self.run(
            *("monitor", "next", "tonight.csv", "--history", "runs.jsonl", "--fail-on", "drift", "-q"),
            *("--metrics", "monitor.prom", "--log-file", "jobs.jsonl"),
        )
        return predicted, monitored

    def check(self) -> Result:
        """What CI asks once a week: is the model still right?"""
        return self.run(
            *("evaluate", "next", "tonight.csv", "--only-new", "--fail-if", "accuracy<0.96", "-q"),
            *("-o", "check.xml", "--force"),
        )

    def replace(self) -> Result:
        """What runs once a month."""
        return self.run(
            *("train", "tonight.csv", "-a", "next-activity/ngram", "-o", "next", "--cuts", "1", "-q"),
            *("--replace-if", "not-worse", "--fail-if-kept"),
        )


def is_silent(done: Result) -> bool:
    return (done.exit_code, done.stdout, done.stderr) == (0, "", "")


def one_line(done: Result) -> str:
    """What a bad night says; it must be one line on stderr."""
    assert (done.exit_code, done.stdout) == (6, "")
    (line,) = done.stderr.splitlines()
    return line


def test_thirty_nights(run: Run, place: Path) -> None:
    month = Month(run, place)
    month.train()
    odd, drift = [], []
    for number in range(NIGHTS):
        predicted, monitored = month.night(number)
        if not is_silent(predicted):
            odd.append((number, one_line(predicted)))
        if not is_silent(monitored):
            drift.append((number, one_line(monitored)))
        if number == 6:
            assert is_silent(month.check())
    # One night of odd cases; the change is seen within a week, and stays.
    assert [number for number, _line in odd] == [ODD]
    assert odd[0][1] == "error: gate 'n_new>5' is crossed: n_new is 8"
    nights = [number for number, _line in drift]
    assert CHANGED <= nights[0] <= CHANGED + 6
    assert nights == list(range(nights[0], NIGHTS))
    assert all(
        "`Ask again` 9.0 -> " in line and " % of cases since 2024-03-" in line for _night, line in drift
    )
    # By then CI finds the model worse than it was.
    checked = month.check()
    assert checked.exit_code == 6
    suite = ElementTree.parse(place / "check.xml").getroot()
    assert [case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None]
    # The new model takes its place, and the jobs go on with it.
    before = json.loads((place / "next" / "manifest.json").read_text())
    assert is_silent(month.replace())
    after = json.loads((place / "next" / "manifest.json").read_text())
    assert after["training_log"]["replaced"]["is_replaced"]
    assert after["training_log"]["until"] > before["training_log"]["until"]
    predicted, monitored = month.night(NIGHTS)
    assert is_silent(predicted) and is_silent(monitored)
    runs = [json.loads(line) for line in (place / "runs.jsonl").read_text().splitlines()]
    assert len(runs) == NIGHTS + 1
    assert len({one["root_digest"] for one in runs}) == 2
    assert [n for n, one in enumerate(runs) if one["verdict"] not in ("stable", "unclear")] == nights
    # What Prometheus reads, and what every run left in the log file.
    families = {one.name: one for one in text_string_to_metric_families((place / "monitor.prom").read_text())}
    assert families["pmlcli_monitor_is_bad"].samples[0].value == 0
    ends = [json.loads(line) for line in (place / "jobs.jsonl").read_text().splitlines()]
    codes = [one["exit_code"] for one in ends if one["kind"] == "end"]
    assert codes == [6 if number in nights else 0 for number in range(NIGHTS + 1)]
