"""The cheapest of several candidates that cannot be told from the best, on cases that none learned from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from pmlcli import runtime

FEW = 100
"""With fewer cases only the baseline and one member that costs as little are tried: they tell too little."""
RESAMPLES = 400
TAIL = 0.1
"""A difference is beyond chance where no more than this share of the resampled ones is on its other side."""
LEAST_GAIN = 0.01
"""A gain of less than this share of the loss is worth no dearer candidate, however certain it is."""
LIKELY, MUCH = 0.3, 0.1
"""Few cases prove little. There a difference counts, too, that no more than this share of the resampled ones
gainsays, where that of the luckiest would be more than `MUCH` of the loss."""
HOPE = 0.02
"""No dearer member is trained where the last one, with luck, would not gain this share of the loss."""
CLOSE = 1.1
"""Members that lose no more than so many times what the best of them does are worth a mean."""
MOST_PERIODS, PERIOD = 4, 25
"""Late cases are looked at in so many periods at most, of so many cases at least."""
COSTS: Mapping[str, int] = {"plain": 0, "sklearn": 1, "xgboost": 1, "safetensors": 2}
"""How dear an algorithm is, by how its state is kept: networks cost most."""

Floats: TypeAlias = NDArray[np.float64]
LossOf: TypeAlias = Callable[[NDArray[np.int64]], float]
"""The loss over some of the late cases (positions, with repetition); 0 is perfect, NaN cannot be told."""
Answer = TypeVar("Answer")
"""What a member says of the late cases of one cut."""


class Losses(NamedTuple):
    """What is lost on the late cases: over all, over resampled ones, (resamples,), and by period."""

    all: float
    drawn: Floats
    by_period: Floats


class Proof(NamedTuple):
    """What a dearer candidate has to show: no more than this share of the resampled differences may gainsay
    it, or where few cases leave room for much, the share `likely`.
    """

    chance: float = TAIL
    likely: float = LIKELY


USUAL, STRICT = Proof(), Proof(0.05, 0.0)


class Candidate(NamedTuple):
    """The mean of some members, or one alone, and what it loses.

    `setting` is what the algorithm that chooses has to know of this candidate, if anything.
    """

    members: tuple[str, ...]
    losses: Losses
    setting: tuple[float, bool] | None = None

    @property
    def name(self) -> str:
        """As it is called in sentences."""
        return self.members[0] if len(self.members) == 1 else f"the mean of {listed(self.members)}"

    @property
    def loss(self) -> float:
        """Over all late cases."""
        return self.losses.all


class LateCases:
    """Cases that no candidate learned from, in order of start, and the same resamples of them for all."""

    def __init__(self, n_cases: int, seed: int) -> None:
        rng = np.random.Generator(np.random.PCG64(seed))
        self.n_cases = n_cases
        self._draws = rng.integers(0, n_cases, size=(RESAMPLES, n_cases))
        self._periods = np.array_split(np.arange(n_cases), min(max(n_cases // PERIOD, 1), MOST_PERIODS))

    def losses(self, loss_of: LossOf) -> Losses:
        """By this measure of one candidate."""
        drawn = np.array([loss_of(units) for units in self._draws])
        by_period = np.array([loss_of(units) for units in self._periods])
        return Losses(loss_of(np.arange(self.n_cases)), drawn, by_period)


@dataclass(frozen=True)
class Choice:
    """What was taken of what was tried, cheapest first, and the members that were not trained.

    Nothing is tried where there are no late cases; `is_short`: the log had too few cases to try all.
    """

    taken: Candidate
    tried: tuple[Candidate, ...]
    untried: tuple[str, ...]
    n_cases: int
    is_short: bool
    is_proven: bool = True
    """Whether what was taken is better than all that is cheaper beyond chance, or only likely."""
    is_late: bool = False
    """Whether the time was over before all were tried."""

    def sentence(self, metric: str, shown: Callable[[float], str]) -> str:
        """What was taken and why, with the figures; `shown` writes a loss as the metric."""
        figures = ", ".join(f"{one.name} {shown(one.loss)}" for one in self.tried)
        told = f" ({metric} on {self.n_cases:,} held-out training cases: {figures})" if figures else ""
        return f"`{self.taken.name}` taken: {'; '.join(self._reasons())}{told}"

    def _reasons(self) -> list[str]:
        if not self.tried:
            return ["too few late cases to choose by"]
        names = [one.name for one in self.tried]
        place = names.index(self.taken.name)
        dearer, best = len(names) - place - 1, min(self.tried, key=_loss)
        how = "beyond chance" if self.is_proven else "likely by much"
        reasons = [f"better than what is cheaper, {how}"] if place and best is self.taken else []
        if place and best is not self.taken:
            reasons = [f"what is cheaper is not as good as {best.name}"]
        if dearer:
            which = "the dearer candidate is" if dearer == 1 else f"the {dearer} dearer candidates are"
            reasons.append(f"{which} not better beyond chance")
        if self.untried:
            why = f"the log has fewer than {FEW} cases" if self.is_short else "no gain is in sight"
            why = "the time was over" if self.is_late else why
            reasons.append(f"{listed(self.untried)} not trained, as {why}")
        return reasons or ["there is nothing else to take"]


def by_cost(containers: Mapping[str, str]) -> tuple[str, ...]:
    """The names of algorithms, given how each is kept, cheapest first; equally dear ones stay in order."""
    return tuple(sorted(containers, key=lambda name: COSTS.get(containers[name], len(COSTS))))


def rounds_of_means(
    names: Iterable[str],
    answer: Callable[[str], list[Answer]],
    mean: Callable[[Sequence[Answer]], Answer],
    losses: Callable[[list[Answer]], Losses],
    *,
    close: float = CLOSE,
) -> Iterator[list[Candidate]]:
    """A round a member, and with it the mean of those so far whose losses are close; the first is the
    baseline, which no mean has. `answer` trains a member and gives what it says of the late cases,
    an answer a cut; `mean` is that of several members' answers to one cut.
    """
    said: dict[str, list[Answer]] = {}
    lost: dict[str, float] = {}
    for number, name in enumerate(names):
        found = answer(name)
        alone = Candidate((name,), losses(found))
        new = [alone]
        if number:
            said[name], lost[name] = found, alone.loss
            near = tuple(one for one, loss in lost.items() if loss <= close * min(lost.values()))
            if name in near and len(near) > 1:
                cuts = zip(*(said[one] for one in near), strict=True)
                new.append(Candidate(near, losses([mean(of_cut) for of_cut in cuts])))
        yield new


def cheapest_tied(
    rounds: Iterable[Sequence[Candidate]],
    members: Sequence[str],
    n_cases: int,
    *,
    is_short: bool = False,
    against_baseline: Proof = USUAL,
) -> Choice:
    """Takes the candidates round by round, each dearer than the last, and stops where nothing is to be won.

    The cheapest is taken that the best of all does not beat by `LEAST_GAIN` and in most periods, be it beyond
    chance, or likely and perhaps by `MUCH`; `against_baseline` is what the first of all asks for. Of
    candidates that ask the same members only the best counts. The next round is not asked for, so its member
    not trained, where the last one showed no hope, or the time is over.
    """
    tried: list[Candidate] = []
    limit, is_late = runtime.deadline(), False
    for new in rounds:
        best_of = [min(group, key=_loss) for group in _by_members(new)]
        before, tried = tried, [*tried, *best_of]
        if before and not _may_gain(min(best_of, key=_loss), over=_cheapest(before, against_baseline)):
            break
        if is_late := limit.is_over:
            break
    asked = {name for one in tried for name in one.members}
    untried = tuple(name for name in members if name not in asked)
    if is_late and untried:
        limit.stop(f"{listed(untried)} not trained")
    taken = Candidate((members[0],), Losses(0.0, np.empty(0), np.empty(0)))
    if tried:
        taken = _cheapest(tried, against_baseline)
    is_proven = _is_proven(taken, tried)
    return Choice(taken, tuple(tried), untried, n_cases, is_short, is_proven, is_late)


def _by_members(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    groups: dict[tuple[str, ...], list[Candidate]] = {}
    for one in candidates:
        groups.setdefault(one.members, []).append(one)
    return list(groups.values())


def _cheapest(tried: Sequence[Candidate], against_baseline: Proof) -> Candidate:
    best = min(tried, key=_loss)
    asked = (against_baseline if one is tried[0] else USUAL for one in tried)
    return next(
        one
        for one, proof in zip(tried, asked, strict=True)
        if one is best or not _is_better(best, one, proof)
    )


def _is_proven(taken: Candidate, tried: Sequence[Candidate]) -> bool:
    cheaper = tried[: [one is taken for one in tried].index(True)] if tried else ()
    return all(_is_better(taken, one, Proof(likely=0.0)) for one in cheaper)


def _loss(one: Candidate) -> float:
    """Rounded, so that of equals the cheaper counts; what cannot be told is worst."""
    return round(one.loss, 12) if np.isfinite(one.loss) else np.inf


def _is_better(one: Candidate, than: Candidate, proof: Proof) -> bool:
    """Whether the gain is large enough, steady, and beyond chance, or likely and perhaps much."""
    gains = _known(than.losses.drawn - one.losses.drawn)
    by_period = _known(than.losses.by_period - one.losses.by_period)
    is_steady = (by_period > 0).sum() * 2 > len(by_period)
    if len(gains) == 0 or than.loss - one.loss < LEAST_GAIN * than.loss or not is_steady:
        return False
    perhaps_much = np.quantile(gains, 1 - TAIL) > MUCH * one.loss
    gainsaying = max(proof.chance, proof.likely) if perhaps_much else proof.chance
    return bool(np.quantile(gains, gainsaying) > 0)


def _may_gain(one: Candidate, over: Candidate) -> bool:
    """Whether with luck there is a gain that is worth something."""
    gains = _known(over.losses.drawn - one.losses.drawn)
    return len(gains) > 0 and bool(np.quantile(gains, 1 - TAIL) > HOPE * over.loss)


def _known(values: Floats) -> Floats:
    return values[np.isfinite(values)]


def listed(names: Sequence[str]) -> str:
    """As one reads them out."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
