"""Facts as sentences: what was read, how a model compares, what a check of verification promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pmlcli.lifecycle.evaluation_words import told_value
from pmlcli.render import number

if TYPE_CHECKING:
    from pmlcli.eventlog.log import EventLog

_ORDER = ("case_id", "activity", "timestamp", "start_timestamp", "resource", "lifecycle", "instance")

_VERDICTS = {
    "better": "better than the simple way",
    "worse": "worse than the simple way",
    "no better": "no better than the simple way, as far as chance lets one say",
    "unclear": "unclear whether better than the simple way",
}
_PHRASES = {
    ("anomaly", "auc"): "a case with a planted deviation scores above one without in {} of pairs",
    ("outcome", "auc"): "a case that ends so is ranked above one that does not in {} of pairs",
    ("next-activity", "accuracy"): "right {}",
    ("remaining-time", "mae"): "off by {} on average",
    ("forecast", "mae"): "off by {} on average",
    ("suffix", "similarity"): "{} alike to what came",
}
"""How each task's own metric is said, with `{}` for the number."""

PROMISES = {
    "structure": "the manifest is well formed, and the files are those that it lists",
    "checksums": "the bytes are those that the manifest vouches for",
    "signature": "the manifest was signed with this key",
    "environment": "the libraries of the training are here",
    "replay": "the model gives the recorded answers on this machine",
    "retrain": "training again on this log gives every artifact byte for byte",
}


def facts_of(log: EventLog) -> dict[str, Any]:
    """A log's source, size and ledger, JSON-plain."""
    return {
        **vars(log.source),
        "cases": log.n_cases,
        "events": log.n_events,
        "ledger": log.ledger.to_dict(),
    }


def reading(log: Mapping[str, Any], columns: Mapping[str, str] | None, timezone: str | None) -> list[str]:
    """What was read of a log: events and cases, rows refused, facts worth knowing, columns, zone."""
    lines = [f"read {log['name']} ({log['format']}): {size(log)}", *ledger(log["ledger"])]
    if columns:
        chosen = [f"{role} = {columns[role]}" for role in _ORDER if role in columns]
        lines.append(f"columns: {', '.join(chosen)}")
    return [*lines, f"time zone: {timezone}"] if timezone else lines


def size(log: Mapping[str, Any]) -> str:
    """`15,214 events of 1,050 cases`."""
    return f"{number.counted(log['events'], 'event')} of {number.counted(log['cases'], 'case')}"


def ledger(account: Mapping[str, Any]) -> list[str]:
    """What became of the rows that are not events, and the reader's notes."""
    lines = []
    for verb, kind in (("left out", "refused"), ("filtered", "filtered")):
        for refused in account.get(kind, ()):  # models saved before there were filters have none
            first = ", ".join(map(str, refused["lines"]))
            where = f" (line {first})" if first else ""
            lines.append(f"{verb} {number.counted(refused['count'], 'row')}: {refused['reason']}{where}")
    lines += [f"note: {note['kind']}: {number.count(note['count'])}" for note in account["notes"]]
    return lines


def is_comparison(metric: Any) -> bool:
    """Whether a metric from a manifest has the form that `comparison` takes."""
    return (
        isinstance(metric, Mapping)
        and all(isinstance(metric.get(key), str) for key in ("metric", "unit", "baseline", "verdict"))
        and all(_is_number(metric.get(key)) for key in ("value", "baseline_value", "difference"))
        and all(
            key in metric and (metric[key] is None or _is_number(metric[key])) for key in ("lower", "upper")
        )
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def comparison(metric: Mapping[str, Any]) -> str:
    """`accuracy 0.785, baseline next-activity/ngram 0.703, difference +0.082 [0.071, 0.094]: better`."""
    name, unit, value = str(metric["metric"]).replace("_", " "), metric["unit"], metric["value"]
    ours = f"{name} {number.with_unit(value, unit)}"
    if metric["verdict"] == "is the baseline":
        return f"{ours} (this is the baseline of its task)"
    theirs = f"baseline {metric['baseline']} {number.with_unit(metric['baseline_value'], unit)}"
    interval = ""
    if metric["lower"] is not None and metric["upper"] is not None:
        # The unit stands after the difference; durations carry their own.
        own = unit if unit == "seconds" else None
        bounds = (number.with_unit(metric[bound], own) for bound in ("lower", "upper"))
        interval = f" [{', '.join(bounds)}]"
    difference = f"difference {number.signed(metric['difference'], unit)}{interval}"
    return f"{ours}, {theirs}, {difference}: {metric['verdict']}"


def verdict(metric: Mapping[str, Any], task: str, simple_way: str) -> str:
    """`better than the simple way: off by 9.04 days on average, 12.5 days by the median`.

    `simple_way` says what the task's baseline does: `by the median`.
    """
    told = beside(metric, task, simple_way)
    if metric["verdict"] == "is the baseline":
        return f"{told} (this is the baseline of its task)"
    return f"{_VERDICTS.get(metric['verdict'], metric['verdict'])}: {told}"


def beside(metric: Mapping[str, Any], task: str, simple_way: str) -> str:
    """`off by 9.04 days on average, 12.5 days by the median`; of a baseline only its own number."""
    phrase = _PHRASES.get((task, str(metric["metric"])), f"{str(metric['metric']).replace('_', ' ')} {{}}")
    ours, theirs = (_as_said(metric[key], metric) for key in ("value", "baseline_value"))
    own = phrase.format(ours)
    return own if metric["verdict"] == "is the baseline" else f"{own}, {theirs} {simple_way}"


def _as_said(value: float, metric: Mapping[str, Any]) -> str:
    unit = metric["unit"]
    if unit == "seconds":
        return number.with_unit(value, unit)
    return told_value(value, "share" if unit == "share" or metric["metric"] == "auc" else unit)


def cuts_of(metric: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """What was measured on each cut, in order of time; none where it has another form."""
    cuts = metric.get("cuts")
    return cuts if isinstance(cuts, list) and all(map(_is_cut, cuts)) else []


def _is_cut(cut: Any) -> bool:
    return (
        isinstance(cut, Mapping)
        and isinstance(cut.get("n_cases"), int)
        and all(_is_number(cut.get(key)) for key in ("value", "baseline_value", "difference"))
        and all(cut.get(key) is None or isinstance(cut[key], str) for key in ("since", "until", "bias"))
    )


def by_cut(metric: Mapping[str, Any]) -> list[str]:
    """How it did in each period: `difference by period: +0.082 (571 cases from 2011-09-05), ...`."""
    if len(cuts_of(metric)) < 2 or metric["verdict"] == "is the baseline":
        return []
    told = [
        f"{number.signed(cut['difference'], metric['unit'])} ({number.counted(cut['n_cases'], 'case')}"
        + (f" from {cut['since'][:10]})" if cut.get("since") else ")")
        for cut in cuts_of(metric)
    ]
    return [f"difference by period: {', '.join(told)}"]


def reasons(metric: Mapping[str, Any]) -> list[str]:
    """What the verdict rests on beside the numbers, a sentence each."""
    because = metric.get("because")
    return [str(one) for one in because] if isinstance(because, list) else []


def cost(metadata: Mapping[str, Any], cuts: int) -> str:
    """`measuring took 61 % of the 48 s of processor time, on 3 cuts of the log (--cuts N)`."""
    took, measuring = metadata["cpu_seconds"], metadata["measuring_cpu_seconds"]
    seconds = f"{took:.0f} s" if took >= 10 else f"{took:.1f} s"
    share, on = round(100 * measuring / max(took, 1e-9)), number.counted(cuts, "cut")
    return f"measuring took {share} % of the {seconds} of processor time, on {on} of the log (--cuts N)"


def measured(metric: Mapping[str, Any]) -> str:
    """What the numbers of a comparison mean: `accuracy: next activity of every prefix ...`."""
    return f"{str(metric['metric']).replace('_', ' ')}: {metric.get('about', '')}"


def promise(check: str, *, is_signed: bool) -> str:
    """What it means that a check of verification holds; checksums alone promise less than a signature."""
    weaker = " (no signature was checked: this detects damage, not tampering)"
    return PROMISES.get(check, "") + (weaker if check == "checksums" and not is_signed else "")
