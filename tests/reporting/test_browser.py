"""The page as headless Chromium lays it out, from a file and without a network: what a reader would see."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pmlcli import Model, Report, ReportOptions, report
from pmlcli.eventlog.log import EventLog

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: chromium)")
DARK = "--blink-settings=preferredColorScheme=0"
LIGHT = "--blink-settings=preferredColorScheme=1"
SEEN = r"""
const channel = v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
const numbers = colour => (colour.match(/[\d.]+/g) || [0, 0, 0]).map(Number);
const light = colour => {
  const [r, g, b] = numbers(colour).map(channel);
  return .2126 * r + .7152 * g + .0722 * b; };
const contrast = (a, b) => {
  const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
  return (x + .05) / (y + .05); };
const panel = getComputedStyle(document.querySelector('.scroll')).backgroundColor;
const texts = [...document.querySelectorAll('figure svg text')].map(one =>
  [contrast(getComputedStyle(one).fill, panel), one.textContent]);
const outside = [...document.querySelectorAll('svg text')].filter(one => {
  const a = one.getBoundingClientRect(), b = one.ownerSVGElement.getBoundingClientRect();
  return a.width && (a.left < b.left - 1 || a.right > b.right + 1); }).map(one => one.textContent);
const seen = { width: innerWidth, content: document.documentElement.scrollWidth,
  ground: getComputedStyle(document.body).backgroundColor,
  requests: performance.getEntriesByType('resource').map(one => one.name), outside,
  faint: texts.filter(one => one[0] < 4.5), texts: texts.length,
  figures: [...document.querySelectorAll('svg')].map(one => one.getBoundingClientRect().width) };
const tell = found => {
  seen.violations = found.map(one => [one.id, one.nodes.slice(0, 3).map(node => node.html)]);
  const told = document.createElement('pre');
  told.id = 'seen';
  told.textContent = JSON.stringify(seen);
  document.body.append(told); };
"""


def seen(
    page: Report, place: Path, width: int, colours: str = LIGHT, *, with_axe: bool = False
) -> dict[str, Any]:
    """Facts of the layout, found by a script that the test adds to the page; with axe's findings or not."""
    script, then = SEEN, "tell([]);"
    if with_axe:
        import axe_core_python

        script = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8") + SEEN
        then = "axe.run(document, {resultTypes: ['violations']}).then(found => tell(found.violations));"
    free = re.sub(r"<meta http-equiv=.*?>", "", page.html)
    file = place / f"page-{width}.html"
    file.write_text(free.replace("</body>", f"<script>{script}{then}</script></body>"), encoding="utf-8")
    done = subprocess.run(
        [
            str(CHROMIUM),
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--proxy-server=127.0.0.1:9",
            colours,
        ]
        + [
            f"--user-data-dir={place / 'profile'}",
            f"--window-size={width},900",
            "--virtual-time-budget=20000",
        ]
        + ["--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-500:]
    facts: dict[str, Any] = json.loads(html.unescape(found[1]))
    return facts


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1400])
def test_the_page_fits_and_asks_for_nothing(page: Report, tmp_path: Path, width: int) -> None:
    found = seen(page, tmp_path, width)
    assert found["content"] <= max(found["width"], width)
    assert found["requests"] == []
    assert found["outside"] == []
    assert found["texts"] > 100
    assert found["faint"] == []
    assert min(found["figures"]) > 200


@pytest.mark.slow
def test_dark_is_dark_and_can_be_read(page: Report, tmp_path: Path) -> None:
    found = seen(page, tmp_path, 800, DARK)
    assert found["ground"] == "rgb(16, 22, 29)"
    assert found["faint"] == []


@pytest.mark.slow
def test_axe_finds_nothing_in_light_and_in_dark(log: EventLog, models: list[Model], tmp_path: Path) -> None:
    pytest.importorskip("axe_core_python")
    # Of cases two say all: axe looks at every row of their tables.
    short = report(log, *models, how=ReportOptions(top=2))
    for colours in (LIGHT, DARK):
        found = seen(short, tmp_path, 800, colours, with_axe=True)
        assert found["violations"] == [], colours


@pytest.mark.slow
def test_long_names_do_not_widen_the_page(log: EventLog, models: list[Model], tmp_path: Path) -> None:
    frame = log.frame.assign(activity=log.frame["activity"].map(lambda name: name + "x" * 300))
    long = report(frame[["case_id", "activity", "timestamp"]], how=ReportOptions(title="t" * 300))
    found = seen(long, tmp_path, 360)
    assert found["content"] <= max(found["width"], 360)
    assert found["outside"] == []
