"""Of cases that had come the same way, a network and both the cheapest that is good enough."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Self

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._interface.parameters import DrawCount, HiddenSize, MaxEpochs
from pmlcli.algorithms._learning.choice import Choice, cheapest_tied
from pmlcli.algorithms._learning.choosing import ChoosingAlgorithm
from pmlcli.algorithms._learning.validation import early_and_late
from pmlcli.algorithms.suffix._choice import MEDOID, NETWORK, Setting, rounds_of_shares, shares_to_try
from pmlcli.algorithms.suffix._continuations import Continuations, blended
from pmlcli.algorithms.suffix._task import SuffixPredictor
from pmlcli.arrays import Codes
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.errors import UntrustedArtifactError

LOOKED_AT = 1_200
"""The candidates are tried on about so many prefixes."""


@dataclass(kw_only=True)
class EnsembleSuffix(ChoosingAlgorithm[Prefixes], SuffixPredictor[Prefixes]):
    """Tries the medoid, the network, and both with their shares of the weight, on the latest training cases,
    and takes the cheapest that the best does not beat beyond chance. Answered is the suffix that is most like
    all that are possible. The network is not trained on fewer than 100 cases.
    """

    medoid_share: Annotated[
        float | None,
        Param(
            "Weight of the continuations seen in training, the network has the rest; none: what is best for "
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
