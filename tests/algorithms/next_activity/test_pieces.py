"""Long cases in pieces: what is read, what is answered for, and that answers depend on the past alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pmlcli.algorithms.next_activity import transformer
from pmlcli.algorithms.next_activity._pieces import CONTEXT, LONGEST, Pieces, cut_cases, whole_cases
from pmlcli.algorithms.next_activity.transformer import AttentionLayer, Transformer
from pmlcli.encoding.events.prefixes import PrefixEncoding, Prefixes
from pmlcli.encoding.events.sequences import targets
from pmlcli.encoding.vocabulary import FIRST_CODE
from pmlcli.eventlog.log import EventLog
from tests.logs import trace_log

FRESH = LONGEST - CONTEXT


Taught = tuple[Transformer, PrefixEncoding, EventLog]


def random_log(lengths: list[int]) -> EventLog:
    """Random traces of these lengths."""
    rng = np.random.default_rng(0)
    return trace_log(["".join(rng.choice(list("abcd"), length)) for length in lengths])


def encoded(lengths: list[int]) -> Prefixes:
    log = random_log(lengths)
    return PrefixEncoding().fit(log).transform(log)


def all_rows(pieces: Pieces, data: Prefixes) -> tuple[np.ndarray, np.ndarray]:
    return pieces.rows(np.arange(len(pieces.lengths)), data.n_events)


@pytest.mark.parametrize("length", [1, LONGEST - 1, LONGEST, LONGEST + 1, LONGEST + FRESH, 5001])
def test_each_event_is_answered_for_once_with_what_came_before(length: int) -> None:
    data = encoded([3, length, 2])
    pieces = cut_cases(data)
    rows, is_answered = all_rows(pieces, data)
    assert sorted(rows[is_answered].tolist()) == list(range(data.n_events))
    assert pieces.lengths.max() <= LONGEST
    assert pieces.lengths.sum() <= 2 * data.n_events
    is_event = rows < data.n_events
    assert (data.case_of_event[rows[is_event]] == np.repeat(pieces.case, pieces.lengths)).all()
    read_before = np.broadcast_to(np.arange(rows.shape[1]), rows.shape)[is_answered]
    position = data.position[rows[is_answered]]
    assert (read_before >= np.minimum(position, CONTEXT)).all()


def test_short_cases_are_read_whole() -> None:
    data = encoded([1, 7, LONGEST])
    for found, expected in zip(vars(cut_cases(data)).values(), vars(whole_cases(data)).values(), strict=True):
        assert found.tolist() == expected.tolist()


@pytest.fixture(scope="module")
def taught() -> Taught:
    log = random_log([4, 900, 5, 300, *[6] * 20])
    algorithm = Transformer(hidden_size=8, layers=2, max_epochs=1)
    encoding = algorithm.make_encoding().fit(log)
    algorithm.fit(encoding.transform(log))
    return algorithm, encoding, log


def test_what_comes_later_in_a_long_case_changes_nothing(taught: Taught) -> None:
    algorithm, encoding, log = taught
    data = encoding.transform(log)
    whole = algorithm.probabilities(data)
    assert np.abs(whole.sum(axis=1) - 1).max() < 1e-12
    for kept in (LONGEST - 1, LONGEST, LONGEST + 1, LONGEST + FRESH, 640):
        is_early = data.position < kept
        changed = replace(data, activity=np.where(is_early, data.activity, FIRST_CODE))
        change = np.abs(algorithm.probabilities(changed) - whole).max(axis=1)
        assert change[is_early].max() <= algorithm.tolerance
        assert change[~is_early].max() > 1e-6


def test_a_long_case_cut_off_or_alone_gets_the_same_answers(taught: Taught) -> None:
    algorithm, encoding, log = taught
    data = encoding.transform(log)
    whole = algorithm.probabilities(data)
    begin = int(data.offsets[1])
    for length in (LONGEST, 500, 900):
        alone = encoding.transform(log.take_cases(np.array([1]), np.array([length])))
        change = algorithm.probabilities(alone) - whole[begin : begin + length]
        assert np.abs(change).max() <= algorithm.tolerance


def test_every_known_target_of_a_long_case_is_learned_from_once() -> None:
    data = encoded([900, 3])
    algorithm = Transformer(hidden_size=8)
    samples = algorithm.make_learner().objective.samples(data)
    assert samples.lengths.max() == LONGEST
    *_inputs, target = samples.batch(np.arange(len(samples.lengths)))
    learned = target[target >= FIRST_CODE]
    following = targets(data)
    assert sorted(learned.tolist()) == sorted(following[following >= FIRST_CODE].tolist())


def test_cases_in_turn_are_answered_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    layer = AttentionLayer(8, 2, 0.0).double().eval()
    steps = torch.randn(5, 11, 8, dtype=torch.float64)
    with torch.no_grad():
        together = layer(steps)
        monkeypatch.setattr(transformer, "MOST_WEIGHTS", 2 * 11**2)
        assert torch.allclose(layer(steps), together, rtol=0, atol=1e-12)
