"""Next activity: targets, the n-gram by hand, and what every predictor of the task must keep."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms._interface.task import Fitted
from pmlcli.algorithms.next_activity._task import NextActivityPredictor, joined_parts, predicted
from pmlcli.algorithms.next_activity.gru import Gru
from pmlcli.algorithms.next_activity.ngram import Ngram
from pmlcli.encoding.events.prefixes import PrefixEncoding
from pmlcli.encoding.events.sequences import NO_TARGET, SequenceEncoding, Sequences, targets
from pmlcli.encoding.vocabulary import FIRST_CODE
from pmlcli.errors import UntrustedArtifactError, ValidationError
from pmlcli.evaluation.measurement import Measurement
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.running import RunningRule
from pmlcli.eventlog.split import Split, split_by_start
from pmlcli.lifecycle.trial import trial
from tests.logs import log_of, purchase_log, trace_log

Taught = tuple[NextActivityPredictor[Any], SequenceEncoding, EventLog]
QUICK = {"max_epochs": 3, "hidden_size": 8, "embedding": 4}
ALL = PredictRequest(cases="all")


def trained(kind: str, log: EventLog) -> tuple[NextActivityPredictor[Any], SequenceEncoding]:
    algorithm = Gru(**QUICK) if kind == "gru" else Ngram()
    encoding = algorithm.make_encoding().fit(log)
    algorithm.fit(encoding.transform(log))
    return algorithm, encoding


@pytest.fixture(scope="module", params=["ngram", "gru"])
def model(request: pytest.FixtureRequest) -> Taught:
    log = purchase_log(60)
    return (*trained(request.param, log), log)


def ask(
    algorithm: NextActivityPredictor[Any], encoding: SequenceEncoding, log: EventLog, request: PredictRequest
) -> pd.DataFrame:
    task = algorithm.task
    return task.predict(Fitted(algorithm, encoding), log, task.checked(algorithm, request))


def accuracy(algorithm: NextActivityPredictor[Any], data: Sequences) -> Measurement:
    everything = np.ones(data.n_events, dtype=np.bool_)
    return algorithm.task.measure(algorithm, [predicted(algorithm, data, everything, "")], {})


def encoded(traces: list[str]) -> Sequences:
    log = trace_log(traces)
    return PrefixEncoding().fit(log).transform(log)


def test_targets_are_what_follows() -> None:
    data = replace(encoded(["ab", "c", "a"]), is_running=np.array([False, True, False]))
    a, b, end = FIRST_CODE, FIRST_CODE + 1, data.end_class
    assert targets(data).tolist() == [b, end, NO_TARGET, end]
    assert data.activity[0] == a


def test_ngram_by_hand() -> None:
    # Classes a, b, <end>. Followers overall: b after a twice, <end> after a once, <end> after b twice.
    data = encoded(["ab", "ab", "a"])
    one = Ngram(order=1)
    one.fit(data)
    overall = np.array([1 / 8, 3 / 8, 4 / 8])  # (count + 1) / (5 + 3)
    after_a = (np.array([0, 2, 1]) + 2 * overall) / (3 + 2)
    after_b = (np.array([0, 0, 2]) + 1 * overall) / (2 + 1)
    found = one.probabilities(data)
    assert found[:, :FIRST_CODE].tolist() == [[0, 0]] * 5
    assert found[0, FIRST_CODE:] == pytest.approx(after_a, abs=1e-15)
    assert found[1, FIRST_CODE:] == pytest.approx(after_b, abs=1e-15)


def test_ngram_mixes_longer_contexts_with_shorter_ones() -> None:
    data = encoded(["ab", "ab", "a"])
    two = Ngram(order=2)
    two.fit(data)
    one = Ngram(order=1)
    one.fit(data)
    shorter = one.probabilities(data)
    # After the start and a: b twice, <end> once. After a and b: <end> twice.
    start_a = (np.array([0, 2, 1]) + 2 * shorter[0, FIRST_CODE:]) / 5
    a_b = (np.array([0, 0, 2]) + 1 * shorter[1, FIRST_CODE:]) / 3
    assert two.probabilities(data)[0, FIRST_CODE:] == pytest.approx(start_a, abs=1e-15)
    assert two.probabilities(data)[1, FIRST_CODE:] == pytest.approx(a_b, abs=1e-15)


def test_ngram_backs_off_where_it_knows_nothing() -> None:
    log = trace_log(["abc", "abc", "abd"])
    model = Ngram()
    encoding = model.make_encoding().fit(log)
    model.fit(encoding.transform(log))
    new = encoding.transform(trace_log(["qb", "zb", "q"]))
    found = model.probabilities(new)
    assert (found[1] == found[3]).all()
    # Nothing is known after q: the overall shares of a, b, c, d, <end>, plus one each.
    assert found[0, FIRST_CODE:] == pytest.approx(np.array([1, 4, 3, 2, 4]) / 14)
    assert (found[0] == found[4]).all()


def test_ngram_tells_the_start_of_a_case() -> None:
    data = encoded(["ab", "ab", "cad", "cad", "cad"])
    model = Ngram()
    model.fit(data)
    a = np.flatnonzero(data.activity == FIRST_CODE)
    names = model.probabilities(data)[a].argmax(axis=1) - FIRST_CODE
    assert names.tolist() == [1, 1, 3, 3, 3]


def test_rows_are_distributions(model: Taught) -> None:
    algorithm, encoding, log = model
    data = encoding.transform(log)
    found = algorithm.probabilities(data)
    assert found.shape == (data.n_events, data.end_class + 1)
    assert found.dtype == np.float64
    assert np.abs(found.sum(axis=1) - 1).max() < 1e-12
    assert (found[:, :FIRST_CODE] == 0).all()
    assert (found >= 0).all()


def test_later_events_change_nothing(
    model: Taught,
) -> None:
    algorithm, encoding, log = model
    data = encoding.transform(log)
    early = data.position < 2
    rng = np.random.Generator(np.random.PCG64(3))
    other = replace(
        data,
        activity=np.where(early, data.activity, rng.integers(0, data.n_activities, data.n_events)),
        resource=np.where(early, data.resource, rng.integers(0, data.n_resources, data.n_events)),
        times=np.where(early[:, None], data.times, np.float32(0.5)),
    )
    change = np.abs(algorithm.probabilities(other) - algorithm.probabilities(data)).max(axis=1)
    assert change[early].max() <= algorithm.tolerance
    assert change[~early].max() > 0.001


def test_company_changes_nothing(
    model: Taught,
) -> None:
    algorithm, encoding, log = model
    data = encoding.transform(log)
    whole = algorithm.probabilities(data)
    order = np.random.Generator(np.random.PCG64(1)).permutation(data.n_cases)
    rows, _offsets = data.rows_of(order)
    shuffled = algorithm.probabilities(data.take(order))
    assert np.abs(shuffled - whole[rows]).max() <= algorithm.tolerance
    for case in (0, 31):
        alone = algorithm.probabilities(data.take(np.array([case])))
        assert np.abs(alone - whole[data.offsets[case] : data.offsets[case + 1]]).max() <= algorithm.tolerance


def test_restored_it_answers_the_same_bits(
    model: Taught,
) -> None:
    algorithm, encoding, log = model
    data = encoding.transform(log)
    again = type(algorithm)(**algorithm.parameters())
    again.restore(algorithm.state())
    assert (again.probabilities(data) == algorithm.probabilities(data)).all()


@pytest.mark.parametrize("candidates", [1, 5])
def test_units_are_told_of_the_columns_that_there_are(model, candidates: int) -> None:
    algorithm, encoding, log = model
    table = ask(algorithm, encoding, log, ALL.with_(candidates=candidates))
    shares = [name for name in table.columns if name.startswith("probability")]
    assert len(shares) == candidates
    assert algorithm.task.units_of(algorithm, list(table.columns)) == {
        "prefix_length": "events"
    } | dict.fromkeys(shares, "share")


def test_one_row_a_case(model: Taught) -> None:
    algorithm, encoding, log = model
    table = ask(algorithm, encoding, log, ALL)
    assert list(table.columns) == [
        "case_id",
        "prefix_length",
        "next_activity",
        "probability",
        "next_activity_2",
        "probability_2",
        "next_activity_3",
        "probability_3",
    ]
    assert table["case_id"].tolist() == log.case_ids.tolist()
    assert table["prefix_length"].tolist() == log.lengths.tolist()
    assert (table["probability"] >= table["probability_2"]).all()
    assert set(table["next_activity"]) <= {*log.activities, "<end>"}


def test_running_cases_alone_are_asked_for_by_default() -> None:
    log = purchase_log(60)
    algorithm, encoding = trained("ngram", log)
    running = encoding.transform(log).is_running
    last = np.flatnonzero(~running)[-1]
    cut = log.take_cases(np.arange(log.n_cases), np.where(np.arange(log.n_cases) == last, 2, log.lengths))
    is_running = encoding.transform(cut).is_running
    table = ask(algorithm, encoding, cut, PredictRequest())
    assert table["case_id"].tolist() == cut.case_ids[is_running].tolist()
    finished = log.take_cases(np.flatnonzero(~running)[:5])
    encoding.running_rule = RunningRule()
    nobody = ask(algorithm, encoding, finished, PredictRequest())
    assert len(nobody) == 0
    assert list(nobody.columns) == list(table.columns)


def test_every_prefix_has_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    log = purchase_log(30)
    algorithm, encoding = trained("ngram", log)
    request = PredictRequest(every_prefix=True, candidates=1)
    table = ask(algorithm, encoding, log, request)
    assert len(table) == log.n_events
    assert table["prefix_length"].tolist() == (log.position + 1).tolist()
    assert table["case_id"].tolist() == log.frame["case_id"].tolist()
    monkeypatch.setattr("pmlcli.algorithms.next_activity._task.CHUNK_CELLS", 100)
    assert ask(algorithm, encoding, log, request).equals(table)
    one_by_one = ask(algorithm, encoding, log, PredictRequest(cases="all", candidates=1))
    last = table[table["prefix_length"] == np.repeat(log.lengths, log.lengths)].reset_index(drop=True)
    assert one_by_one.equals(last)


def test_no_more_classes_than_there_are() -> None:
    log = trace_log(["ab", "ab"])
    algorithm, encoding = trained("ngram", log)
    table = ask(algorithm, encoding, log, ALL.with_(candidates=50))
    assert [c for c in table.columns if c.startswith("next_activity")] == [
        "next_activity",
        "next_activity_2",
        "next_activity_3",
    ]
    assert table.filter(like="probability").sum(axis=1).to_numpy() == pytest.approx(1)


@pytest.mark.parametrize(
    "request_",
    [
        PredictRequest(level="case"),
        PredictRequest(horizon=3),
        PredictRequest(cases="x"),
        PredictRequest(candidates=0),
        PredictRequest(candidates=10**9),
        PredictRequest(candidates="3"),  # type: ignore[arg-type]
        PredictRequest(candidates=2.5),  # type: ignore[arg-type]
        PredictRequest(candidates=True),
        PredictRequest(every_prefix="no"),  # type: ignore[arg-type]
        PredictRequest(as_of=datetime(2024, 1, 1, tzinfo=UTC)),  # type: ignore[arg-type]
    ],
)
def test_what_it_cannot_give_is_refused(request_: PredictRequest) -> None:
    log = trace_log(["ab", "ab"])
    algorithm, encoding = trained("ngram", log)
    with pytest.raises(ValidationError):
        ask(algorithm, encoding, log, request_)


def test_a_choice_that_there_is_not_lists_those_that_there_are() -> None:
    log = trace_log(["ab", "ab"])
    algorithm, encoding = trained("ngram", log)
    with pytest.raises(ValidationError, match="'maybe'") as caught:
        ask(algorithm, encoding, log, PredictRequest(unseen="maybe"))
    assert caught.value.hint == "there are: fail, flag, ignore"


def test_accuracy_counts_the_end_and_leaves_the_unknown_out() -> None:
    log = trace_log(["ab"] * 10)
    algorithm, encoding = trained("ngram", log)
    test = encoding.transform(trace_log(["ab", "aba", "q", "ab"]))
    # Of "aba": a-b is right, b-a and a-end are wrong. q-end: the commonest overall is b or <end>.
    measured = accuracy(algorithm, replace(test, is_running=np.array([False, False, True, True])))
    assert (measured.metric, measured.unit, measured.n_units) == ("accuracy", "share", 3)
    assert measured.value == pytest.approx((2 + 1 + 1) / 6)
    assert measured.value_of(np.array([0, 0])) == 1
    unseen = encoding.transform(trace_log(["aq"]))
    assert accuracy(algorithm, unseen).value_of(np.array([0])) <= 0.5


def test_measure_is_about_the_test_part() -> None:
    log = purchase_log(60)
    split = split_by_start(log)
    algorithm, encoding = trained("ngram", split.train)
    table = algorithm.task.held_out(Fitted(algorithm, encoding), split, log)
    measured = algorithm.task.measure(algorithm, [table], {})
    assert measured.n_units <= split.test.n_cases
    assert 0.5 < measured.value <= 1
    assert isinstance(split, Split)


def test_a_trial_on_two_cuts_pools_their_tables() -> None:
    """The second cut sees more cases and more activities; a case counts anew in each."""
    log = trace_log(["ab", "ac"] * 20 + ["adb", "ab"] * 20)
    cuts = [split_by_start(log.take_cases(np.arange(50))), split_by_start(log)]
    task = Ngram.task
    both = trial(Ngram(), cuts, log)
    each = [trial(Ngram(), [cut], log).held_out[0] for cut in cuts]
    assert len(both.held_out) == 2
    assert each[0].shares.shape[1] + 1 == each[1].shares.shape[1]
    measured, alone = (task.measure(Ngram(), tables, {}) for tables in (both.held_out, each[:1]))
    right, rows = sum(int(table.is_right.sum()) for table in each), sum(len(table.cases) for table in each)
    assert measured.value == pytest.approx(right / rows)
    assert measured.value != pytest.approx(alone.value)
    assert measured.n_units == cuts[0].test.n_cases + cuts[1].test.n_cases
    assert measured.about.count("2 cuts of the log") == 1
    calibration = task.calibrate(Ngram(), both.held_out)
    assert calibration["rows"] == rows
    given = [table.shares[np.arange(len(table.truth)), table.truth] for table in each]
    pooled = joined_parts(both.held_out)
    assert (pooled.shares[np.arange(rows), pooled.truth] == np.concatenate(given)).all()


def test_of_many_cuts_no_more_distributions_are_kept_than_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmlcli.algorithms.next_activity._task.MOST_CALIBRATED", 20)
    log = purchase_log(60)
    tables = trial(Ngram(), [split_by_start(log)] * 3, log).held_out
    pooled = joined_parts(tables)
    assert [len(table.shares) for table in (*tables, pooled)] == [20] * 4
    assert len(pooled.cases) == len(pooled.is_right) == 3 * len(tables[0].cases) > 60
    assert Ngram.task.calibrate(Ngram(), tables)["rows"] == 20


@pytest.mark.parametrize("split", ["temporal", "strict"])
def test_each_prefix_of_the_test_part_is_predicted_once(
    split: Literal["temporal", "strict"], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    honest = Ngram.probabilities

    def counted(self: Ngram, data: Sequences) -> NDArray[np.float64]:
        seen.append(data.n_events)
        return honest(self, data)

    monkeypatch.setattr(Ngram, "probabilities", counted)
    log = purchase_log(60)
    task, algorithm = Ngram.task, Ngram(split=split)
    cuts = task.cuts(algorithm, log)
    tried = trial(algorithm, cuts, log)
    calibration = task.calibrate(tried.algorithm, tried.held_out)
    assert 0 <= task.measure(tried.algorithm, tried.held_out, calibration).value <= 1
    assert 0 < sum(seen) <= cuts[0].test.n_events


def test_the_end_of_a_running_case_is_not_learned() -> None:
    data = encoded(["ab", "ab", "a", "a", "a", "a"] * 5)
    running = replace(data, is_running=data.lengths == 1)
    for algorithm in (Ngram(), Gru(hidden_size=8, embedding=4, learning_rate=0.03, dropout=0.0)):
        algorithm.fit(running)
        first = algorithm.probabilities(running)[0]
        assert first.argmax() == FIRST_CODE + 1
        assert first[data.end_class] < 0.3


def test_gru_learns_what_counts_cannot() -> None:
    # Who did the first step decides what comes next.
    events = [
        {"case_id": f"c{i}", "activity": activity, "resource": who, "timestamp": f"2024-01-{1 + i // 4:02d}"}
        for i in range(100)
        for who in ("Ann" if i % 2 else "Bob",)
        for activity in ("start", "yes" if i % 2 else "no")
    ]
    log = log_of(events)
    split = split_by_start(log)
    gru = Gru(learning_rate=0.02)
    encoding = gru.make_encoding().fit(split.train)
    gru.fit(encoding.transform(split.train))
    data = replace(encoding.transform(split.test), is_running=np.zeros(split.test.n_cases, dtype=bool))
    assert accuracy(gru, data).value > 0.95


def test_gru_forgets_when_the_process_has_changed() -> None:
    traces = ["ab"] * 120 + ["ac"] * 80
    data = encoded(traces)
    gru = Gru(hidden_size=8, embedding=4, max_epochs=10, recency="auto")
    gru.fit(data)
    assert gru.recency_ == "on"
    assert gru.probabilities(data)[0].argmax() == FIRST_CODE + 2
    steady = Gru(hidden_size=8, embedding=4, max_epochs=2, recency="off")
    steady.fit(data)
    assert steady.recency_ == "off"


def test_gru_refit_follows_the_trial() -> None:
    log = purchase_log(40)
    trial = Gru(**QUICK)
    encoding = trial.make_encoding().fit(log)
    data = encoding.transform(log)
    trial.fit_held_out(data)
    final = Gru(**QUICK)
    final.refit(data, trial)
    assert (final.epochs_, final.recency_) == (trial.epochs_, trial.recency_)
    assert np.abs(final.probabilities(data) - trial.probabilities(data)).max() > 0


def test_gru_leaves_torch_as_it_was() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    threads = torch.get_num_threads()
    torch.manual_seed(5)
    trained("gru", purchase_log(12))
    assert (torch.rand(3) == expected).all()
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


def test_gru_refuses_tensors_that_do_not_fit() -> None:
    algorithm, _encoding = trained("gru", purchase_log(12))
    state = algorithm.state()
    for wrong in (
        {**state, "sizes_": {**state["sizes_"], "hidden_size": 10**7}},
        {k: v for k, v in state.items() if k != "weight:output.bias"},
        {**state, "weight:more": np.zeros(3, dtype=np.float32)},
        {**state, "sizes_": {}},
    ):
        with pytest.raises(UntrustedArtifactError):
            Gru(**QUICK).restore(wrong)


@pytest.mark.parametrize("traces", [["a"], ["a", "a"], ["ab", "a", "abc"]])
def test_tiny_logs_train(traces: list[str]) -> None:
    data = encoded(traces)
    for algorithm in (Ngram(), Gru(**QUICK)):
        algorithm.fit(data)
        assert np.isfinite(algorithm.probabilities(data)).all()


def test_gru_trains_though_the_latest_cases_are_all_running() -> None:
    data = encoded(["ab"] * 8 + ["a", "a"])
    gru = Gru(**QUICK)
    gru.fit(replace(data, is_running=data.lengths == 1))
    assert gru.epochs_ == gru.max_epochs


SCRIPT = """
import hashlib, numpy as np
from pmlcli import runtime
from pmlcli.algorithms.next_activity.gru import Gru
from tests.logs import purchase_log
log = purchase_log(30)
gru = Gru(max_epochs=2, hidden_size=8, embedding=4)
with runtime.use(threads={threads}):
    gru.fit(gru.make_encoding().fit(log).transform(log))
digest = hashlib.sha256()
for name, value in sorted(gru.state().items()):
    plain = value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()
    digest.update(name.encode() + plain)
print(digest.hexdigest())
"""


def test_same_seed_same_bytes_in_any_process() -> None:
    def digest(hash_seed: str, threads: int) -> str:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT.format(threads=threads)],
            env=os.environ | {"PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": str(threads)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    first = digest("1", 1)
    assert len(first) == len(hashlib.sha256().hexdigest())
    assert digest("2", 2) == first
