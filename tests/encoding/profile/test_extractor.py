"""Case profiles: counts against a plain loop, columns fixed for ever, words, faults by name."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmlcli.encoding.profile.column import SENTENCES, FeatureColumn, duration_words, number_words
from pmlcli.encoding.profile.extractor import CaseFeatures, FeatureConfig, FeatureExtractor
from pmlcli.errors import LogError, ValidationError
from pmlcli.eventlog import read_log
from tests.logs import log_of, purchase_events, purchase_log, trace_log

LISTED = st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=6), min_size=1, max_size=8)


def value(features: CaseFeatures, case: int, name: str) -> float:
    names = [column.name for column in features.columns]
    return float(features.matrix[case, names.index(name)])


def sentence(features: CaseFeatures, case: int, name: str) -> str:
    return features.sentence(case, [column.name for column in features.columns].index(name))


@settings(max_examples=50, deadline=None)
@given(LISTED, LISTED)
def test_counts_are_those_of_a_plain_loop(training, traces):
    features = FeatureExtractor().fit(trace_log(training)).transform(trace_log(traces))
    known = {activity for trace in training for activity in trace}
    support = Counter(pair for trace in training for pair in {*pairwise(["<start>", *trace, "<end>"])})
    for i, trace in enumerate(traces):
        steps = Counter(pairwise(["<start>", *trace, "<end>"]))
        assert value(features, i, "length") == len(trace)
        assert value(features, i, "rare_activity") == sum(a not in known for a in trace)
        assert value(features, i, "rare_pair") == sum(n for p, n in steps.items() if support[p] < 2)
        for column in features.columns:
            if column.kind == "activity":
                assert value(features, i, column.name) == trace.count(column.subject)
            if column.kind == "pair":
                assert value(features, i, column.name) == steps[(column.subject, column.other)]
                assert support[(column.subject, column.other)] >= 2


def test_the_original_constructor_works_on_event_dicts():
    config = FeatureConfig(
        numerical_features=["amount"],
        categorical_features=["activity"],
        temporal_features=["timestamp"],
        use_normalization=True,
    )
    log = purchase_log(60)
    features = FeatureExtractor(config).fit(log).transform(log)
    kinds = {column.kind for column in features.columns}
    assert {"activity", "pair", "resource", "duration", "number_mean"} <= kinds
    assert features.matrix.dtype == np.float64
    assert np.isfinite(features.matrix).all()
    assert np.abs(np.median(features.matrix, axis=0)).max() < 1e-9


@pytest.mark.parametrize("normal", [False, True])
def test_state_gives_the_same_bits_and_holds_no_class(normal):
    config = FeatureConfig(["amount"], ["vendor"], use_normalization=normal)
    events = [{**event, "vendor": "v" + event["case_id"][-1]} for event in purchase_events(30)]
    log = log_of(events)
    extractor = FeatureExtractor(config).fit(log)
    state = extractor.state()
    again = FeatureExtractor.from_state(state)
    before, after = extractor.transform(log), again.transform(log)
    assert before.matrix.tobytes() == after.matrix.tobytes()
    assert before.columns == after.columns
    assert again.vocabularies() == extractor.vocabularies()
    assert again.required_columns() == extractor.required_columns()
    _assert_plain(state)


def _assert_plain(thing: object) -> None:
    if isinstance(thing, dict):
        for key, item in thing.items():
            assert type(key) is str
            _assert_plain(item)
    elif isinstance(thing, list):
        for item in thing:
            _assert_plain(item)
    else:
        assert type(thing) in (str, int, float, bool, np.ndarray), type(thing)


def test_a_case_is_the_same_alone_and_in_company():
    log = purchase_log(50)
    extractor = FeatureExtractor(FeatureConfig(["amount"], use_normalization=True)).fit(log)
    together = extractor.transform(log).matrix
    for case in range(log.n_cases):
        alone = extractor.transform(log.take_cases(np.array([case]))).matrix
        assert alone.tobytes() == together[case : case + 1].tobytes()


def test_columns_stay_whatever_a_later_log_holds():
    extractor = FeatureExtractor().fit(trace_log([list("abc")] * 5, resource=["x", "y", "z"] * 5))
    later = extractor.transform(trace_log([["q", "a"]], resource=["new", None]))
    first = extractor.transform(trace_log([["a"]], resource=["x"]))
    assert later.columns == first.columns
    assert value(later, 0, "rare_activity") == 1
    assert value(later, 0, "rare_resource") == 1
    assert value(later, 0, "missing:resource") == 1
    assert value(later, 0, "handovers") == 0
    assert value(later, 0, "resources") == 1


def test_resources_are_counted_and_unusual_work_is_seen():
    log = trace_log([["a", "b", "a"]] * 3, resource=["x", "y", "x"] * 3)
    extractor = FeatureExtractor().fit(log)
    features = extractor.transform(trace_log([["a", "b", "a"]], resource=["x", "x", "y"]))
    assert value(features, 0, "resources") == 2
    assert value(features, 0, "handovers") == 1
    assert value(features, 0, "rare_work") == 2
    assert value(features, 0, "resource:x") == 2
    assert sentence(features, 0, "rare_work").startswith("`x` did `b`")


def test_times_only_where_the_log_has_them_and_in_its_zone():
    events = [
        {"case_id": "1", "activity": "a", "timestamp": "2024-01-01T23:30:00Z"},
        {"case_id": "1", "activity": "b", "timestamp": "2024-01-02T00:30:00Z"},
        {"case_id": "1", "activity": "c", "timestamp": "2024-01-02T03:30:00Z"},
        {"case_id": "2", "activity": "a", "timestamp": "2024-01-03T10:00:00Z"},
    ]
    few = FeatureExtractor().fit(log_of(events)).transform(log_of(events))
    assert value(few, 0, "start_hour") == value(few, 1, "start_weekday") == 0, "three days are no calendar"
    days = pd.date_range("2024-01-10T10:00Z", periods=21)
    events += [
        {"case_id": f"m{day}", "activity": "a", "timestamp": str(time)} for day, time in enumerate(days)
    ]
    log = log_of(events)
    features = FeatureExtractor().fit(log).transform(log)
    assert value(features, 0, "duration") == np.log1p(4 * 3600)
    assert value(features, 0, "gap_mean") == np.log1p(2 * 3600)
    assert value(features, 0, "gap_max") == np.log1p(3 * 3600)
    assert value(features, 0, "start_hour") == 23
    assert value(features, 0, "start_weekday") == 0
    assert value(features, 1, "duration") == value(features, 1, "gap_max") == 0
    rome = read_log(events, timezone="Europe/Rome")
    in_rome = FeatureExtractor().fit(rome)
    assert value(in_rome.transform(rome), 0, "start_hour") == 0
    assert value(in_rome.transform(log), 0, "start_weekday") == 1, "the training log's zone holds"
    without = FeatureExtractor().fit(purchase_log(5, drop=["timestamp"]))
    assert "timestamp" not in without.required_columns()


def test_numbers_by_mean_and_largest_with_the_median_for_the_missing():
    log = trace_log([["a", "a"], ["a"], ["a"]], cost=[1.0, 3.0, 10.0, 4.0])
    extractor = FeatureExtractor(FeatureConfig(["cost"])).fit(log)
    features = extractor.transform(trace_log([["a", "a"], ["a"]], cost=[2.0, None, None]))
    assert [value(features, i, "number_mean:cost") for i in (0, 1)] == [2, 4]
    assert [value(features, i, "number_max:cost") for i in (0, 1)] == [2, 4]


def test_case_columns_by_value():
    log = trace_log([["a", "b"], ["a"]], **{"case:amount": [7, 7, 9], "case:type": ["s", "s", "t"]})
    extractor = FeatureExtractor(FeatureConfig(["case:amount"], ["case:type"])).fit(log)
    features = extractor.transform(log)
    assert [value(features, i, "number:case:amount") for i in (0, 1)] == [7, 9]
    assert [value(features, i, "category:case:type:s") for i in (0, 1)] == [1, 0]


def test_categories_have_a_column_for_the_new_and_one_for_the_missing():
    extractor = FeatureExtractor(FeatureConfig((), ["kind"])).fit(
        trace_log([["a", "a"], ["a"]], kind=["x", "y", "x"])
    )
    features = extractor.transform(trace_log([["a", "a", "a"]], kind=["x", "new", None]))
    assert value(features, 0, "category:kind:x") == 1
    assert value(features, 0, "rare_category:kind") == 1
    assert value(features, 0, "missing:kind") == 1
    assert sentence(features, 0, "rare_category:kind") == "`new` is a rare or new value of 'kind'"


def test_a_column_that_never_varied_is_safe_and_weighs_by_the_cases():
    config = FeatureConfig(use_normalization=True)
    log = trace_log([list("ab")] * 99)
    features = FeatureExtractor(config).fit(log).transform(trace_log([list("aab")]))
    assert np.isfinite(features.matrix).all()
    assert value(features, 0, "activity:a") == pytest.approx(10.0)


@pytest.mark.parametrize("column", ["timestamp", "resource", "amount"])
def test_a_column_missing_at_prediction_is_named(column):
    extractor = FeatureExtractor(FeatureConfig(["amount"])).fit(purchase_log(12))
    with pytest.raises(LogError, match=f"no column '{column}'") as caught:
        extractor.transform(purchase_log(12, drop=[column]))
    assert caught.value.context == {"column": column}


def test_a_misspelt_column_gets_the_nearest_name():
    with pytest.raises(LogError, match="'amonut'") as caught:
        FeatureExtractor(FeatureConfig(["amonut"])).fit(purchase_log(5))
    assert "amount" in str(caught.value.hint)


def test_words_among_numbers_are_counted_and_named():
    log = trace_log([["a", "a"]], cost=["1.5", "free"])
    with pytest.raises(LogError, match="1 of 2 values are not numbers") as caught:
        FeatureExtractor(FeatureConfig(["cost"])).fit(log)
    assert "'free'" in caught.value.message


@pytest.mark.parametrize(
    "wrong",
    [
        {"numerical_features": ["timestamp"]},
        {"categorical_features": ["case_id"]},
        {"temporal_features": ["amount"]},
    ],
)
def test_names_that_cannot_be_such_a_feature(wrong):
    with pytest.raises(ValidationError):
        FeatureConfig(**wrong)


def test_attributes_stay_out_unless_named():
    log = purchase_log(20)
    kinds = {column.kind for column in FeatureExtractor().fit(log).transform(log).columns}
    assert not kinds & {"number", "number_mean", "number_max", "category", "rare_category"}


def test_input_is_not_changed():
    log = purchase_log(20)
    frame, codes = log.frame.copy(), log.activity_codes.copy()
    FeatureExtractor(FeatureConfig(["amount"], use_normalization=True)).fit(log).transform(log)
    assert log.frame.equals(frame)
    assert (log.activity_codes == codes).all()


def test_reasons_are_in_process_words():
    usual = [["Order", "Pay"]] * 9
    extractor = FeatureExtractor(FeatureConfig(use_normalization=True)).fit(trace_log(usual))
    features = extractor.transform(trace_log([["Order", "Order", "Pay", "Pay", "Pay"], ["Pay"], ["Gift"]]))
    assert sentence(features, 0, "activity:Pay") == "`Pay` happened 3 times (typically once)"
    assert sentence(features, 1, "activity:Order") == "`Order` never happened (typically once)"
    assert sentence(features, 1, "pair:<start>:Order") == "did not begin with `Order`, though typically so"
    assert sentence(features, 0, "rare_pair") == (
        "`Order` directly followed by `Order`, hardly ever or never seen before"
    )
    assert sentence(features, 2, "rare_activity") == "`Gift` is an activity never seen before"
    assert sentence(features, 0, "length") == "5 events (typically 2)"


def test_every_kind_of_column_has_a_sentence_without_and_with_names():
    for kind in SENTENCES:
        for typical, found in ((0.0, 2.0), (2.0, 0.0)):
            column = FeatureColumn(kind, typical=typical)
            assert column.sentence(found)
            named = column.sentence(found, "Xavier", "Yoko")
            assert "Xavier" in named or "Yoko" in named or "typically" in named


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (90, "1.5 min"), (7200, "2 h"), (31 * 86400, "31 d")]
)
def test_durations(seconds, words):
    assert duration_words(seconds) == words


def test_numbers():
    assert [number_words(x) for x in (3.14159, 3400.0, -12.0)] == ["3.142", "3,400", "-12"]
