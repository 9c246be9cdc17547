"""What the README says is true: its command lines run, its Python runs, and it names all that there is."""

from __future__ import annotations

import gzip
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from pmlcli import registry
from pmlcli.cli.app import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
LINES = [
    line.partition("  #")[0].strip()
    for language, block in BLOCKS
    if language == "sh"
    for line in block.splitlines()
]
COMMANDS = [line for line in LINES if line.startswith("pmlcli ")]
# make, pip and the like are tried by whoever builds a fresh clone: they make environments.
OTHERS = [line for line in LINES if line and line not in COMMANDS]


def python_of(page: Path) -> list[str]:
    """The blocks of Python in a page."""
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


MOST_WORDS = 1200
EVERY = 5
"""One case in so many of the sample log is in these tests."""
IN_FILES = {ROOT / f"docs/{name}.md" for name in ("adding-an-algorithm", "adding-a-task", "recipes")}
"""Pages whose Python is a file to write; tests of their own do it."""
PAGES_OF_PYTHON = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if python_of(page) and page not in IN_FILES
]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with some cases of the sample logs, and a log whose case has a name of its own."""
    place = tmp_path_factory.mktemp("readme")
    logs = place / "sample_logs"
    shutil.copytree(ROOT / "sample_logs", logs)
    # Training on all of its 1,200 cases takes far longer.
    table = pd.read_csv(logs / "purchase-to-pay.csv", dtype=str, keep_default_na=False)
    some = table["case_id"].isin(table["case_id"].unique()[::EVERY])
    table[some].to_csv(logs / "purchase-to-pay.csv", index=False)
    whole = gzip.decompress((logs / "purchase-to-pay.xes.gz").read_bytes())
    body, _, end = whole.rpartition(b"</trace>")
    head, *traces = body.replace(b"</trace>", b"").split(b"<trace>")
    kept = head + b"".join(b"<trace>" + trace + b"</trace>" for trace in traces[::EVERY]) + end
    (logs / "purchase-to-pay.xes.gz").write_bytes(gzip.compress(kept))
    (place / "orders.csv").write_text("Order,activity,timestamp\n1,Pay,2024-01-05 10:00\n")
    return place


def run(workplace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=workplace, capture_output=True, text=True, env=environment
    )


def test_every_command_line_runs_in_the_order_of_the_page(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process: what starting one is like, tests of the command line see to."""
    assert len(COMMANDS) >= 12
    assert len(README.split()) <= MOST_WORDS
    monkeypatch.chdir(workplace)
    monkeypatch.setenv("PMLCLI_CUTS", "1")  # more of them only take longer
    for line in COMMANDS:
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert done.exit_code == 0, f"{line}\n{done.output}"
        if " -q" in line:
            assert done.stdout == ""
            assert all(said.startswith("warning: serious: ") for said in done.stderr.splitlines())


@pytest.mark.parametrize("page", PAGES_OF_PYTHON, ids=lambda page: page.name)
def test_its_python_runs(page: Path, workplace: Path) -> None:
    for block in python_of(page):
        done = run(workplace, "-W", "error", "-c", block)
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_the_readme_shows_python() -> None:
    assert ROOT / "README.md" in PAGES_OF_PYTHON


def test_it_speaks_of_no_other_command_than_these() -> None:
    assert {shlex.split(line)[0] for line in OTHERS} == {"make", "pip"}


@pytest.mark.parametrize("name", registry.names())
def test_the_docs_name_every_algorithm(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs/algorithms.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [info.name or "" for info in app.registered_commands])
def test_the_docs_name_every_command(command: str) -> None:
    assert command
    assert f"### pmlcli {command}\n" in (ROOT / "docs/commands.md").read_text(encoding="utf-8")


def test_the_readme_names_every_command_that_is_no_helper() -> None:
    """Those that look after models and logs stand in one sentence."""
    for info in app.registered_commands:
        assert f"`{info.name}`" in README or f"`pmlcli {info.name}" in README, info.name


def test_the_readme_shows_a_picture_of_what_the_sample_log_gives() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\((\S+\.svg)\)", README)
    assert pictures
    cases = (ROOT / "sample_logs/purchase-to-pay.csv").read_text(encoding="utf-8")
    for picture in pictures:
        drawn = (ROOT / picture).read_text(encoding="utf-8")
        assert {"http://www.w3.org/2000/svg"} == set(re.findall(r"https?://[^\"' )]+", drawn))
        assert any(case in cases for case in re.findall(r"PR-\d+", drawn))


LINK = re.compile(r"\]\(([^()\s]+)\)")
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def anchors(text: str) -> set[str]:
    """What a link to a heading of this page may name, by GitHub's rule; a repeated heading gets a number."""
    counts: dict[str, int] = {}
    found = set()
    for heading in re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.M), re.M):
        name = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        found.add(f"{name}-{counts[name]}" if name in counts else name)
        counts[name] = counts.get(name, 0) + 1
    return found


def broken(page: Path) -> list[str]:
    """Links of this page to a file or heading that is not there; those to the web are not looked at."""
    text = page.read_text(encoding="utf-8")
    targets = [link for link in LINK.findall(re.sub(r"`[^`\n]*`", "", text)) if "://" not in link]
    return [link for link in targets if not leads_somewhere(page, *link.partition("#")[::2])]


def leads_somewhere(page: Path, file: str, anchor: str) -> bool:
    """Whether the file is there, and in it the heading."""
    target = page.parent / file if file else page
    return target.exists() and (not anchor or anchor in anchors(target.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    assert broken(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Two words\n# Two words\n[a](#two-words-1) [b](#two-words) [c](#three) [d](no.md)\n")
    assert broken(page) == ["#three", "no.md"]
    assert sum(len(LINK.findall(page.read_text(encoding="utf-8"))) for page in PAGES) > 50


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_makefile_knows_what_it_promises(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
