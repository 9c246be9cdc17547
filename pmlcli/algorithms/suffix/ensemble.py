"""Ensemble: the cheapest of medoid, GRU and both together that is as good as the best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from pmlcli import runtime
from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.parameters import DrawCount, HiddenSize, MaxEpochs
from pmlcli.algorithms._learning.choice import Candidate, Choice, LateCases, cheapest_tied
from pmlcli.algorithms._learning.choosing import ChoosingAlgorithm
from pmlcli.algorithms._learning.validation import CHOOSING_TIME, early_and_late
from pmlcli.algorithms.suffix._continuations import (
    Continuations,
    alike,
    blended,
    case_means,
    medoids,
    suffix_texts,
)
from pmlcli.algorithms.suffix._task import SuffixPredictor
from pmlcli.arrays import Codes
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.encoding.events.sequences import Sequences
from pmlcli.errors import UntrustedArtifactError
from pmlcli.evaluation.measurement import mean_over

LOOKED_AT = 1_200
"""The candidates are tried on about so many prefixes."""
NETWORK, MEDOID = "gru", "medoid"
SHARES = (0.25, 0.5, 0.75)
"""Shares of the medoid that are tried where both are asked."""


@dataclass(kw_only=True)
class EnsembleSuffix(ChoosingAlgorithm[Prefixes], SuffixPredictor[Prefixes]):
    """Tries the medoid, the network, and both with different weights, on the latest training cases, and takes
    the cheapest that the best does not beat beyond chance. It predicts the suffix that is most similar to all
    possible ones. The network is not trained on fewer than 100 cases.
    """

    medoid_share: Annotated[
        float | None,
        Param(
            "Weight of continuations from training cases; the network has the rest; none: what is best for "
            "the latest training cases.",
            ge=0,
            le=1,
        ),
    ] = None
    max_epochs: MaxEpochs = 30
    hidden_size: HiddenSize = 64
    draws: DrawCount = 32

    extra: ClassVar[str | None] = "neural"
    source: ClassVar[str] = (
        "Kumar and Byrne (2004), Minimum Bayes-risk decoding for statistical machine translation"
    )

    medoid_share_: float = field(init=False, repr=False)
    by_case_: bool = field(init=False, repr=False)

    def make_encoding(self) -> PrefixEncoding:
        """What the network reads; the medoid looks at the activities alone."""
        return PrefixEncoding()

    def member_names(self) -> tuple[str, ...]:
        """The network and the medoid."""
        return (NETWORK, MEDOID)

    def choose(self, data: Prefixes) -> Choice:
        """By the similarity of answers and truth of the latest cases that have ended, each counting alike."""
        early, late = early_and_late(data, ~data.is_running, LOOKED_AT)
        if len(early) == 0 or len(late) == 0:
            return cheapest_tied((), (MEDOID, NETWORK), 0)
        shares = shares_to_try(self.medoid_share, both=self.combine == "always")
        is_short = 1.0 in shares and len(self.names_by_cost(data.n_cases)) == 1
        shares = (1.0,) if is_short else shares
        rounds = rounds_of_shares(self.parts, data, (early, late), shares, self.seed)
        return cheapest_tied(rounds, (MEDOID, NETWORK), len(late), is_short=is_short)

    def combine_all(self, data: Prefixes) -> None:
        """Both, with the share that is best for the latest cases."""
        with runtime.use_part_of_time(CHOOSING_TIME):
            self.adopt(self.choose(data))
        self.refit(data, self)

    def adopt(self, choice: Choice) -> None:
        """The members taken, and how they are asked."""
        super().adopt(choice)
        self.medoid_share_, self.by_case_ = choice.taken.setting or Setting(1.0, False)

    def say(self, choice: Choice) -> str:
        """With each candidate's similarity."""
        return choice.sentence("similarity", lambda loss: f"{1 - loss:.3f}")

    def refit(self, data: Prefixes, trial: Self) -> None:
        """Trains what the trial took on everything, guided by the trial's."""
        self.medoid_share_, self.by_case_ = trial.medoid_share_, trial.by_case_
        super().refit(data, trial)

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`; UntrustedArtifactError for shares that the members taken do not have."""
        super().restore(state)
        share, of_one = self.medoid_share_, {NETWORK: 0.0, MEDOID: 1.0}
        is_share = type(share) is float and 0 <= share <= 1 and type(self.by_case_) is bool
        if not is_share or share != of_one.get("".join(self.chosen_), share):
            raise UntrustedArtifactError("the members that were taken have no such share")

    def continuations(self, data: Prefixes, rows: Codes) -> Continuations:
        """Those of the members taken, weighed."""
        parts: list[Continuations] = [one.continuations(data, rows) for one in self.kept_members().values()]
        return parts[0] if len(parts) == 1 else blended(parts, (1 - self.medoid_share_, self.medoid_share_))

    def is_by_case(self) -> bool:
        """As it was better for the latest cases."""
        return self.by_case_


class Setting(NamedTuple):
    """The share of the second member's weight, and whether long cases weigh less; see `medoids`."""

    share: float
    is_by_case: bool


def similarities(
    late: Sequences, parts: Sequence[Continuations], share: float
) -> Iterator[tuple[Setting, NDArray[np.float64]]]:
    """How like the suffixes of these cases the answers for all prefixes are, (cases,), with both ways to
    weigh long cases; `parts`: how the members think they go on, of which one alone may be asked.
    """
    true, so_far = suffix_texts(late), late.position + 1
    possible = parts[0] if len(parts) == 1 else blended(parts, (1 - share, share))
    for is_by_case, lengths in ((False, None), (True, so_far)):
        found = alike(medoids(possible, lengths).texts, true)
        yield Setting(share, is_by_case), case_means(found, late.case_of_event)


def shares_to_try(given: float | None, *, both: bool) -> tuple[float, ...]:
    """The medoid's: the one that is given, else those where both are asked, and each alone but for `both`."""
    if given is not None:
        return (float(given),)
    return SHARES if both else (1.0, 0.0, *SHARES)


def rounds_of_shares(
    members: Mapping[str, Any], data: Prefixes, parts: tuple[Codes, Codes], shares: Sequence[float], seed: int
) -> Iterator[list[Candidate]]:
    """The medoid alone if it is tried so, and after it what asks the network; `shares` are the medoid's.

    `parts`: the cases to learn from, and those to judge on, in order of start.
    """
    early, late = data.take(parts[0]), data.take(parts[1])
    cases, rows = LateCases(late.n_cases, seed), np.arange(late.n_events)
    said: dict[str, Continuations] = {}

    def tried(names: tuple[str, ...], share: float) -> list[Candidate]:
        found = similarities(late, [said[name] for name in names], share)
        ones = np.ones(late.n_cases)
        return [Candidate(names, cases.losses(mean_over(1.0 - means, ones)), how) for how, means in found]

    if any(shares):
        members[MEDOID].fit(early)
        said[MEDOID] = members[MEDOID].continuations(late, rows)
    if 1.0 in shares:
        yield tried((MEDOID,), 1.0)
    if min(shares) < 1:
        members[NETWORK].fit_held_out(data)
        said[NETWORK] = members[NETWORK].continuations(late, rows)
        both = [one for share in shares if 0 < share < 1 for one in tried((NETWORK, MEDOID), share)]
        yield [*(tried((NETWORK,), 0.0) if 0.0 in shares else ()), *both]
