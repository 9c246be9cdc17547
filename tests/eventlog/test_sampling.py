"""A sample of cases: whole, stable, nested, and blind to the order of rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pmlcli.errors import ValidationError
from pmlcli.eventlog import read_log
from pmlcli.eventlog.sampling import sample_facts, sample_of
from pmlcli.eventlog.source import sha256_of
from pmlcli.eventlog.writers import write_log
from tests.logs import purchase_events, purchase_log


def test_the_same_cases_are_drawn_whole_for_any_order_of_rows() -> None:
    events = purchase_events(50)
    log = read_log(events)
    shuffled = read_log(pd.DataFrame(events).sample(frac=1, random_state=3, ignore_index=True))
    one, other = sample_of(log, 12), sample_of(shuffled, 12)
    assert one.case_ids.tolist() == other.case_ids.tolist()
    assert one.n_cases == 12
    whole = dict(zip(log.case_ids, log.lengths, strict=True))
    assert [whole[case] for case in one.case_ids] == one.lengths.tolist()
    assert one.end == log.end
    assert np.all(np.diff(one.starts) >= 0)


def test_which_cases_they_are_never_changes() -> None:
    """Pinned: another hash would change models, and what `--skip-unchanged` means."""
    assert sample_of(purchase_log(50), 3).case_ids.tolist() == ["PO-0020", "PO-0022", "PO-0026"]


def test_a_smaller_sample_is_part_of_a_larger_one_and_all_means_all() -> None:
    log = purchase_log(30)
    assert set(sample_of(log, 7).case_ids) < set(sample_of(log, 20).case_ids)
    for cases in (30, 31):
        assert sample_of(log, cases) is log
    assert sample_facts(log, log) == {}
    assert sample_facts(log, sample_of(log, 7))["sample"]["of_events"] == log.n_events
    with pytest.raises(ValidationError, match="at least 1 case"):
        sample_of(log, 0)


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz", "log.csv.zip", "log.xes.gz", "log.parquet"])
def test_the_hash_of_a_file_is_what_reading_it_tells(name: str, tmp_path: Path) -> None:
    log, path = purchase_log(5), tmp_path / name
    if ".csv" in name:
        log.frame.to_csv(path, index=False)
    else:
        write_log(log, path)
    assert sha256_of(path) == read_log(path).source.sha256
