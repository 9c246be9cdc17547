"""Likelihood: counts by hand, what it finds and why, and that it sees no times and no labels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pmlcli.algorithms._interface.request import PredictRequest
from pmlcli.algorithms.anomaly._counting import context, precedence
from pmlcli.algorithms.anomaly._counting.backoff import BackOff, View, packed, unpacked
from pmlcli.algorithms.anomaly._counting.precedence import Precedence
from pmlcli.algorithms.anomaly._counting.repair import gains
from pmlcli.algorithms.anomaly._values import halved_sum, oddest_events
from pmlcli.algorithms.anomaly.likelihood import LikelihoodDetector
from pmlcli.lifecycle.model import Model
from tests.logs import purchase_events, purchase_log, trace_log

EVENT = PredictRequest(level="event")


def view(contexts: list[int], values: list[int]) -> View:
    return View((np.array(contexts),), (3,), np.array(values), 4)


def test_surprise_by_hand():
    # After 0: value 1 three times, value 2 once. After 1: value 3 once.
    model = BackOff.fit(view([0, 0, 0, 0, 1], [1, 1, 1, 2, 3]))
    surprise, best = model.surprise(view([0, 0, 2], [2, 1, 1]))
    # The seen value and the totals are one less; three kinds of values in all, two after 0.
    without = {1: (3 + 3 / 4) / 7, 2: (0 + 3 / 4) / 7}
    after_0 = {1: (3 + 2 * without[1]) / 5, 2: (0 + 2 * without[2]) / 5}
    assert surprise[0] == pytest.approx(math.log(after_0[1] / after_0[2]))
    # The likeliest value itself, known and in a context that was never seen.
    assert surprise[1:].tolist() == [0.0, 0.0]
    assert best.tolist() == [1, 1, 1]


def test_evidence_is_the_raw_count():
    model = BackOff.fit(view([0, 0, 0, 0, 1], [1, 1, 1, 2, 3]))
    found = model.evidence(view([0, 1, 2], [2, 1, 1]), 1)
    assert [column.tolist() for column in found] == [[1, 0, 0], [4, 1, 0], [1, 3, 1], [3, 1, 0]]


def test_counts_are_kept_in_one_array():
    models = [BackOff.fit(view([0, 0, 1], [1, 2, 3])), BackOff.fit(view([2, 2, 2], [0, 0, 1]))]
    again = unpacked(*packed(models))
    asked = view([0, 1, 2], [1, 1, 1])
    for one, other in zip(models, again, strict=True):
        assert [a.tolist() for a in one.surprise(asked)] == [a.tolist() for a in other.surprise(asked)]


def test_a_missing_activity_is_told_once_and_an_extra_one_too():
    # 0 before 1 before 2, always; 3 never.
    codes, offsets = np.tile([0, 1, 2], 10), np.arange(0, 31, 3)
    order = Precedence.fit(codes, offsets, 4)
    assert order.before[2].tolist() == [10, 10, 0, 0]
    found = order.find(np.array([0, 2, 2, 1]), np.array([0, 3, 4]))
    odds = math.log((9 + 0.5) / 0.5)
    assert found.missing.tolist() == pytest.approx([0, odds, 0, odds])
    assert [found.missed[1], found.missed[3]] == [1, 0]
    # Before 2 there is never a 2.
    assert found.extra.tolist() == pytest.approx([0, 0, odds, 0])
    assert found.surplus[2] == 2


@pytest.mark.parametrize("cells", [1, 40, 10_000])
def test_blocks_of_any_size_give_the_same_bits(monkeypatch, cells):
    rng = np.random.Generator(np.random.PCG64(0))
    codes, offsets = (
        rng.integers(0, 6, 200),
        np.concatenate([[0], np.sort(rng.choice(199, 30, False)) + 1, [200]]),
    )
    order = Precedence.fit(codes, offsets, 6)
    expected = order.find(codes, offsets)
    monkeypatch.setattr(precedence, "CELLS", cells)
    assert (Precedence.fit(codes, offsets, 6).before == order.before).all()
    for one, other in zip(order.find(codes, offsets), expected, strict=True):
        assert (one == other).all()


SIZE = 8
"""Codes of activities; start and end have this code themselves."""


def chain_model(cases: int = 200) -> BackOff:
    """Activities 0 to 5 in order, always."""
    past = [[SIZE, SIZE, SIZE, *range(6)][3 - back : 10 - back] for back in (1, 2, 3)]
    columns = tuple(np.tile(column, cases) for column in past)
    return BackOff.fit(View(columns, (SIZE + 1,) * 3, np.tile([*range(6), SIZE], cases), SIZE + 1))


@pytest.mark.parametrize(
    ("trace", "touched"),
    [
        ([0, 1, 2, 3, 4, 5], []),
        ([0, 1, 2, 2, 3, 4, 5], [2, 3]),
        ([0, 1, 6, 2, 3, 4, 5], [2]),
        ([0, 1, 3, 4, 5], [2]),
        ([0, 1, 4, 5], [2]),
        ([0, 1, 2, 3, 4], [4]),
        ([0, 3, 1, 2, 4, 5], [1, 4]),
    ],
    ids=["usual", "again", "stranger", "one missing", "two missing", "end missing", "too early"],
)
def test_a_repair_touches_what_is_wrong(trace, touched):
    found = gains(np.array(trace), np.array([0, len(trace)]), chain_model(), SIZE)
    assert (found >= 0).all()
    assert (
        set(touched) <= set(np.flatnonzero(found >= 0.9 * found.max() - 1e-9)) if touched else not found.any()
    )


def test_the_gain_of_a_repair_by_hand():
    model, trace = chain_model(), np.array([0, 1, 2, 2, 3, 4, 5])

    def likelihood(codes, discount):
        past = [SIZE, SIZE, SIZE]
        total = 0.0
        for code in [*codes, SIZE]:
            columns = tuple(np.array([one]) for one in past)
            view = View(columns, (SIZE + 1,) * 3, np.array([code]), SIZE + 1)
            total += math.log(model.likelihood(view, discount)[0])
            past = [code, *past[:2]]
        return total

    # Up to the change nothing differs but what is taken off the counts.
    same = likelihood([0, 1], 0) - likelihood([0, 1], 1)
    ends = [
        math.log(
            model.likelihood(
                View(tuple(np.array([c]) for c in p), (SIZE + 1,) * 3, np.array([SIZE]), SIZE + 1), k
            )[0]
        )
        for k, p in ((0, (1, 0, SIZE)), (1, (1, 0, SIZE)))
    ]
    won = likelihood([0, 1, 2, 3, 4, 5], 0) - likelihood(trace, 1) - (same - ends[0] + ends[1])
    # What stands beyond the reach of the change is left as it was: the last step before the end and the end.
    found = gains(trace, np.array([0, 7]), model, SIZE)
    assert found.max() == pytest.approx(won - math.log(7 * 3), abs=0.1)


def test_gains_do_not_depend_on_company():
    rng = np.random.Generator(np.random.PCG64(1))
    lengths = rng.integers(1, 9, 40)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    codes = rng.integers(0, SIZE, offsets[-1])
    together = gains(codes, offsets, chain_model(), SIZE)
    for first, last in zip(offsets[:-1], offsets[1:], strict=True):
        alone = gains(codes[first:last], np.array([0, last - first]), chain_model(), SIZE)
        assert (alone == together[first:last]).all()


def test_the_companion_of_an_attribute_is_the_one_that_tells_most():
    rng = np.random.Generator(np.random.PCG64(2))
    desk = rng.integers(0, 4, 400)
    log = trace_log(
        [["a", "b"]] * 200, desk=[f"d{i}" for i in desk], team=[f"t{i // 2}" for i in desk],
        mood=[f"m{i}" for i in rng.integers(0, 3, 400)],
    )  # fmt: skip
    encoding = LikelihoodDetector().make_encoding().fit(log)
    events = encoding.transform(log)
    assert events.columns == ("activity", "desk", "team", "mood")
    assert context.companions(events)[:2] == [2, 1]


def test_the_case_score_halves_from_event_to_event():
    scores, offsets = np.array([1.0, 8.0, 4.0, 2.0, 6.0, 0.0, 5.0, 5.0]), np.array([0, 5, 8])
    assert halved_sum(scores, offsets).tolist() == [8 + 6 / 2 + 4 / 4 + 2 / 8, 5 + 5 / 2]
    assert oddest_events(scores, offsets).tolist() == [1, 6]


def normal_events(cases: int = 80) -> list[dict[str, object]]:
    return purchase_events(cases, seed=7)


@pytest.fixture(scope="module")
def model() -> Model:
    trained = Model("anomaly/likelihood")
    trained.train(normal_events())
    return trained


def one_case(*steps: tuple[str, str]) -> list[dict[str, object]]:
    return [
        {"case_id": "odd", "activity": activity, "resource": who, "timestamp": f"2024-06-03T09:{i:02}:00Z"}
        for i, (activity, who) in enumerate(steps)
    ]


USUAL = [
    ("Create Order", "Ann"),
    ("Approve", "Carl"),
    ("Send Order", "Bob"),
    ("Receive Goods", "Dora"),
    ("Receive Invoice", "Fay"),
    ("Pay Invoice", "Gus"),
]


def oddest(model: Model, steps: list[tuple[str, str]]) -> dict[str, object]:
    table = model.predict(one_case(*steps), request=EVENT).predictions
    return dict(table.loc[table["score"].idxmax()])


def test_a_usual_case_has_no_odd_event(model):
    table = model.predict(one_case(*USUAL), request=EVENT).predictions
    assert not table["is_anomaly"].any()
    assert (table[["attribute", "value", "expected", "reason"]] == "").all(axis=None)


@pytest.mark.parametrize(
    ("steps", "event", "attribute", "expected", "said"),
    [
        (USUAL[:1] + USUAL[2:], 1, "activity", "Approve", "`Send Order` right after `Create Order`: 0 of 80"),
        ([*USUAL, USUAL[-1]], 6, "activity", "<end>", "the end of the case in 100 %"),
        (USUAL[:1] + [("Approve", "Gus")] + USUAL[2:], 1, "resource", "Carl", "`Gus` did `Approve`: 0 of"),
        (USUAL[1:], 0, "activity", "Create Order", "`Approve` begins the case: 0 of 80 times, `Create"),
        ([*USUAL[:3], ("Dance", "Ann"), *USUAL[3:]], 3, "activity", "Receive Goods", "`Dance`, an activity"),
    ],
    ids=["skip", "rework", "resource", "start", "unseen"],
)  # fmt: skip
def test_the_odd_event_its_value_and_the_reason(model, steps, event, attribute, expected, said):
    found = oddest(model, steps)
    assert (found["event_index"], found["attribute"]) == (event, attribute)
    assert found["is_anomaly"]
    assert said in str(found["reason"])
    assert found["expected"] == expected


def test_case_and_event_level_tell_of_the_same_event(model):
    events = one_case(*USUAL[:1], *USUAL[2:])
    case = model.predict(events).predictions.iloc[0]
    assert case["reason"] == oddest(model, USUAL[:1] + USUAL[2:])["reason"]


def test_a_training_case_scores_as_if_it_had_been_left_out():
    traces = [["a", "b", "c"]] * 30 + [["a", "c", "b"]]
    detector = LikelihoodDetector()
    encoding = detector.make_encoding().fit(trace_log(traces))
    detector.fit(encoding.transform(trace_log(traces)))
    without = LikelihoodDetector()
    without.fit(encoding.transform(trace_log(traces[:-1])))
    seen, unseen = (
        d._evidence(encoding.transform(trace_log(traces[-1:]))).parts for d in (detector, without)
    )
    # The one case that did it is no evidence that it is done; only the number of kinds of values differs.
    assert seen[:, :2] == pytest.approx(unseen[:, :2], rel=0.25)


def test_neither_times_nor_labels_are_seen():
    events = normal_events(40)
    plain = Model("anomaly/likelihood")
    plain.train([{k: e[k] for k in ("case_id", "activity", "resource", "timestamp")} for e in events])
    leaky = Model("anomaly/likelihood")
    rng = np.random.Generator(np.random.PCG64(0))
    leaky.train([e | {"label": str(rng.integers(2)), "case:is_anomaly": "no"} for e in events])
    assert leaky.manifest_fields["input_schema"]["required"].keys() == {"case_id", "activity", "resource"}
    one, other = (m.predict(events).predictions["score"] for m in (plain, leaky))
    assert (one == other).all()
    # Other times in the same order change nothing.
    late = [e | {"timestamp": e["timestamp"].replace(year=2025)} for e in events]  # type: ignore[attr-defined]
    assert (plain.predict(late).predictions["score"] == one).all()


def test_a_log_of_activities_alone_is_enough():
    model = Model("anomaly/likelihood")
    model.train(purchase_log(40, drop=["resource", "timestamp", "amount"]))
    table = model.predict(purchase_log(5, drop=["resource", "timestamp"]), request=EVENT).predictions
    assert "timestamp" not in table
    assert np.isfinite(table["score"]).all()
