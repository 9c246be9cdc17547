"""Feeds each reader what no tool would write: python tests/fuzz/fuzz_readers.py [seconds] [READER ...].

Coverage-guided, by atheris (`make fuzz-logs`): each reader in a process of its own for so many seconds, and
`found`, which finds format and packing in the content; `command` goes the whole way from a command line to
its exit code. Any input must give a log whose ledger adds up, or a `LogError` that a reader foresaw; CSV and
XES must give the same the quick way and the careful way. A traceback, a hang of ten seconds or a gigabyte of
memory is a finding: its input stays in `fuzz-findings/`, and the run exits with 1.
"""

from __future__ import annotations

import gzip
import io
import re
import sqlite3
import subprocess
import sys
import tempfile
import traceback
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest import mock

import atheris
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

with atheris.instrument_imports(include=["pmlcli.eventlog"]):
    from pmlcli.cli.app import app
    from pmlcli.errors import LogError
    from pmlcli.eventlog import read_log
    from pmlcli.eventlog.options import FORMATS, OCEL_FORMATS, ReadOptions
    from pmlcli.eventlog.reader import UNFORESEEN
    from pmlcli.eventlog.selection import Selection
    from pmlcli.eventlog.xes.feed import Feeder

from tests.eventlog.ocel import test_ocel as ocel

EDGE = Path(__file__).resolve().parent.parent / "eventlog" / "xes_edge"
FINDINGS = Path("fuzz-findings")
SECONDS = 600
LONGEST = {"ocel-sqlite": 1 << 15}
READERS = (*FORMATS, *OCEL_FORMATS, "found", "command")

CAREFULLY = {
    "csv": partial(mock.patch, "pmlcli.eventlog.csv.reader.regular_cells", lambda *_: None),
    "xes": partial(mock.patch, "pmlcli.eventlog.xes.reader.Feeder", partial(Feeder, quick=False)),
}
"""Readers that have a quick way, and how to do without it."""

OPTIONS = (
    ReadOptions(on_bad_row="drop"),
    ReadOptions(on_bad_row="drop", timezone="Europe/Berlin", order="row", fill_globals=True),
    ReadOptions(on_bad_row="drop", pair_lifecycle=True),
    ReadOptions(on_bad_row="drop", day_first=True, decimal=",", columns={"timestamp": "none"}),
    ReadOptions(on_bad_row="drop", object_type="order", selection=Selection(min_events=2, running="mark")),
    ReadOptions(on_bad_row="drop", encoding="windows-1252", timestamp_format="%Y-%m-%d"),
    ReadOptions(on_bad_row="drop", encoding="utf-16", classifier="concept:name+org:resource"),
)
"""The first byte of an input chooses among these; the rest is the file."""

CSV = (
    b"case_id,activity,timestamp,resource,lifecycle,amount\n"
    b'1,"a ""b""",2024-01-01T00:00:00+01:00,ann,start,"1,5"\n1,c,31.12.24,,complete,2\n'
)
REGULAR_CSV = (
    b"case_id,activity,timestamp,resource\n1,a,2024-01-01T00:00:00Z,ann\n"
    b'1,b,2024-01-02T00:00:00Z,bob\n"2","c, d","2024-01-03T00:00:00Z",""\n'
)
OCEL_CSV = (
    b"ocel:eid,ocel:timestamp,ocel:activity,ocel:type:order,ocel:type:item\n"
    b"e1,2024-01-01,a,['o1'],\"['i1', 'i2']\"\ne2,2024-01-02,b,,['i1']\n"
)
OCEL = (
    b'{"objects": [{"id": "o", "type": "order", "attributes": [{"name": "n", "time": "", "value": 1}]}], '
    b'"events": [{"id": "e", "type": "a", "time": "2024-01-01T00:00:00Z", '
    b'"relationships": [{"objectId": "o"}]}]}'
)
OCEL_XML = (
    b'<log><objects><object id="o" type="order"/></objects><events><event id="e" type="a" time="2024-01-01">'
    b'<objects><relationship object-id="o"/></objects></event></events></log>'
)
XES = (
    b'<?xml version="1.0" encoding="UTF-8"?><log><global scope="event"><string key="k" value="d"/></global>'
    b'<classifier name="A" keys="concept:name"/><trace><string key="concept:name" value="1"/><event>'
    b'<string key="concept:name" value="a"/><date key="time:timestamp" value="2024-01-01T00:00:00Z"/>'
    b'<list key="l"><values><int key="i" value="1"/></values></list></event></trace></log>'
)
TOKENS = (
    *(b'"', b'""', b",", b";", b"\t", b"\r", b"\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"007", b"1,5", b"NA"),
    *(b"case_id", b"activity", b"timestamp", b"2024-01-01T00:00:00.123456789+01:00", b"31.12.2023", b"45292"),
    *(b"<trace>", b"</trace>", b"<event>", b"</event>", b'<string key="', b'" value="', b'"/>', b"<list "),
    *(
        b"<values>",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"<?xml ",
        b"&#10;",
        b"&amp;",
        b"'",
        b"concept:name",
    ),
    *(b'"ocel:omap"', b'"ocel:vmap"', b'"relationships"', b'"objectId"', b"[]", b"{}", b"null", b"1e999"),
)
"""Words that mutations may put in."""


def seeds(reader: str) -> list[bytes]:
    """Small files of the kind that a reader takes; all of them for what finds the kind."""
    edge = [path.read_bytes() for path in sorted(EDGE.iterdir())]
    files = {
        "csv": [CSV, REGULAR_CSV, CSV.decode().encode("utf-16")],
        "xes": [XES, *edge],
        "parquet": _parquet(),
        "ocel-json": [OCEL, ocel.json_1().encode(), ocel.json_2().encode()],
        "ocel-xml": [OCEL_XML, ocel.xml_1().encode(), ocel.xml_2().encode()],
        "ocel-sqlite": [_sqlite()],
        "ocel-csv": [OCEL_CSV],
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("log.csv", CSV)
    packed = [gzip.compress(XES), archive.getvalue()]
    return (
        files[reader] if reader in files else [*packed, *(data for kind in files.values() for data in kind)]
    )


def _parquet() -> list[bytes]:
    """A log as Parquet, plain and packed."""
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "log.csv"
        source.write_bytes(REGULAR_CSV)
        frame = read_log(source).frame
    return [frame.to_parquet(compression=how) for how in (None, "gzip")]


def _sqlite() -> bytes:
    """An object-centric log in pages that are as small as they can be."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "log"
        ocel.sqlite_2(path)
        database = sqlite3.connect(path)
        database.executescript("PRAGMA page_size = 512; VACUUM")
        database.close()
        return path.read_bytes()


COMMANDS = (
    ("inspect", "{log}", "--on-bad-row", "drop"),
    ("inspect", "{log}", "--json", "--strict"),
    ("inspect", "{log}", "--on-bad-row", "drop", "--kpi", "arrivals", "--object-type", "order"),
    ("convert", "{log}", "--on-bad-row", "drop", "-o", "{log}.csv", "--force"),
    ("convert", "{log}", "--on-bad-row", "drop", "-o", "{log}.xes", "--force"),
    ("train", "{log}", "--on-bad-row", "drop", "-a", "next-activity/ngram", "-o", "{log}.model", "--force"),
)
"""Command lines that the first byte of an input chooses among; the rest is the file."""
FORESEEN = {0, 2, 3, 4, 6, 74}
"""Exit codes that are no bug."""


def run_command(data: bytes, log: Path) -> None:
    """One command over one file; anything but a foreseen exit code is a finding."""
    log.write_bytes(data[1:])
    arguments = [word.format(log=log) for word in COMMANDS[data[0] % len(COMMANDS)]]
    done = CliRunner().invoke(app, [*arguments, "-q"], catch_exceptions=False)
    assert done.exit_code in FORESEEN, done.output
    assert "bug in pmlcli" not in done.output, done.output


class Target:
    """What must hold for every input of one reader; what does not is kept, once a place in the code."""

    def __init__(self, reader: str, file: Path) -> None:
        self._reader, self._file = reader, file
        self._format = None if reader == "found" else reader
        self._seen: set[str] = set()

    def __call__(self, data: bytes) -> None:
        """One input: the first byte chooses the options, the rest is the file."""
        if not data:
            return None
        if self._reader == "command":
            return self._try(data, partial(run_command, data, self._file))
        self._file.write_bytes(data[1:])
        options = replace(OPTIONS[data[0] % len(OPTIONS)], format=self._format)
        return self._try(data, partial(self._check, options))

    def _try(self, data: bytes, check: Callable[[], None]) -> None:
        try:
            check()
        except Exception as error:  # noqa: BLE001 (what the fuzzer is looking for)
            self._keep(data, error)

    def _check(self, options: ReadOptions) -> None:
        outcome = self._outcome(options)
        if self._reader in CAREFULLY:
            with CAREFULLY[self._reader]():
                assert self._outcome(options) == outcome, "another log the careful way"

    def _outcome(self, options: ReadOptions) -> object:
        try:
            log = read_log(self._file, options)
        except LogError as error:
            assert error.message
            assert error.code != UNFORESEEN, error
            return "refused"  # which of several faults is met first is a matter of buffers
        ledger = log.ledger
        assert ledger.rows_read == ledger.events_used + ledger.rows_refused + ledger.rows_filtered
        assert ledger.events_used == log.n_events == len(log.frame) == int(log.offsets[-1])
        assert log.times is None or len(log.times) == log.n_events
        assert (log.lengths > 0).all()
        lines = None if log.lines is None else log.lines.tolist()
        return log.frame.astype(object).fillna("-").to_dict("list"), ledger, lines

    def _keep(self, data: bytes, error: Exception) -> None:
        place = "; ".join(f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)[-2:])
        if place in self._seen:
            return
        self._seen.add(place)
        path = FINDINGS / f"{self._reader}-{len(self._seen)}"
        path.write_bytes(data)
        path.with_suffix(".txt").write_text("".join(traceback.format_exception(error)))


def fuzz(reader: str, seconds: str) -> None:
    """Fuzz one reader in this process, which libFuzzer ends."""
    with tempfile.TemporaryDirectory() as place:
        corpus, words = Path(place) / "corpus", Path(place) / "words"
        corpus.mkdir()
        for number, data in enumerate(seeds(reader)):
            for choice in range(len(OPTIONS)):
                (corpus / f"{number:02}-{choice}").write_bytes(bytes([choice]) + data)
        escaped = ("".join(f"\\x{byte:02x}" for byte in token) for token in TOKENS)
        words.write_text("".join(f'"{token}"\n' for token in escaped))
        limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1024"]
        limits += [f"-max_len={LONGEST.get(reader, 1 << 13)}", f"-dict={words}", "-print_final_stats=1"]
        kept = f"-artifact_prefix={FINDINGS}/{reader}-"
        atheris.Setup([sys.argv[0], str(corpus), *limits, kept], Target(reader, Path(place) / "log"))
        atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """Fuzz the readers named, or all, one after another; a line each, and 1 when anything was found."""
    seconds, *readers = arguments or [str(SECONDS)]
    FINDINGS.mkdir(exist_ok=True)
    inputs: dict[str, int] = {}
    found: dict[str, int] = {}
    for reader in readers or READERS:
        for old in FINDINGS.glob(f"{reader}-*"):
            old.unlink()
        command = [sys.executable, __file__, "--alone", reader, seconds]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        told = re.search(r"number_of_executed_units: *(\d+)", done.stderr)
        inputs[reader] = int(told[1]) if told else 0
        kept = [path for path in FINDINGS.glob(f"{reader}-*") if path.suffix != ".txt"]
        found[reader] = max(len(kept), int(done.returncode != 0 or not told))
        _say(f"{reader}: {inputs[reader]:,} inputs in {seconds} s, {found[reader]} findings")
        if done.returncode:
            _say(done.stderr[-2000:])
    _say("inputs/findings: " + ", ".join(f"{reader} {inputs[reader]:,}/{found[reader]}" for reader in inputs))
    return int(any(found.values()))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--alone"]:
        fuzz(*sys.argv[2:])
    sys.exit(main(sys.argv[1:]))
