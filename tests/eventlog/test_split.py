"""Splits: what they share, and what they may not."""

from __future__ import annotations

import numpy as np
import pytest

from pmlcli.errors import LogError
from pmlcli.eventlog.split import measured_prefixes, seen_share, split_by_start, split_strictly
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
