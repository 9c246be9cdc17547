"""A bundle says of a log what its encodings say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmlcli.encoding.base import Encodes, Encoding
from pmlcli.encoding.bundle import BundleEncoding
from pmlcli.encoding.events.prefixes import PrefixEncoding
from pmlcli.encoding.series.encoding import SeriesEncoding
from pmlcli.encoding.series.exogenous import Exogenous
from pmlcli.encoding.series.regressors import Regressors
from pmlcli.errors import UntrustedArtifactError
from pmlcli.eventlog.log import EventLog
from tests.logs import log_of


def log(cases: int = 40, first: float = 1.0) -> EventLog:
    begin = pd.Timestamp("2024-01-01", tz="UTC")
    return log_of(
        [
            dict(
                case_id=f"c{i}",
                activity=activity,
                timestamp=begin + pd.Timedelta(hours=6 * i + step),
                resource=f"r{i % 3}",
                amount=first + i % 7,
                kind=("x", "y")[i % 2],
                urgent=i % 3 == 0,
            )
            for i in range(cases)
            for step, activity in enumerate(("a", "b"))
        ]
    )


def told(encoding: Encodes[object], name: str) -> Any:
    late = log()
    late = replace(late, times=np.where(late.position > 0, late.times + 10**15, late.times))
    found = encoding.times_beyond(late) if name == "times_beyond" else getattr(encoding, name)()
    if isinstance(found, int):
        return found
    return {k: set(v) for k, v in found.items()} if isinstance(found, dict) else set(found)


REPORTS = [name for name in vars(Encoding) if not name.startswith("_")]
REPORTS = [name for name in REPORTS if callable(getattr(Encoding, name, None))]
REPORTS = [name for name in REPORTS if name not in ("fit", "transform", "state", "from_state", "restored")]


def series(made: EventLog) -> SeriesEncoding:
    encoding = SeriesEncoding(("arrivals",))
    table = Regressors(("price",), np.array([0]), np.zeros((1, 1)))
    encoding.exogenous = Exogenous.of(table, "D", None)
    return encoding.fit(made)


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("make", [lambda made: PrefixEncoding().fit(made), series])
def test_a_bundle_of_one_reports_what_that_one_reports(
    name: str, make: Callable[[EventLog], Encoding[Any]]
) -> None:
    one = make(log())
    bundle = BundleEncoding({"one": one})
    assert told(bundle, name) == told(one, name)
    assert told(bundle.restored(bundle.state()), name) == told(one, name)


def test_something_is_reported_by_each() -> None:
    some = {name for name in REPORTS for make in (PrefixEncoding().fit, series) if told(make(log()), name)}
    assert some == set(REPORTS) and "number_limits" in some


def test_of_several_limits_the_widest_hold() -> None:
    parts = {name: PrefixEncoding().fit(log(first=first)) for name, first in (("a", 1.0), ("b", 5.0))}
    assert BundleEncoding(parts).number_limits()["amount"] == (1.0, 11.0)


@pytest.mark.parametrize("change", [{"names": ["other"]}, {"kinds": ["traces"]}, {"kinds": ["bundle"]}])
def test_a_bundle_restores_no_encoding_but_its_own(change: dict[str, list[str]]) -> None:
    """What a model's file names is never looked up among the classes of this process."""
    bundle = BundleEncoding({"one": PrefixEncoding().fit(log())})
    with pytest.raises(UntrustedArtifactError, match="no encoding of"):
        BundleEncoding({"one": PrefixEncoding()}).restored(bundle.state() | change)


@pytest.mark.parametrize("inter_case", [False, True])
def test_a_bundle_uses_inter_case_features_where_one_of_its_encodings_does(inter_case: bool) -> None:
    parts = {"plain": PrefixEncoding(), "other": PrefixEncoding(inter_case=inter_case)}
    assert BundleEncoding(parts).uses_inter_case == inter_case
