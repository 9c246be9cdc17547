"""What a measuring command found, in the text format that Prometheus reads (version 0.0.4)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from pmlcli.escape import visible
from pmlcli.evaluation import gates
from pmlcli.evaluation.assessment import Assessment, Figure
from pmlcli.evaluation.gates import PARTS, Judged
from pmlcli.render import figure

_HELP = {
    "n": "independent units that {name} was measured on",
    "lower": "lower end of the 95 % interval of {name}",
    "upper": "upper end of the 95 % interval of {name}",
    "baseline": "{name} of the baseline on the same units",
    "training": "{name} as training measured it",
}


class _Sample(NamedTuple):
    metric: str
    about: str
    labels: tuple[tuple[str, str], ...]
    value: float


def text(found: Assessment, judged: Sequence[Judged]) -> str:
    """A gauge a figure and a part of it, one sample a group, then the verdict, the gates and the time.

    A figure that could not be measured is NaN.
    """
    families: dict[str, dict[tuple[tuple[str, str], ...], _Sample]] = {}
    for sample in (*_figures(found), *_facts(found, judged)):
        families.setdefault(sample.metric, {}).setdefault(sample.labels, sample)
    return "".join(_family(metric, list(samples.values())) for metric, samples in families.items())


def _family(metric: str, samples: Sequence[_Sample]) -> str:
    about = visible(samples[0].about.replace("\\", "\\\\"))
    lines = [f"# HELP {metric} {about}", f"# TYPE {metric} gauge", *map(_line, samples)]
    return "".join(f"{line}\n" for line in lines)


def _line(sample: _Sample) -> str:
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels)
    return f"{sample.metric}{f'{{{labels}}}' if labels else ''} {_number(sample.value)}"


def _escaped(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    # What is left of control characters has no escape here; it is shown as text, so with two backslashes.
    return "".join(one if one.isprintable() else visible(one).replace("\\", "\\\\") for one in escaped)


def _number(value: float) -> str:
    if math.isfinite(value):
        return repr(float(value))
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _figures(found: Assessment) -> Iterator[_Sample]:
    for one in found.figures:
        name, labels = _metric(found, one.name), _labels(found, one)
        unit = f" ({one.unit})" if one.unit else ""
        yield _Sample(name, f"{one.name}{unit}", labels, math.nan if one.value is None else one.value)
    for part in PARTS:
        for one in found.figures:
            if (value := getattr(one, part)) is not None:
                about = _HELP[part].format(name=one.name)
                yield _Sample(_metric(found, f"{one.name}_{part}"), about, _labels(found, one), float(value))


def _facts(found: Assessment, judged: Sequence[Judged]) -> Iterator[_Sample]:
    labels = _labels(found)
    verdict = (*labels, ("verdict", found.verdict))
    crossed = sum(one.is_crossed for one in judged)
    yield _Sample(_metric(found, "is_bad"), "1 where a person should look", verdict, float(found.is_bad))
    yield _Sample(_metric(found, "gates_crossed"), "gates that are crossed", labels, crossed)
    if (stamp := _seconds(found.facts.get("measured_at"))) is not None:
        about = "when it was measured, in seconds since 1970"
        yield _Sample(_metric(found, "measured_timestamp_seconds"), about, labels, stamp)


def _seconds(stamp: object) -> float | None:
    try:
        return datetime.fromisoformat(str(stamp)).timestamp()
    except ValueError:
        return None


def _metric(found: Assessment, name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", f"pmlcli_{found.command}_{name}")


def _labels(found: Assessment, one: Figure | None = None) -> tuple[tuple[str, str], ...]:
    facts = figure.fact_texts(found.facts)
    group = {"group": gates.group_text(one.group)} if one is not None and one.group else {}
    kept = {name: facts[name] for name in ("model", "log") if name in facts} | group
    return tuple(kept.items())
