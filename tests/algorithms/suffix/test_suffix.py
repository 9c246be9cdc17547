"""Suffix: what follows, which of several is the most typical, and what the methods promise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._interface.task import Fitted
from pmlcli.algorithms._prefixes.rows import joined
from pmlcli.algorithms.suffix._contexts import Contexts
from pmlcli.algorithms.suffix._continuations import (
    Continuations,
    alike,
    as_letters,
    blended,
    medoids,
    suffix_texts,
)
from pmlcli.algorithms.suffix._task import SuffixPredictor, SuffixTask, choose
from pmlcli.algorithms.suffix._writer import WriterBatch, _written_from
from pmlcli.algorithms.suffix.ensemble import Setting, similarities
from pmlcli.algorithms.suffix.gru import Gru
from pmlcli.algorithms.suffix.medoid import Medoid
from pmlcli.arrays import Codes
from pmlcli.encoding.base import Encodes
from pmlcli.encoding.events.sequences import TIME_FEATURES, SequenceEncoding, Sequences
from pmlcli.encoding.vocabulary import FIRST_CODE, MISSING_CODE
from pmlcli.errors import UntrustedArtifactError
from pmlcli.evaluation.measurement import Measurement
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.split import split_by_start
from pmlcli.lifecycle import artifacts
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.trial import trial
from tests.logs import log_of, purchase_log, trace_log

ALL = PredictRequest(cases="all")
EVERY = PredictRequest(cases="all", every_prefix=True)
TASK = SuffixTask()


def encoded(traces: list[str]) -> Sequences:
    log = trace_log(traces)
    return SequenceEncoding().fit(log).transform(log)


def letters(text: str) -> str:
    """The letters of a, b, c, ... in a log where all of them occur."""
    return as_letters(np.array([FIRST_CODE + "abcdef".index(letter) for letter in text], dtype=np.int64))


def trained(algorithm: SuffixPredictor[Any], log: EventLog) -> Encodes[Sequences]:
    encoding: Encodes[Sequences] = algorithm.make_encoding().fit(log)
    algorithm.fit(encoding.transform(log))
    return encoding


def answers(
    algorithm: SuffixPredictor[Any], encoding: Encodes[Sequences], log: EventLog, request: PredictRequest
) -> pd.DataFrame:
    return TASK.predict(Fitted(algorithm, encoding), log, TASK.checked(algorithm, request))


def measured(algorithm: SuffixPredictor[Any], log: EventLog) -> Measurement:
    """How good a trial on this log is."""
    return TASK.measure(algorithm, trial(algorithm, TASK.cuts(algorithm, log), log).held_out, {})


def test_suffixes_are_what_follows() -> None:
    data = encoded(["abc", "b", "ca"])
    assert suffix_texts(data) == [letters(s) for s in ("bc", "c", "", "", "a", "")]
    assert suffix_texts(data, np.array([0, 4])) == [letters("bc"), letters("a")]


def test_likeness_by_hand() -> None:
    first, second = ["", "ab", "ab", "abc", "ca"], ["", "", "ba", "abd", "abc"]
    # Equal; all gone; one swap of two; one of three; ca to abc: a swap with an insertion between them.
    assert alike(first, second) == pytest.approx([1, 0, 1 / 2, 2 / 3, 1 / 3])
    assert len(alike([], [])) == 0


def test_the_medoid_by_hand() -> None:
    # For the first prefix ab is half like ac and a; ac likewise; a: half like both. Weights decide.
    possible = Continuations(
        np.array([0, 3, 4]), ["ab", "ac", "a", "x"], np.array([2.0, 1, 1, 5]), np.array([1.0, 2, 3, 4])
    )
    chosen = medoids(possible)
    assert chosen.texts == ["ab", "x"]
    assert chosen.share == pytest.approx([0.5, 1])
    assert chosen.similarity == pytest.approx([(2 + 0.5 + 0.5) / 4, 1])
    assert chosen.seconds.tolist() == [1, 4]


def test_weights_by_case_favour_the_shorter_case() -> None:
    # Together b is likelier; a case of two events counts half as much for each prefix as one of one.
    possible = Continuations(
        np.array([0, 2, 4]), ["", "b", "", "b"], np.array([4.0, 6, 4, 6]), np.array([0.0, 9, 0, 9])
    )
    assert medoids(possible).texts == ["b", "b"]
    chosen = medoids(possible, np.array([1, 9]))
    assert chosen.texts == ["", "b"]
    assert chosen.share == pytest.approx([0.4, 0.6])
    assert chosen.similarity == pytest.approx([0.4, 0.6])


def certain(texts: list[str]) -> Continuations:
    """One way to go on for each prefix."""
    return Continuations(np.arange(len(texts) + 1), texts, np.ones(len(texts)), np.full(len(texts), np.nan))


def means(late: Sequences, parts: Sequence[Continuations], share: float) -> dict[Setting, float]:
    return {setting: float(found.mean()) for setting, found in similarities(late, parts, share)}


def test_the_share_decides_who_is_heard() -> None:
    late = encoded(["abc", "ab"])
    right, wrong = suffix_texts(late), [letters("ff")] * late.n_events
    parts = (certain(wrong), certain(right))
    assert means(late, parts, 0.75)[Setting(0.75, False)] == 1
    assert means(late, parts, 0.25)[Setting(0.25, False)] < 0.2
    assert means(late, parts[1:], 1.0) == {Setting(1.0, False): 1, Setting(1.0, True): 1}


def test_long_cases_weigh_less_where_late_cases_say_so() -> None:
    late = encoded(["a", "a", "ab"])
    possible = Continuations(
        np.array([0, 2, 4, 6, 7]),
        ["", letters("b")] * 3 + [""],
        np.array([4.0, 6, 4, 6, 4, 6, 1]),
        np.zeros(7),
    )
    found = means(late, (possible, possible), 0.5)
    assert found[Setting(0.5, True)] > found[Setting(0.5, False)]


def test_the_ensemble_chooses_as_it_is_told() -> None:
    model = Model("suffix/ensemble", medoid_share=0.75, max_epochs=2, draws=4)
    model.train(purchase_log(60))
    assert model.algorithm.state()["medoid_share_"] == 0.75
    assert model.algorithm.state()["chosen_"] == ["gru", "medoid"]


def test_the_network_reads_attributes_and_the_medoid_does_not() -> None:
    events = [
        {"case_id": f"c{i}", "activity": activity, "kind": kind, "timestamp": f"2024-01-{1 + i // 10:02d}"}
        for i in range(200)
        for activity in ("start", "look", "sign" if i % 2 else "send", "file")
        for kind in (("new" if i % 2 else "old") if activity in {"start", "look"} else "known",)
    ]
    log = log_of(events)
    network = Gru(hidden_size=16, max_epochs=30, draws=8)
    for algorithm, least, most in ((network, 0.98, 1.0), (Medoid(), 0.0, 0.9)):
        assert least <= measured(algorithm, log).value <= most


def test_of_written_steps_only_activities_and_what_stays_are_known() -> None:
    times, steps = len(TIME_FEATURES), 4
    codes = torch.arange(10, 10 + 3 * steps).reshape(1, steps, 3)
    numbers = torch.arange(1.0, 1 + (times + 1) * steps).reshape(1, steps, times + 1)
    batch = WriterBatch(codes, numbers, torch.zeros(1, steps), torch.zeros(1, steps))
    cut = torch.tensor([[1]])
    read_codes, read_numbers = _written_from(batch, cut, torch.arange(steps)[None] > cut)
    assert torch.equal(read_codes[:, :2], codes[:, :2])
    assert torch.equal(read_numbers[:, :2], numbers[:, :2])
    assert read_codes[0, 2:, 0].tolist() == codes[0, 2:, 0].tolist()
    assert read_codes[0, 2:, 1].tolist() == [MISSING_CODE] * 2
    assert read_codes[0, 2:, 2].tolist() == [codes[0, 1, 2]] * 2
    assert (read_numbers[0, 2:, :times] == 0).all()
    assert read_numbers[0, 2:, times].tolist() == [numbers[0, 1, times]] * 2
    assert codes[0, 3, 1] == 20  # what was given is left as it was


def test_a_compromise_may_win_over_the_commonest() -> None:
    possible = Continuations(
        np.array([0, 3]), ["abcd", "zzzz", "abzz"], np.array([3.0, 3, 2]), np.full(3, np.nan)
    )
    assert medoids(possible).texts == ["abzz"]


def test_a_blend_gives_each_its_share_and_joins_what_is_the_same() -> None:
    first = Continuations(np.array([0, 2, 3]), ["b", "a", "c"], np.array([3.0, 1, 8]), np.array([1.0, 2, 3]))
    second = Continuations(np.array([0, 1, 2]), ["a", "d"], np.array([9.0, 9]), np.array([6.0, 7]))
    found = blended([first, second], (0.75, 0.25))
    assert found.offsets.tolist() == [0, 2, 4]
    assert found.texts == ["a", "b", "c", "d"]
    assert found.weights == pytest.approx([0.75 / 4 + 0.25, 0.75 * 3 / 4, 0.75, 0.25])
    assert found.seconds == pytest.approx([(0.1875 * 2 + 0.25 * 6) / 0.4375, 1, 3, 7])
    assert blended([first, second], (1.0, 0.0)).texts == ["a", "b", "c"]


def test_the_ensemble_keeps_each_member_in_its_own_format() -> None:
    model = Model("suffix/ensemble", combine="always", max_epochs=2, hidden_size=8, draws=4)
    model.train(purchase_log(40))
    names = {name for name in model.files if name.startswith(("gru-", "medoid-", "model"))}
    assert names >= {"gru-model.safetensors", "gru-state.json", "medoid-model.json", "model.json"}
    assert "torch" in model.manifest_fields["dependencies"]
    stray = model.files | {"other-model.json": b"{}"}
    with pytest.raises(UntrustedArtifactError, match="no member of the model wrote other-model.json"):
        artifacts.restore(Model("suffix/ensemble", hidden_size=8).algorithm, stray)


def test_the_medoid_takes_the_longest_context_with_enough_examples() -> None:
    log = trace_log(["abx"] * 10 + ["cby"] * 10 + ["dbz"] * 3)
    model = Medoid(examples=10)
    encoding = trained(model, log)
    asked = trace_log(["ab", "cb", "db"])
    table = answers(model, encoding, asked, ALL)
    # Of dbz there are too few: what follows b alone decides.
    assert table["suffix"].tolist() == ["x > <end>", "y > <end>", "x > <end>"]
    assert table["probability"].tolist() == pytest.approx([1, 1, 10 / 23])
    assert table["events_left"].tolist() == [1, 1, 1]
    assert table["remaining_seconds"].isna().all()


def test_running_cases_teach_no_suffix() -> None:
    data = encoded(["abc"] * 10 + ["a"] * 90)
    cut = replace(data, is_running=np.arange(100) >= 10)
    model = Medoid()
    model.fit(cut)
    assert choose(model, cut, np.array([0])).texts == [letters("bc")]
    model.fit(data)
    assert choose(model, data, np.array([0])).texts == [""]


def test_the_time_left_is_the_median_of_cases_that_went_on_so() -> None:
    log = purchase_log(60)
    model = Medoid(examples=1, candidates=200)
    encoding = trained(model, log)
    data = encoding.transform(log)
    table = answers(model, encoding, log, EVERY)
    assert (table["remaining_seconds"] >= 0).all()
    finished = np.flatnonzero(table["events_left"] == 0)
    assert (table["remaining_seconds"].iloc[finished] == 0).all()
    left = data.seconds_left
    assert np.abs(table["remaining_seconds"] - left).mean() < np.abs(np.median(left) - left).mean()


@pytest.mark.parametrize("name", ["keys", "offsets", "suffixes", "counts", "ends"])
def test_contexts_that_do_not_fit_are_refused(name: str) -> None:
    model = Medoid()
    trained(model, purchase_log(30))
    state = model.state()
    assert Contexts.from_state(state, model.candidates).state().keys() == state.keys()
    with pytest.raises(UntrustedArtifactError, match="do not fit"):
        model.restore(state | {f"{name}_": -1 - state[f"{name}_"] if name != "keys" else state["keys_"][1:]})


def test_contexts_of_more_candidates_than_the_parameter_says_are_refused() -> None:
    model = Medoid(examples=1, candidates=5)
    trained(model, purchase_log(60))
    state = model.state()
    model.restore(state)
    with pytest.raises(UntrustedArtifactError, match="do not fit"):
        Medoid(examples=1, candidates=4).restore(state)


def quick_gru(draws: int = 30) -> Gru:
    return Gru(max_epochs=20, hidden_size=24, embedding=8, draws=draws, recency="off")


@pytest.fixture(scope="module")
def writer() -> tuple[Gru, Encodes[Sequences]]:
    log = trace_log(["abcd", "xbcy"] * 60)
    model = quick_gru()
    return model, trained(model, log)


def test_the_network_learns_what_a_case_began_with(writer: tuple[Gru, Encodes[Sequences]]) -> None:
    model, encoding = writer
    table = answers(model, encoding, trace_log(["ab", "xb", "abc", "abcd"]), ALL)
    assert table["suffix"].tolist() == ["c > d > <end>", "c > y > <end>", "d > <end>", "<end>"]
    assert (table["probability"] > 0.8).all()
    assert table["remaining_seconds"].isna().all()


def test_no_suffix_is_longer_than_training_saw(writer: tuple[Gru, Encodes[Sequences]]) -> None:
    model, encoding = writer
    table = answers(model, encoding, trace_log(["q", "qqqq", "bbbb"]), ALL)
    assert (table["events_left"] <= 3).all()


def test_draws_are_the_same_alone_and_in_company(writer: tuple[Gru, Encodes[Sequences]]) -> None:
    model, encoding = writer
    data = encoding.transform(trace_log(["ab", "xb", "a", "qb"]))
    rows = data.offsets[1:] - 1
    together = model.continuations(data, rows)
    bounds = list(pairwise(together.offsets.tolist()))
    for place, (start, end) in enumerate(bounds):
        alone = model.continuations(data, rows[place : place + 1])
        assert alone.texts == together.texts[start:end]
        assert alone.weights.tolist() == together.weights[start:end].tolist()
        assert alone.weights.sum() == 30


def test_measured_on_finished_cases_and_says_so() -> None:
    log = purchase_log(60)
    model = Medoid()
    (cut,) = TASK.cuts(model, log)
    found = measured(model, log)
    assert 0 < found.value < 1
    test = model.make_encoding().fit(cut.train).transform(cut.test)
    assert found.n_units == int((~test.is_running).sum())
    assert "all prefixes" in found.about
    assert "also begin a training case" in found.about


def test_a_large_test_part_is_measured_on_some_of_its_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlcli.algorithms.suffix._task.MEASURED", 20)
    log = purchase_log(60)
    found = measured(Medoid(), log)
    assert 1 <= found.n_units < 12
    assert re.search(r"suffixes of \d+ of \d+ prefixes", found.about)


def test_over_several_cuts_a_case_counts_in_each() -> None:
    log = purchase_log(200)
    first = log.take_cases(np.flatnonzero(log.starts <= np.quantile(log.starts, 0.9)))
    model, cuts = Medoid(), [split_by_start(first), split_by_start(log)]
    assert set(cuts[0].test.case_ids) & set(cuts[1].test.case_ids)
    parts = trial(model, cuts, log).held_out
    both, alone = TASK.measure(model, parts, {}), [TASK.measure(model, [part], {}) for part in parts]
    assert both.n_units == sum(one.n_units for one in alone)
    assert both.value == pytest.approx(sum(one.value * one.n_units for one in alone) / both.n_units)
    assert alone[0].value != alone[1].value
    assert "of all prefixes" in both.about
    assert "2 cuts of the log" in both.about


def test_what_is_held_out_is_predicted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows_of_calls: list[int] = []
    usual = Medoid.continuations

    def counted(self: Medoid, data: Sequences, rows: Codes) -> Continuations:
        rows_of_calls.append(len(rows))
        return usual(self, data, rows)

    monkeypatch.setattr(Medoid, "continuations", counted)
    log, model = purchase_log(60), Medoid()
    (cut,) = TASK.cuts(model, log)
    tried = trial(model, [cut], log)
    TASK.measure(model, tried.held_out, TASK.calibrate(model, tried.held_out))
    assert sum(rows_of_calls) == len(tried.held_out[0].came) <= cut.test.n_events


def test_names_that_hold_the_separator_stand_in_quotes() -> None:
    assert (
        joined(["a", "b > c", 'say "x >', "A->B", "<end>"], " > ")
        == 'a > "b > c" > "say ""x >" > A->B > <end>'
    )
    assert joined(["|", "a|b", "x |"], " | ") == '"|" | a|b | "x |"'
