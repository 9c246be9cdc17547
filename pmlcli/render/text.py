"""Each command's answer as blocks of text, from the very document that --json prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pmlcli.lifecycle.time_limit import cut_short_words
from pmlcli.lifecycle.training_log import REPLACED, SAMPLE, WENT_WITHOUT
from pmlcli.render import number, sentence
from pmlcli.render.block import Block, Heading, Line, Pairs, Table
from pmlcli.render.curves import curves, standing_out

_TONES = {"pass": "good", "fail": "bad"}
_SIGNATURES = {"not checked": "there, not checked: verify --public-key"}
_MOST_ROWS, _LONGEST_CELL, _LONGEST_LINE = 300, 300, 1500


def saved_path(document: Mapping[str, Any]) -> list[Block]:
    """The path of what was written, alone, for scripts."""
    return [Line(str(document["path"]))]


def algorithms(document: Mapping[str, Any], width: int = 80) -> list[Block]:
    """All algorithms by task, a line of at most `width` each: its name, what it does, what it needs."""
    blocks: list[Block] = []
    cards = document["algorithms"]
    for task in dict.fromkeys(card["task"] for card in cards):
        ours = [card for card in cards if card["task"] == task]
        longest = max(len(_short(card)) for card in ours)
        blocks += [
            Heading(f"{task}  (-a {task}/NAME)"),
            *(Line(_one_line(card, longest, width)) for card in ours),
        ]
    return [
        *blocks,
        Heading("default: taken where -t names the task alone. baseline: the simple way."),
        Line("Others name their extra: pip install 'pmlcli[EXTRA]'."),
        Line("`pmlcli algorithms TASK/NAME` shows how one works, and its parameters."),
    ]


def _short(card: Mapping[str, Any]) -> str:
    return str(card["name"]).partition("/")[2]


def _one_line(card: Mapping[str, Any], longest: int, width: int) -> str:
    """`  isolation-forest  Cases that ...  neural`; the sentence is cut where it is too long."""
    mark = _mark(card)
    start = f"  {_short(card):<{longest}}  "
    room = max(width - len(start) - (len(mark) + 2 if mark else 0), 20)
    said = str(card["summary"])
    cut = said if len(said) <= room else f"{said[: room - 1].rstrip()}…"
    return f"{start}{cut:<{room}}  {mark}".rstrip()


def _mark(card: Mapping[str, Any]) -> str:
    if card["recommended"] == card["name"]:
        return "default"
    return "baseline" if card["is_baseline"] else str(card["extra"] or "")


def algorithm(document: Mapping[str, Any]) -> list[Block]:
    """An algorithm's card: how it decides, what it needs, its parameters."""
    facts = [
        ("task", document["task"]),
        ("encoding", document["encoding"]),
        ("baseline", "itself" if document["is_baseline"] else document["baseline"]),
        ("needs", f"pip install 'pmlcli[{document['extra']}]'" if document["extra"] else "nothing more"),
        ("source", document["source"]),
    ]
    rows = [
        (f"  {p['name']}", _default(p["default"]), _accepts(p), p["help"]) for p in document["parameters"]
    ]
    return [
        Heading(document["name"]),
        *(Line(line) for line in str(document["description"]).splitlines()),
        Pairs(facts),
        Heading("Parameters (-p NAME=VALUE)"),
        Table(("  name", "default", "accepts", "meaning"), rows),
    ]


def _default(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _accepts(parameter: Mapping[str, Any]) -> str:
    words = f"{parameter['type']} {parameter['range']}".strip()
    return f"{words} ({parameter['unit']})" if parameter["unit"] else words


def model(document: Mapping[str, Any]) -> list[Block]:
    """A model's card: what it is, what made it, how good it is, what it asks of a log, its files.

    The manifest's inner values come from a file that anyone may have written: nothing is taken for granted.
    """
    facts = [
        ("model", str(document["model_id"])),
        ("algorithm", f"{document['model_type']}: {document['summary']}"),
        ("version", str(document["version"])),
        ("trained", str(document["trained_at"])),
        ("on", _training_log(document["training_log"])),
        ("samples", number.count(document["training_samples"])),
        ("seed", str(document["seed"])),
        ("signature", _SIGNATURES.get(document["signature"], document["signature"])),
        ("root digest", document["root_digest"]),
        *_went_without(document["training_log"]),
        *_replaced(document["training_log"]),
        *_cut_short(document["training_log"]),
    ]
    return [
        Heading(str(document["path"])),
        *(
            Line(_cut(f"damaged: {_finding(finding)}"), "bad")
            for finding in document["findings"][:_MOST_ROWS]
        ),
        Pairs(_few(facts)),
        *_section(
            "Measured on the later part of its log, before training on all of it",
            _measured(document["performance_metrics"]),
        ),
        *_section("Chosen in training", _choices(document["calibration"])),
        *_section("Columns that were not learned from", _left_out(document["training_log"])),
        *curves(document["calibration"]),
        *standing_out(document["calibration"]),
        *_section(
            "Parameters", [Table(_PARAMETER_HEADERS, _few([_parameter(p) for p in document["parameters"]]))]
        ),
        *_input(document["input_schema"]),
        Heading("Made with"),
        Pairs(_few([(str(name), str(version)) for name, version in document["dependencies"].items()])),
        Heading("Files"),
        _files(document["artifacts"]),
        Line(
            "  Hashes were compared; `pmlcli verify` also opens the files and asks the model again.", "weak"
        ),
    ]


_PARAMETER_HEADERS = ("  name", "value", "default", "meaning")


def _parameter(parameter: Mapping[str, Any]) -> tuple[str, str, str, str]:
    values = (_default(parameter["value"]), _default(parameter["default"]))
    return (f"  {parameter['name']}", *values, str(parameter["help"]))


def _few(rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """The first rows, long cells cut: a manifest may hold a million letters and still be well formed."""
    kept: list[Sequence[str]] = [[_cut(cell) for cell in row] for row in rows[:_MOST_ROWS]]
    if len(rows) > _MOST_ROWS:
        more = f"  and {number.count(len(rows) - _MOST_ROWS)} more"
        kept.append([more, *[""] * (len(rows[0]) - 1)])
    return kept


def _cut(cell: str, longest: int = _LONGEST_CELL) -> str:
    return cell if len(cell) <= longest else f"{cell[:longest]}..."


def _finding(finding: Mapping[str, Any]) -> str:
    return f"{finding['what']}: expected {finding['expected']}, found {finding['found']}"


def _choices(calibration: Any) -> list[Block]:
    """What was chosen, in the sentences that training said."""
    found = calibration.get("choices") if isinstance(calibration, Mapping) else None
    lines = found if isinstance(found, list) else []
    return [Line(f"  {_cut(str(line), _LONGEST_LINE)}") for line in lines[:_MOST_ROWS]]


def _left_out(training_log: Mapping[str, Any]) -> list[Block]:
    """Columns of hindsight, each with the reason for leaving it out."""
    found = training_log.get("hindsight")
    columns = found.get("left_out") if isinstance(found, Mapping) else None
    rows = (
        [(f"  {column}", str(reason)) for column, reason in columns.items()]
        if isinstance(columns, dict)
        else []
    )
    return [Pairs(_few(rows))] if rows else []


def _section(title: str, blocks: Sequence[Block]) -> list[Block]:
    return [Heading(title), *blocks] if blocks else []


def _measured(metrics: Mapping[str, Any]) -> list[Block]:
    blocks: list[Block] = []
    for name, metric in list(metrics.items())[:_MOST_ROWS]:
        if not sentence.is_comparison(metric):
            blocks.append(_measured_line(f"{name}: {metric}"))
            continue
        reasons = sentence.reasons(metric)[:_MOST_ROWS]
        blocks += map(_measured_line, (sentence.comparison(metric), *reasons, sentence.measured(metric)))
        blocks += _by_cut(metric)
    return blocks


def _measured_line(text: str) -> Line:
    return Line(_cut(f"  {text}", _LONGEST_LINE))


_CUT_HEADERS = ("  from", "until", "cases", "value", "baseline", "difference", "")


def _by_cut(metric: Mapping[str, Any]) -> list[Block]:
    """A row a cut: when, on how many cases, how good, and why it does not count where it does not."""
    rows = [
        (
            f"  {(cut.get('since') or '')[:10]}",
            (cut.get("until") or "")[:10],
            number.count(cut["n_cases"]),
            *(number.number(cut[key]) for key in ("value", "baseline_value")),
            number.signed(cut["difference"]),
            cut.get("bias") or "",
        )
        for cut in sentence.cuts_of(metric)[:_MOST_ROWS]
    ]
    return [Table(_CUT_HEADERS, _few(rows), frozenset({2, 3, 4, 5}))] if rows else []


def _training_log(log: Mapping[str, Any]) -> str:
    told = str(log.get("name"))
    if isinstance(log.get("events"), int) and isinstance(log.get("cases"), int):
        told = f"{told}: {sentence.size(log)}"
    first, last = (str(log.get(end, ""))[:10] for end in ("from", "until"))
    told = f"{told}, {first} to {last}" if first and last else told
    match log.get(SAMPLE):
        case {"cases": int() as cases, "of_cases": int() as whole}:
            return f"{told}; learned from a sample of {number.count(cases)} of {number.count(whole)} cases"
    return told


def _replaced(log: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Which model it took the place of, and why."""
    match log.get(REPLACED):
        case {"root_digest": str() as digest, "because": str() as because}:
            return [("replaced", digest), ("because", because)]
    return []


def _went_without(log: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the default of the task went without, and the extras that would bring it."""
    match log.get(WENT_WITHOUT):
        case {"algorithms": [*names], "extras": [*extras]}:
            return [("went without", f"{', '.join(map(str, names))} (extra {', '.join(map(str, extras))})")]
    return []


def _cut_short(log: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a time limit left out."""
    words = cut_short_words(log)
    return [] if words is None else [("time", words)]


def _input(schema: Mapping[str, Any]) -> list[Block]:
    columns, required = schema.get("columns"), schema.get("required")
    sources = columns if isinstance(columns, Mapping) else {}
    needed = [
        (str(name), f"{kind}, from column '{sources[name]}'" if name in sources else str(kind))
        for name, kind in (required.items() if isinstance(required, Mapping) else ())
    ]
    zone = ("time zone", str(schema.get("timezone", "unknown")))
    return [Heading("Needs of a log"), Pairs(_few([*needed, zone]))]


def _files(artifacts: Sequence[Mapping[str, Any]]) -> Table:
    rows = [(f"  {a['filename']}", number.size(a["size_bytes"]), a["checksum"]) for a in artifacts]
    return Table(("  file", "size", "SHA-256"), rows, frozenset({1}))


def verification(document: Mapping[str, Any]) -> list[Block]:
    """Each check with its verdict: what it promises where it holds, else what was found."""
    blocks: list[Block] = []
    for report in document["models"]:
        blocks.append(Heading(str(report["path"])))
        for check in report["checks"]:
            tone, head = _TONES.get(check["verdict"], "weak"), f"  {check['check']:<12} {check['verdict']:<8}"
            said = [check["promise"], *_signer(check)] if check["verdict"] == "pass" else _found(check)
            blocks.append(Line(f"{head} {said[0] if said else ''}".rstrip(), tone))
            blocks.extend(Line(f"{'':{len(head)}} {more}", tone) for more in said[1:])
        blocks.append(Line(f"  {_verdict(report)}", "good" if report["ok"] else "bad"))
    return blocks


def _signer(check: Mapping[str, Any]) -> list[str]:
    """Which of the given keys signed."""
    return [f"key id {one['found']}" for one in check["details"]] if check["check"] == "signature" else []


def _found(check: Mapping[str, Any]) -> list[str]:
    """The findings of a check, no more than anyone reads: a manifest can cause tens of thousands."""
    is_skipped, details = check["verdict"] == "skipped", check["details"]
    told = [_cut(str(one["found"]) if is_skipped else _finding(one)) for one in details[:_MOST_ROWS]]
    more = len(details) - _MOST_ROWS
    return told if more <= 0 else [*told, f"and {number.count(more)} more"]


def _verdict(report: Mapping[str, Any]) -> str:
    if not report["ok"]:
        return "verification failed"
    digest = report.get("root_digest")
    return f"verified up to: {report['reached']}" + (f"; root digest {digest}" if digest else "")
