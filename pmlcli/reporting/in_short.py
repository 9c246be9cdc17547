"""The answer first: what this process does, what is odd, what will be late, how sure, what has changed."""

from __future__ import annotations

import numpy as np

from pmlcli.render import number
from pmlcli.reporting import words
from pmlcli.reporting.drawing import drawn
from pmlcli.reporting.fan import total
from pmlcli.reporting.model import shortly
from pmlcli.reporting.noticed import alike, grouped, late, late_sentence, odd, slow, took_at_most
from pmlcli.reporting.parts import Part
from pmlcli.reporting.story import Story


def part(story: Story) -> Part:
    """Five sentences, and the numbers that people look for first."""
    told = (
        ("What it does", _does(story)),
        ("What is odd", _odd(story)),
        ("What comes", " ".join((_late(story), *_ahead(story)))),
        ("How sure that is", _sure(story)),
        ("What has changed", _changed(story)),
    )
    return Part("in-short", "In short", [], drawn("in_short.html", told=told, facts=_facts(story)))


def _facts(story: Story) -> list[tuple[str, str]]:
    log = story.log
    facts = [
        ("cases", f"{log.n_cases:,}"),
        ("events", f"{log.n_events:,}"),
        ("still running", f"{int(story.running.sum()):,}"),
    ]
    if (half := took_at_most(story, 0.5)) is not None:
        facts.append(("median time", words.rough(half)))
    if story.odd_cases is not None:
        facts.append(("odd cases", number.share(float(story.odd_cases.mean()))))
    if story.of("remaining-time") is not None:
        facts.append(("will be late", f"{len(late(story)):,}"))
    return facts


def _does(story: Story) -> str:
    log, found = story.log, story.profile
    first, last = (_commonest(story, log.activity_codes[at]) for at in (log.offsets[:-1], _last(story)))
    when = ""
    if log.times is not None:
        begin, end = (words.day(int(at), story.zone) for at in (log.starts.min(), log.times.max()))
        when = f"From {begin} to {end} "
    kinds = number.counted(found.distinct_activities, "activity", "activities")
    told = f"{number.counted(log.n_cases, 'case')} went through {kinds}"
    ways = f"mostly from {first} to {last}, in {number.counted(found.variants, 'way')}"
    half, nine = took_at_most(story, 0.5), slow(story)
    if half is None or nine is None:
        return f"{when}{told}, {ways}."
    those = "those that ended" if story.running.any() else "them"
    took = f"half of {those} took at most {words.took(half)}, and one in ten more than {words.took(nine)}"
    return f"{when}{told}, {ways}; {took}."


def _last(story: Story) -> np.ndarray:
    ended = ~story.running
    lasts = story.log.offsets[1:] - 1
    return np.asarray(lasts[ended] if ended.any() else lasts)


def _commonest(story: Story, codes: np.ndarray) -> str:
    kinds, counts = np.unique(codes, return_counts=True)
    return words.cut(story.activity(int(kinds[counts.argmax()])))


def _odd(story: Story) -> str:
    if story.odd_cases is None:
        rare = story.profile.variants
        return (
            f"No detector was given; {number.counted(rare, 'different way')} through the process "
            f"for {number.counted(story.log.n_cases, 'case')} say how regular it is."
        )
    n = int(story.odd_cases.sum())
    if not n:
        return f"None of the {story.log.n_cases:,} cases is odd."
    groups = sorted(grouped(odd(story)), key=lambda one: -len(one))
    share = number.share(n / story.log.n_cases)
    verb = "is" if n == 1 else "are"
    reason = alike(groups[0]) if groups else ""
    most = len(groups[0]) if groups else 0
    often = f"{f'most often ({most:,})' if most > 1 else 'the oddest'}: {words.cut(reason, 200)}"
    return f"{number.counted(n, 'case')} ({share}) {verb} odd; {often}."


def _late(story: Story) -> str:
    running = int(story.running.sum())
    stalled = int(story.standing.is_stalled.sum())
    been = "has been" if stalled == 1 else "have been"
    silent = f"; {stalled:,} of the running cases {been} silent for unusually long" if stalled else ""
    model = story.of("remaining-time")
    if model is None:
        without = "without a model of remaining time nothing says which will be late"
        return f"{number.counted(running, 'case')} had not ended{silent}; {without}."
    found = late(story)
    n = len(model.cases)
    if not n:
        return "No case is running, so none can be late."
    counted = "" if n == running else f" (the whole log shows {running:,} running)"
    asked = f"{number.counted(n, 'case')} that the model takes to be running{counted}"
    return f"{len(found):,} of the {asked} will probably {late_sentence(story)}{silent}."


def _ahead(story: Story) -> list[str]:
    asked = story.of("forecast")
    if asked is None:
        return []
    names = list(dict.fromkeys(asked.cases["kpi"]))[:2]
    return [f"Forecast of {words.cut(name)}: {told}." for name in names if (told := total(asked, name))]


def _sure(story: Story) -> str:
    if not story.models:
        return "No model was given, so nothing here is a prediction."
    return " ".join(f"{one.task.replace('-', ' ').capitalize()}: {shortly(one)}." for one in story.models)


def _changed(story: Story) -> str:
    if story.other is not None:
        return f"{story.other.sentence}."
    known = [one for one in story.models if one.drift]
    if known:
        return f"Since training: {words.plain('; '.join(known[0].drift[:3]))}."
    if any(one.task != "forecast" for one in story.models):
        return "Since training nothing has changed beyond chance, in activities and paths."
    return "No earlier log was given to compare with."
