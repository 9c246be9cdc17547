"""A log's profile and data-quality findings as blocks of text.

Every name here comes from a log that anyone may have written: it may be a megabyte long, and there may be
a million of it. Names are cut and lists end after some rows; --json has them whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pmlcli.render import number, sentence
from pmlcli.render.block import Block, Heading, Line, Pairs, Table
from pmlcli.render.sparkline import sparkline

MOST_ROWS = 30
MOST_HAND_OVERS = 10
LONGEST_NAME = 60
LONGEST_VARIANT = 400
_TONES = {"serious": "bad", "note": "weak"}


def log(document: Mapping[str, Any], encoding: str | None = "utf-8") -> list[Block]:
    """The profile of a log; `encoding` is the output's, which may lack the signs of a sparkline."""
    found = document["profile"]
    return [
        Heading(_cut(document["log"]["name"])),
        Pairs([(name, _cut(value, LONGEST_VARIANT)) for name, value in _facts(found, encoding)]),
        *_findings(found),
        *_activities(found),
        *_variants(found),
        *_hand_overs(found),
        *_work(found),
        *_columns(found),
        *_rows(found),
    ]


def _cut(text: object, most: int = LONGEST_NAME) -> str:
    text = str(text)
    return text if len(text) <= most else f"{text[:most]}..."


def _more(shown: int, all_of_them: int) -> list[Block]:
    rest = all_of_them - shown
    return [Line(f"  and {number.count(rest)} more", "weak")] if rest > 0 else []


def _facts(found: Mapping[str, Any], encoding: str | None) -> list[tuple[str, str]]:
    running = f"{number.count(found['running_cases'])} of them still running"
    if round(found["expected_running"]) != found["running_cases"]:
        running += f" (about {number.count(round(found['expected_running']))} are expected to go on)"
    if found["stalled_cases"]:
        running += f", {number.count(found['stalled_cases'])} of these stalled (silent for unusually long)"
    longest = number.count(found["events_per_case_max"])
    facts = [
        ("cases", f"{number.count(found['cases'])}, {running}"),
        ("events", number.count(found["events"])),
        ("events per case", f"{number.number(found['events_per_case_median'])} (median), {longest} at most"),
    ]
    if found["first_event"] is not None:
        facts += _times(found, encoding)
    if found["resources"] is not None:
        busiest = ", ".join(_cut(r["name"]) for r in found["top_resources"][:3])
        without = found["events_without_resource"]
        lacking = f"; {number.share(without / found['events'])} of the events have none" if without else ""
        count = number.count(found["resources"])
        facts.append(("resources", f"{count}; most events: {busiest or 'none'}{lacking}"))
    return facts


def _times(found: Mapping[str, Any], encoding: str | None) -> list[tuple[str, str]]:
    median, p90 = found["throughput_median_seconds"], found["throughput_p90_seconds"]
    facts = [
        ("from", found["first_event"]),
        ("to", f"{found['last_event']} ({found['timezone']})"),
        ("throughput time", f"{number.duration(median)} (median), {number.duration(p90)} (90 % are faster)"),
        ("arrivals", f"{number.number(found['arrivals_per_day'])} cases a day"),
    ]
    arrivals = found["arrivals"]
    if len(arrivals["counts"]) > 1:
        bars = sparkline(arrivals["counts"], encoding)
        days = number.counted(arrivals["days_per_bucket"], "day")
        highest = number.counted(max(arrivals["counts"]), "case")
        facts += [("", bars), ("", f"each bar {days} from {arrivals['first_day']} on, the highest {highest}")]
    return facts


def _findings(found: Mapping[str, Any]) -> list[Block]:
    findings = found["findings"]
    blocks: list[Block] = [Heading(f"Data quality ({number.counted(len(findings), 'finding')})")]
    for finding in findings:
        said = f"  {finding['severity']:<8} {finding['message']} [{finding['code']}]"
        blocks.append(Line(_cut(said, LONGEST_VARIANT), _TONES.get(finding["severity"], "")))
        blocks += [Line(f"           {_example(e, found['line_unit'])}", "weak") for e in finding["examples"]]
        blocks.append(Line(f"           fix: {finding['fix']}"))
    return blocks


def _example(example: Mapping[str, Any], unit: str) -> str:
    line = example["line"]
    case = "" if example["case_id"] is None else f"case {_cut(example['case_id'])}: "
    return (f"{unit} {line}, " if line is not None else "") + case + _cut(example["text"], 2 * LONGEST_NAME)


def _activities(found: Mapping[str, Any]) -> list[Block]:
    shown = found["activities"][:MOST_ROWS]
    rows = [(f"  {_cut(a['name'])}", number.count(a["count"]), number.share(a["share"])) for a in shown]
    return [
        Heading(f"Activities ({number.count(found['distinct_activities'])})"),
        Table(("  activity", "events", "share"), rows, frozenset({1, 2})),
        *_more(len(shown), found["distinct_activities"]),
    ]


def _variants(found: Mapping[str, Any]) -> list[Block]:
    rows = [
        (f"  {number.share(v['share'])}", number.count(v["count"]), _cut(v["name"], LONGEST_VARIANT))
        for v in found["top_variants"]
    ]
    return [
        Heading(f"Variants ({number.count(found['variants'])}, the most frequent first)"),
        Table(("  share", "cases", "activities"), rows, frozenset({0, 1})),
    ]


def _hand_overs(found: Mapping[str, Any]) -> list[Block]:
    shown = [one for one in found["hand_overs"] if one["median_seconds"] is not None][:MOST_HAND_OVERS]
    rows = [
        (
            number.count(one["count"]),
            number.duration(one["median_seconds"]),
            number.duration(one["p90_seconds"]),
            f"{_cut(one['source'])} > {_cut(one['target'])}",
        )
        for one in shown
    ]
    if not rows:
        return []
    headers = ("  times", "median wait", "90 % are shorter", "hand-over")
    title = "Hand-overs that take most time (times x median wait)"
    return [Heading(title), Table(headers, [(f"  {a}", *rest) for a, *rest in rows], frozenset({0, 1, 2}))]


def _work(found: Mapping[str, Any]) -> list[Block]:
    rows = [
        (
            f"  {number.count(one['count'])}",
            number.duration(one["median_seconds"]),
            number.duration(one["p90_seconds"]),
            _cut(one["activity"]),
        )
        for one in found["work"][:MOST_HAND_OVERS]
    ]
    headers = ("  times", "median work", "90 % are shorter", "activity")
    title = "Activities that take most work (times x median, from start to end)"
    return [Heading(title), Table(headers, rows, frozenset({0, 1, 2}))] if rows else []


def _columns(found: Mapping[str, Any]) -> list[Block]:
    roles = [(role, _cut(source)) for role, source in found["columns"].items()]
    attributes: Sequence[Mapping[str, Any]] = found["attributes"]
    shown = attributes[:MOST_ROWS]
    rows = [
        (
            f"  {_cut(a['name'])}",
            a["type"],
            number.count(a["distinct"]),
            number.share(a["missing_share"]),
            a["of"],
        )
        for a in shown
    ]
    blocks: list[Block] = [Heading("Columns"), Pairs(roles)]
    if rows:
        headers = ("  attribute", "type", "values", "missing", "of")
        blocks += [Heading("Attributes"), Table(headers, rows, frozenset({2, 3}))]
    return [*blocks, *_more(len(shown), len(attributes))]


def _rows(found: Mapping[str, Any]) -> list[Block]:
    account = found["ledger"]
    rows = [("read", number.count(account["rows_read"])), ("used", number.count(account["events_used"]))]
    return [
        Heading("Rows"),
        Pairs(rows),
        *(Line(f"  {_cut(line, LONGEST_VARIANT)}") for line in sentence.ledger(account)),
    ]
