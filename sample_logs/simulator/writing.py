"""Simulated logs as CSV, XES and label files: the same bytes everywhere."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

import numpy as np

from simulator import company as co
from simulator.model import SimulatedLog

LIFECYCLE = "complete"
HEADER = (
    "case_id,activity,timestamp,resource,lifecycle,cost_centre,"
    "case:amount,case:category,case:department,case:payment_terms,case:vendor"
)
LABEL_HEADER = "case_id,is_anomaly,anomaly,detail,outcome,is_running,event_index"
CASES_AT_ONCE = 20_000

XES_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2016" xes.features="" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
  <extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
  <extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
  <global scope="trace">
    <string key="concept:name" value="unknown"/>
    <float key="amount" value="0.0"/>
    <string key="category" value="unknown"/>
    <string key="department" value="unknown"/>
    <int key="payment_terms" value="0"/>
    <string key="vendor" value="unknown"/>
  </global>
  <global scope="event">
    <string key="concept:name" value="unknown"/>
    <date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/>
    <string key="org:resource" value="unknown"/>
    <string key="lifecycle:transition" value="complete"/>
    <string key="cost_centre" value="unknown"/>
  </global>
  <classifier name="Activity" keys="concept:name"/>
  <classifier name="Activity and resource" keys="concept:name org:resource"/>
  <string key="concept:name" value="purchase-to-pay"/>
  <string key="lifecycle:model" value="standard"/>
"""


class CaseRow(NamedTuple):
    """A case's attributes as text, in the order of the columns."""

    case_id: str
    amount: str
    category: str
    department: str
    payment_terms: str
    vendor: str


class EventRow(NamedTuple):
    """An event's attributes as text; the time has seconds and no zone."""

    activity: str
    time: str
    resource: str
    cost_centre: str


def rows(log: SimulatedLog) -> Iterator[tuple[CaseRow, list[EventRow]]]:
    """Every case with its events, as text, in order of arrival."""
    zero = np.datetime64(datetime(co.FIRST_DAY.year, co.FIRST_DAY.month, co.FIRST_DAY.day), "s")
    offsets = log.events.offsets.tolist()
    for first in range(0, len(log.cases), CASES_AT_ONCE):
        last = min(first + CASES_AT_ONCE, len(log.cases))
        part = slice(offsets[first], offsets[last])
        times = np.datetime_as_string(zero + log.events.time[part].astype("timedelta64[s]")).tolist()
        steps = zip(
            log.events.activity[part].tolist(), times, log.events.resource[part].tolist(), strict=True
        )
        events = [
            EventRow(co.ACTIVITIES[activity], time, co.PEOPLE[who].name, co.PEOPLE[who].cost_centre)
            for activity, time, who in steps
        ]
        for case in range(first, last):
            yield _case_row(log, case), events[offsets[case] - part.start : offsets[case + 1] - part.start]


def _case_row(log: SimulatedLog, case: int) -> CaseRow:
    euros, cents = divmod(int(log.cases.amount[case]), 100)
    return CaseRow(
        log.case_id(case),
        f"{euros}.{cents:02d}",
        co.CATEGORIES[log.cases.category[case]].name,
        co.DEPARTMENTS[log.cases.department[case]],
        str(log.cases.terms[case]),
        co.VENDORS[log.cases.vendor[case]].name,
    )


def csv_lines(log: SimulatedLog) -> Iterator[str]:
    """The log as CSV, a line an event. No value holds a comma, a quote or a line end."""
    yield HEADER + "\n"
    for case, events in rows(log):
        of_case = ",".join(case[1:])
        for activity, time, resource, centre in events:
            yield f"{case.case_id},{activity},{time}+00:00,{resource},{LIFECYCLE},{centre},{of_case}\n"


def label_lines(log: SimulatedLog) -> Iterator[str]:
    """What is known of each case and must not be learned from: anomaly, outcome, running or not."""
    yield LABEL_HEADER + "\n"
    for case in range(len(log.cases)):
        anomaly = log.anomalies.get(case)
        kind, detail, index = (
            (anomaly.kind, anomaly.detail, str(anomaly.event_index)) if anomaly else ("", "", "")
        )
        fields = (
            _truth(anomaly is not None),
            kind,
            detail,
            log.outcomes[case],
            _truth(log.is_running[case]),
            index,
        )
        yield f"{log.case_id(case)},{','.join(fields)}\n"


def xes_lines(log: SimulatedLog) -> Iterator[str]:
    """The log as XES (IEEE 1849-2016)."""
    yield XES_HEAD
    for case, events in rows(log):
        yield (
            "  <trace>\n"
            f'    <string key="concept:name" value={quoteattr(case.case_id)}/>\n'
            f'    <float key="amount" value="{case.amount}"/>\n'
            f'    <string key="category" value={quoteattr(case.category)}/>\n'
            f'    <string key="department" value={quoteattr(case.department)}/>\n'
            f'    <int key="payment_terms" value="{case.payment_terms}"/>\n'
            f'    <string key="vendor" value={quoteattr(case.vendor)}/>\n'
        )
        for event in events:
            yield _xes_event(event)
        yield "  </trace>\n"
    yield "</log>\n"


def _xes_event(event: EventRow) -> str:
    return (
        "    <event>\n"
        f'      <string key="concept:name" value="{event.activity}"/>\n'
        f'      <date key="time:timestamp" value="{event.time}.000+00:00"/>\n'
        f'      <string key="org:resource" value="{event.resource}"/>\n'
        f'      <string key="lifecycle:transition" value="{LIFECYCLE}"/>\n'
        f'      <string key="cost_centre" value="{event.cost_centre}"/>\n'
        "    </event>\n"
    )


def _truth(value: object) -> str:
    return "true" if value else "false"


def write_text(path: Path, lines: Iterable[str]) -> None:
    """A text file in UTF-8 with line feeds, whatever the platform."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines)


def write_gzip(path: Path, lines: Iterable[str]) -> None:
    """A gzip file without time and name; left alone if it holds the same text already.

    Compressors differ in their bytes (zlib, zlib-ng) but not in what they hold.
    """
    data = "".join(lines).encode()
    if path.exists() and gzip.decompress(path.read_bytes()) == data:
        return
    path.write_bytes(gzip.compress(data, compresslevel=9, mtime=0))
