"""Traces and variants against a dictionary of tuples."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pmlcli.encoding.events.traces import UNSEEN_VARIANT, TraceEncoding
from tests.logs import purchase_log, trace_log

LISTED = st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=5), min_size=1, max_size=10)


@settings(max_examples=50, deadline=None)
@given(LISTED, LISTED)
def test_variants_are_those_of_a_dictionary(training, traces):
    encoding = TraceEncoding().fit(trace_log(training))
    trained = encoding.transform(trace_log(training))
    number = {tuple(trace): int(v) for trace, v in zip(training, trained.variants, strict=True)}
    assert sorted(number.values()) == list(range(len({tuple(t) for t in training})))
    assert trained.n_variants == len(number)
    later = encoding.transform(trace_log(traces))
    assert later.variants.tolist() == [number.get(tuple(t), UNSEEN_VARIANT) for t in traces]


def test_many_activities_and_shifted_codes():
    # 300 activities: codes take more than one byte.
    names = [f"step {i:03d}" for i in range(300)]
    training = [names[i : i + 2] for i in range(299)]
    encoding = TraceEncoding().fit(trace_log(training))
    shifted = encoding.transform(trace_log([["a new one", "step 001"], training[298], training[255]]))
    direct = encoding.transform(trace_log(training))
    assert shifted.variants.tolist() == [UNSEEN_VARIANT, direct.variants[298], direct.variants[255]]


def test_a_trace_with_an_unseen_activity_is_no_known_variant():
    encoding = TraceEncoding().fit(trace_log([["a"], ["b"]]))
    assert encoding.transform(trace_log([["z"]])).variants.tolist() == [UNSEEN_VARIANT]


def test_state_round_trip():
    log = purchase_log(30)
    encoding = TraceEncoding().fit(log)
    again = TraceEncoding.from_state(encoding.state())
    assert (again.transform(log).variants == encoding.transform(log).variants).all()
    assert again.vocabularies() == encoding.vocabularies()
    assert encoding.required_columns() == ()
    assert np.array_equal(encoding.transform(log).offsets, log.offsets)
