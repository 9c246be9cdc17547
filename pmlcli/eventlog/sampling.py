"""A sample of whole cases, drawn by a stable hash of their ids: the same for any order of rows."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from pmlcli.errors import ValidationError
from pmlcli.eventlog.log import EventLog

_DIGEST_BYTES = 8


def sample_of(log: EventLog, cases: int) -> EventLog:
    """The so many cases whose ids have the smallest hashes, in the log's order; the log itself where it has
    no more. A smaller sample is part of a larger one.

    ValidationError for fewer than one.
    """
    if cases < 1:
        raise ValidationError(f"a sample has at least 1 case, not {cases}")
    if log.n_cases <= cases:
        return log
    ids = [str(case).encode("utf-8", "surrogatepass") for case in log.case_ids.tolist()]
    places = sorted(range(log.n_cases), key=lambda case: (_digest(ids[case]), ids[case]))
    kept = np.sort(np.array(places[:cases], dtype=np.int64))
    # The log's end stays what it was: it says which of these cases are running.
    return replace(log.take_cases(kept), until=log.end)


def sample_facts(whole: EventLog, sample: EventLog) -> dict[str, dict[str, int]]:
    """What the manifest keeps of a sample, under `sample`; empty where all cases were taken."""
    if sample.n_cases == whole.n_cases:
        return {}
    return {
        "sample": {
            "cases": sample.n_cases,
            "of_cases": whole.n_cases,
            "events": sample.n_events,
            "of_events": whole.n_events,
        }
    }


def _digest(case: bytes) -> bytes:
    return hashlib.blake2b(case, digest_size=_DIGEST_BYTES).digest()
