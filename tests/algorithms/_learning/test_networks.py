"""What all networks share, held against torch's own way of saying it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from pmlcli.algorithms._learning.learner import AVERAGE_DECAY, FEWEST_EPOCHS, Trained, _Average
from pmlcli.algorithms._learning.sizes import Sizes
from pmlcli.algorithms.next_activity import _network
from pmlcli.algorithms.next_activity.gru import Gru
from pmlcli.algorithms.remaining_time.survival import NO_TARGET, Survival
from tests.logs import purchase_log


def test_the_moving_average_of_weights_is_that_of_torch() -> None:
    def average(old: Tensor, new: Tensor, steps: Tensor | int) -> Tensor:
        return old.lerp(new, 1 - min(AVERAGE_DECAY, (1 + int(steps)) / (10 + int(steps))))

    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    ours, theirs = _Average(network), AveragedModel(network, avg_fn=average)
    for _step in range(30):
        with torch.no_grad():
            for weight in network.parameters():
                weight += torch.randn_like(weight)
        ours.update()
        theirs.update_parameters(network)
    pairs = zip(ours.network.parameters(), theirs.module.parameters(), strict=True)
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in pairs)
    moved = zip(ours.network.parameters(), network.parameters(), strict=True)
    assert not any(torch.allclose(one, other) for one, other in moved)


def test_survival_loses_the_cross_entropy_of_each_hazard_that_was_faced() -> None:
    torch.manual_seed(2)
    algorithm = Survival(spans=6)
    logits = 3 * torch.randn(5, 7, 6)
    span, has_ended = torch.randint(NO_TARGET, 6, (5, 7)), torch.rand(5, 7) > 0.4
    sums, counts = algorithm.make_learner().objective.loss(nn.Identity(), (logits, span, has_ended))
    place = torch.arange(6)
    ends_here = (place == span[..., None]) & has_ended[..., None]
    each = functional.binary_cross_entropy_with_logits(logits, ends_here.float(), reduction="none")
    faced = (place < span[..., None]) | ends_here
    assert torch.allclose(sums, (each * faced).sum(dim=(1, 2)), rtol=1e-5)
    assert torch.equal(counts, (span != NO_TARGET).sum(dim=1))


@pytest.mark.parametrize(("passes", "made"), [(None, 6), (5, 5), (1, FEWEST_EPOCHS)])
def test_long_logs_are_read_fewer_times(
    passes: int | None, made: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = purchase_log(30)
    algorithm = Gru(hidden_size=4, embedding=2, max_epochs=6, patience=6, recency="off")
    data = algorithm.make_encoding().fit(log).transform(log)
    trial = Trained(nn.Identity(), Sizes({}), epochs=6, recency="off")
    monkeypatch.setattr(_network, "MOST_READ", None if passes is None else passes * data.n_events)
    done = algorithm.make_learner().refit(data, algorithm._training(), trial)
    assert done.epochs == made
