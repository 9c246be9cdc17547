"""Feeds the readers what no tool would write: python tests/fuzz/fuzz_readers.py [seconds] (`make fuzz`).

Coverage-guided, by atheris. Any input must give a log whose ledger adds up, or a `LogError`; a traceback,
a hang of ten seconds or a gigabyte of memory ends the run, and the input stays in `fuzz-findings/`.
"""

from __future__ import annotations

import gzip
import io
import sys
import tempfile
import zipfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pmlcli.eventlog"]):
    from pmlcli.errors import LogError
    from pmlcli.eventlog import read_log
    from pmlcli.eventlog.options import ReadOptions
    from pmlcli.eventlog.selection import Selection

HERE = Path(__file__).resolve().parent
EDGE = HERE.parent / "eventlog" / "xes_edge"
SECONDS = 600

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


def seeds(folder: Path) -> None:
    """Small files of every kind that is read, each with every choice of options."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("log.csv", CSV)
    plain = [CSV, OCEL, OCEL_XML, XES, gzip.compress(XES), archive.getvalue(), CSV.decode().encode("utf-16")]
    plain += [REGULAR_CSV, OCEL_CSV]
    plain += [path.read_bytes() for path in sorted(EDGE.iterdir())]
    for number, data in enumerate(plain):
        for choice in range(len(OPTIONS)):
            (folder / f"{number:02}-{choice}").write_bytes(bytes([choice]) + data)


def one_input(data: bytes) -> None:
    """What must hold for every input."""
    if not data:
        return
    FILE.write_bytes(data[1:])
    try:
        log = read_log(FILE, OPTIONS[data[0] % len(OPTIONS)])
    except LogError as error:
        assert error.message
        return
    ledger = log.ledger
    assert ledger.rows_read == ledger.events_used + ledger.rows_refused + ledger.rows_filtered
    assert ledger.events_used == log.n_events == len(log.frame) == int(log.offsets[-1])
    assert log.times is None or len(log.times) == log.n_events
    assert (log.lengths > 0).all()


def main() -> None:
    """Fuzz for the seconds given."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    findings = Path("fuzz-findings")
    findings.mkdir(exist_ok=True)
    seeds(CORPUS)
    limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1024", "-max_len=8192"]
    atheris.Setup([sys.argv[0], str(CORPUS), *limits, f"-artifact_prefix={findings}/"], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        FILE, CORPUS = Path(place) / "log", Path(place) / "corpus"
        CORPUS.mkdir()
        main()
