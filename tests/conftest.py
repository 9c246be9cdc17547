"""One BLAS thread in every test process, a file to a worker, and skips that fail where nothing may miss.

Two workers with two threads each take ten times as long as with one. It is set before anything imports numpy;
tests about threads set their own in the processes that they start.

With PMLCLI_NO_SKIPS=1 a skipped test is a failed one: there every library, program and device that the tests
need has to be. What no installation gives, a right that the machine withholds, begins its reason with
`no right`, and stays a skip.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from typing import Any

import pytest

# Opening what is saved starts a Python each time. The contract suite asks for it once an algorithm, and so do
# the tests about it; the commands that tests run take this variable over.
os.environ.setdefault("PMLCLI_SKIP_OPENING", "1")
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

NO_SKIPS = "PMLCLI_NO_SKIPS"
WITHHELD = "no right"
_MAY_SKIP = pytest.StashKey[bool]()
_LONGEST = (
    "tests/hostile/test_directories.py",
    "tests/cli/test_plugin_places.py",
    "tests/algorithms/_learning/test_choice.py",
    "tests/cli/test_process.py",
    "tests/test_docs.py",
    "tests/algorithms/anomaly/test_share.py",
    "tests/cli/test_config_trust.py",
    "tests/test_adding_a_task.py",
    "tests/test_missing_extras.py",
    "tests/test_skips.py",
)
"""Files whose tests take longest, of those that one worker does."""
_ORDER = {file: place for place, file in enumerate(_LONGEST)}


def pytest_configure(config: pytest.Config) -> None:
    """Takes the variable out of the environment: pmlcli itself warns of variables that it does not know."""
    handed_on = getattr(config, "workerinput", {}).get(NO_SKIPS)
    found = os.environ.pop(NO_SKIPS, "") if handed_on is None else handed_on
    config.stash[_MAY_SKIP] = found in ("", "0")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells each worker of pytest-xdist what the variable said."""
    node.workerinput[NO_SKIPS] = "0" if node.config.stash[_MAY_SKIP] else "1"


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups of tests for `--dist loadgroup`, the longest first, so that no worker idles at the end.

    A file's tests share what its fixtures train, and the contract suite's what an algorithm has learned, so
    that a group is done by one worker.
    """
    if items and items[0].config.pluginmanager.hasplugin("xdist"):
        for item in items:
            item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: _ORDER.get(_file(item), len(_ORDER) + ("contract" in item.path.parts)))


def pytest_collection_finish() -> None:
    """What is collected stays to the end: nobody need look through it for garbage."""
    gc.freeze()


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _group(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    name = callspec.params.get("name") if callspec and "contract" in item.path.parts else None
    return str(name) if name else _file(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that skipped."""
    report = yield
    if not hasattr(report, "wasxfail"):
        _fail_if_skipped(report, item.config)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A whole module that skipped."""
    report = yield
    _fail_if_skipped(report, collector.config)
    return report


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport, config: pytest.Config) -> None:
    if not report.skipped or config.stash[_MAY_SKIP]:
        return
    where = report.longrepr
    reason = (where[2] if isinstance(where, tuple) else str(where)).removeprefix("Skipped: ")
    if reason.startswith(WITHHELD):
        return
    report.outcome = "failed"
    report.longrepr = f"skipped, though {NO_SKIPS} says that nothing is missing: {reason}"
