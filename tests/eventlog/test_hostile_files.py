"""Files made to exhaust a reader, read in a child with limits; and small ones changed at random."""

from __future__ import annotations

import gzip
import io
import json
import random
import sqlite3
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmlcli.errors import LogError
from pmlcli.eventlog import ReadOptions, read_log

CPU_SECONDS = 20
"""For all files together, where two seconds each are promised: a test must not fail on a busy machine."""
MEGABYTES = 200

CHILD = """
import json, resource, sys, time
from pathlib import Path
from pmlcli.errors import LogError
from pmlcli.eventlog import read_log
import pandas
def peak():  # not ru_maxrss, which a child takes over from its parent
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
resource.setrlimit(resource.RLIMIT_CPU, (%d, %d))
report, base = {}, peak()
for path in sorted(Path(sys.argv[1]).iterdir()):
    start = time.process_time()
    try:
        read_log(path)
        said = None
    except LogError as error:
        said = error.message
    report[path.name] = [said, round(time.process_time() - start, 2), peak() - base]
print(json.dumps(report))
"""

HEAD = b"case_id,activity,timestamp\n1,a,2024-01-01\n"
EVENT = b'<event><string key="concept:name" value="a"/></event>'
START = b'<log><trace><string key="concept:name" value="1"/>'


def squeezed(*parts: bytes, times: int = 1) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    first, *rest = parts
    pieces = [
        packer.compress(first),
        *(packer.compress(b"".join(rest)) for _ in range(times)),
        packer.flush(),
    ]
    return b"".join(pieces)


def zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


OCEL_TABLES = """
CREATE TABLE object_map_type (ocel_type, ocel_type_map);
CREATE TABLE event_map_type (ocel_type, ocel_type_map);
CREATE TABLE object (ocel_id, ocel_type); CREATE TABLE event (ocel_id, ocel_type);
CREATE TABLE event_object (ocel_event_id, ocel_object_id); CREATE TABLE event_a (ocel_id, ocel_time, x);
INSERT INTO object VALUES ('o', 'order'); INSERT INTO event_map_type VALUES ('a', 'a');
"""
MANY = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "


def database(script: str) -> bytes:
    """An SQLite file with the tables of OCEL, changed by a script."""
    with sqlite3.connect(":memory:") as made:
        made.executescript(OCEL_TABLES + script)
        return made.serialize()


def databases() -> Iterator[tuple[str, bytes]]:
    events = MANY.format(2_000) + "INSERT INTO event SELECT i, 'a' FROM n;"
    generated = "CREATE TABLE event_a (ocel_id, ocel_time, x AS (zeroblob(50000000)) VIRTUAL);"
    rows = MANY.format(2_000) + "INSERT INTO event_a (ocel_id) SELECT i FROM n;"
    yield "generated.sqlite", database(f"DROP TABLE event_a; {generated} {events} {rows}")
    stored = generated.replace("50000000", "500000").replace("VIRTUAL", "STORED")
    rows_few = rows.replace("2000", "3")
    yield "generated_stored.sqlite", database(f"DROP TABLE event_a; {stored} {events} {rows_few}")
    default = f"ALTER TABLE event_a ADD COLUMN y DEFAULT '{'y' * 900_000}';"
    yield "default.sqlite", database(f"{events} {rows} {default}")
    longer = "".join(f"ALTER TABLE event_a ADD COLUMN y{i} DEFAULT '{'y' * 900_000}';" for i in range(2))
    yield "defaults.sqlite", database(f"{events} {rows} {longer}")
    mapped = MANY.format(100_000) + "INSERT INTO event_map_type SELECT 'a' || i, 'a' FROM n;"
    yield "mapped.sqlite", database(f"{events} {rows} {mapped}")
    yield "cell.sqlite", database(f"{events} INSERT INTO event_a VALUES (1, 2, zeroblob(2000000));")


def square_logs() -> Iterator[tuple[str, bytes]]:
    """Object-centric logs whose flat table would be the square of the file, in rows or in columns."""
    ids = [f"o{i}" for i in range(3_000)]
    objects = [{"id": o, "type": "order"} for o in ids]
    related = [{"objectId": o} for o in ids]
    values = [{"name": f"n{i}", "value": i} for i in range(1_500)]
    event = {"type": "a", "time": "2024-01-01", "relationships": related, "attributes": values}
    rows = {"objects": objects, "events": [{"id": f"e{i}", **event} for i in range(9)]}
    yield "rows.json", json.dumps(rows).encode()
    names = [
        {
            "id": f"e{i}",
            "type": "a",
            "attributes": [{"name": f"n{i}", "value": i}],
            "relationships": related[:1],
        }
        for i in range(20_000)
    ]
    sparse = b"".join(b'<event><int key="%d" value="1"/></event>' % i for i in range(1_999))
    few = b"<event/>" * 400_000
    yield "sparse.xes", START + sparse + few + b"</trace></log>"
    yield "names.json", json.dumps({"objects": objects, "events": names}).encode()
    yield (
        "empty.json",
        b'{"objects": [{"id": "o", "type": "order"}], "events": [' + b"{}," * 2_000_000 + b"{}]}",
    )
    yield "events.xml", b"<log><events>" + b"<event/>" * 150_000 + b"</events></log>"
    yield "elements.xml", b"<log><events><event>" + b"<a/>" * 2_000_000 + b"</event></events></log>"


def hostile() -> Iterator[tuple[str, bytes]]:
    mega = 1 << 20
    laughs = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
    yield "laughs.xes", laughs + START + EVENT
    yield "blanks.xes.gz", squeezed(START, b"\n" * mega, times=80)
    yield "value.xes.gz", squeezed(START + b'<string key="x" value="', b"x" * mega, times=80)
    yield (
        "attributes.xes",
        START + b"<event>" + b"".join(b'<int key="%d" value="1"/>' % i for i in range(200_000)),
    )
    yield (
        "names.xes",
        START
        + b"".join(b'<event><int key="%d" value="1"/></event>\n' % i for i in range(100_000))
        + b"</trace></log>",
    )
    yield "nested.xes", START + b'<event><string key="a" value="1">' + b'<string key="a" value="1">' * 100_000
    yield "columns.csv", b",".join(b"%d" % i for i in range(1_000_000)) + b"\n1\n"
    yield "cell.csv", HEAD + b'1,"' + b"x" * (50 * mega)
    yield "blank_lines.csv.gz", squeezed(HEAD, b"\n" * mega, times=80)
    yield "short_rows.csv.gz", squeezed(HEAD, b"x\n" * (mega // 2), times=80)
    yield "no_log.csv.gz", squeezed(b"a,b,c\n", b"1,2,3\n" * (mega // 6), times=80)
    yield "bomb.zip", zipped("log.csv", HEAD + b"1," + b"x" * (80 * mega))
    yield "brackets.json", b'{"events": ' + b"[" * (5 * mega)
    yield "lists.json.gz", squeezed(b'{"events": [', b"[]," * (mega // 3), times=80)
    yield "ocel_events.xml.gz", squeezed(b"<log><events>", b"<event/>" * (mega // 8), times=80)
    yield "ocel.json.gz", squeezed(b'{"events": ["', b"x" * mega, times=80)
    yield from databases()
    yield from square_logs()
    yield "digits.csv", b"case_id,activity,timestamp\n1,a," + b"9" * 500_000 + b"\n"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_hostile_files_are_refused_soon_and_in_little_memory(tmp_path: Path) -> None:
    names = []
    for name, data in hostile():
        (tmp_path / name).write_bytes(data)
        names.append(name)
    child = CHILD % (CPU_SECONDS * 3, CPU_SECONDS * 3 + 1)
    done = subprocess.run([sys.executable, "-c", child, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert sorted(report) == sorted(names)
    assert all(said and len(said) < 500 for said, _, _ in report.values()), report
    assert sum(seconds for _, seconds, _ in report.values()) < CPU_SECONDS, report
    assert max(megabytes for _, _, megabytes in report.values()) < MEGABYTES, report


CSV = (
    b"case_id,activity,timestamp,resource,lifecycle,amount\n"
    b'1,"a ""b""",2024-01-01T00:00:00+01:00,ann,start,"1,5"\n1,c,31.12.24,,complete,2\n'
)
XES = b'<log><global scope="event"><string key="k" value="d"/></global>' + START + EVENT + b"</trace></log>"
SEEDS = (CSV, XES, gzip.compress(CSV, mtime=0), zipped("log.csv", CSV), CSV.decode().encode("utf-16"))
OPTIONS = (
    ReadOptions(on_bad_row="drop"),
    ReadOptions(on_bad_row="drop", pair_lifecycle=True, fill_globals=True),
    ReadOptions(on_bad_row="drop", encoding="windows-1252", decimal=",", order="amount"),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.sampled_from(SEEDS), options=st.sampled_from(OPTIONS), chance=st.integers(0, 2**32))
def test_any_bytes_give_a_log_that_adds_up_or_a_log_error(
    tmp_path: Path, seed: bytes, options: ReadOptions, chance: int
) -> None:
    draw = random.Random(chance)
    data = bytearray(seed)
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(len(data))
        data[at : at + draw.randint(0, 3)] = draw.randbytes(draw.randint(0, 3))
    path = tmp_path / "x"
    path.write_bytes(bytes(data))
    try:
        log = read_log(path, options)
    except LogError as error:
        assert error.message
        return
    ledger = log.ledger
    assert ledger.rows_read == ledger.events_used + ledger.rows_refused + ledger.rows_filtered
    assert ledger.events_used == log.n_events == len(log.frame) == log.offsets[-1]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_the_child_tells_what_it_did(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_bytes(HEAD)
    done = subprocess.run(
        [sys.executable, "-c", CHILD % (60, 61), str(tmp_path)], capture_output=True, text=True
    )
    assert json.loads(done.stdout)["good.csv"][0] is None
