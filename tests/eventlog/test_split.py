"""Splits: what they share, and what they may not."""

from __future__ import annotations

import numpy as np
import pytest

from pmlcli.errors import LogError
from pmlcli.eventlog.split import (
    measured_prefixes,
    most_cuts,
    rolling_splits,
    rolling_strict_splits,
    seen_share,
    split_by_start,
    split_strictly,
    training_shares,
)
from tests.logs import purchase_log, trace_log


def test_a_strict_split_shares_no_moment() -> None:
    log = purchase_log(60)
    split = split_strictly(log)
    assert split.since is not None
    assert split.train.times.max() < split.since
    assert split.train.n_cases + split.test.n_cases == log.n_cases
    assert not set(split.train.case_ids) & set(split.test.case_ids)
    counted = measured_prefixes(split)
    assert (split.test.times[counted] >= split.since).all()
    assert (split.test.times[~counted] < split.since).all()
    # Cases that were running when the period began are tested, from then on.
    assert (split.test.starts < split.since).any()
    assert split.since == np.sort(log.starts)[48]


def test_a_strict_split_needs_times_and_an_ended_case() -> None:
    with pytest.raises(LogError, match="no timestamps"):
        split_strictly(trace_log(["ab", "ab"]))
    log = purchase_log(10)
    together = log.take_cases(np.arange(2))
    with pytest.raises(LogError, match="no case had ended"):
        split_strictly(together)


def test_seen_prefixes_are_those_that_a_training_case_began_with() -> None:
    split = split_by_start(trace_log(["abc", "abd", "ba", "ab", "abe"]))
    assert split.test.n_cases == 1
    # a and ab were seen, abe was not; ba begins with other activities than ab.
    assert seen_share(split) == pytest.approx(2 / 3)
    assert seen_share(split_by_start(trace_log(["ba", "ba", "ba", "ba", "ab"]))) == 0


def test_three_cuts_test_one_block_each_and_the_last_is_the_last_fifth() -> None:
    log = purchase_log(100)
    cuts = rolling_splits(log, 3)
    assert [cut.train.n_cases for cut in cuts] == [50, 65, 80]
    assert [cut.test.n_cases for cut in cuts] == [15, 15, 20]
    last = split_by_start(log)
    assert cuts[-1].test.case_ids.tolist() == last.test.case_ids.tolist()
    tested = [case for cut in cuts for case in cut.test.case_ids]
    assert len(set(tested)) == len(tested) == 50
    for cut in cuts:
        assert cut.train.starts.max() <= cut.test.starts.min()
        assert cut.period == (cut.test.starts.min(), cut.test.starts.max())


@pytest.mark.parametrize(
    ("n_cases", "wanted", "made"),
    [(4, 3, 1), (60, 3, 1), (70, 3, 3), (1000, 1, 1), (1000, 2, 2), (400, 10, 10)],
)
def test_small_logs_have_fewer_cuts(n_cases: int, wanted: int, made: int) -> None:
    assert most_cuts(n_cases, wanted) == made
    shares = training_shares(made)
    assert len(shares) == made
    assert shares[-1] == pytest.approx(0.8)
    assert min(shares) >= 0.5 - 1e-9


def test_strict_cuts_measure_each_event_once_and_share_no_moment() -> None:
    log = purchase_log(100)
    cuts = rolling_strict_splits(log, 3)
    assert len(cuts) == 3
    last = split_strictly(log)
    assert cuts[-1].since == last.since and cuts[-1].test.n_cases == last.test.n_cases
    measured = []
    for cut in cuts:
        assert cut.train.times is not None and cut.test.times is not None and cut.since is not None
        assert cut.train.times.max() < cut.since
        counted = measured_prefixes(cut)
        assert (cut.test.times[counted] >= cut.since).all()
        assert cut.until is None or (cut.test.times[counted] < cut.until).all()
        cases = np.repeat(cut.test.case_ids, cut.test.lengths)
        measured += list(zip(cases[counted], cut.test.position[counted], strict=True))
    assert len(set(measured)) == len(measured)
