"""Networks over whole traces: the planted event is the top one and named, company, long traces, seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")

from pmlcli.algorithms._interface.request import PredictRequest  # noqa: E402
from pmlcli.algorithms.anomaly import _judgement, _network  # noqa: E402
from pmlcli.algorithms.anomaly._network import LEAST, answers_of, pieces, sizes_of  # noqa: E402
from pmlcli.algorithms.anomaly.lstm_autoencoder import LstmAutoencoder  # noqa: E402
from pmlcli.algorithms.anomaly.next_event_gru import NextEventDetector  # noqa: E402
from pmlcli.algorithms.anomaly.transformer_autoencoder import TransformerAutoencoder  # noqa: E402
from pmlcli.algorithms.anomaly.vae import VariationalAutoencoder  # noqa: E402
from pmlcli.errors import ValidationError  # noqa: E402
from pmlcli.eventlog.log import EventLog  # noqa: E402
from tests.algorithms.anomaly.fitted import predict, train  # noqa: E402
from tests.logs import log_of, purchase_events, purchase_log, trace_log  # noqa: E402

NETWORKS = (NextEventDetector, LstmAutoencoder, VariationalAutoencoder, TransformerAutoencoder)
CASE, EVENT = PredictRequest(), PredictRequest(level="event")


@pytest.fixture(scope="module", params=NETWORKS, ids=lambda cls: cls.__name__)
def trained(request):
    return train(request.param(hidden_size=32, max_epochs=12), purchase_log(200))


def with_oddity(at: int, **values: str) -> EventLog:
    """Ten ordinary purchases, in the last of which one event is changed."""
    events = purchase_events(10, seed=9)
    events[len(events) - 1 - at].update(values)
    return log_of(events)


def test_the_planted_activity_is_the_top_event_and_named(trained):
    log = with_oddity(0, activity="Approve", resource="Carl")
    table = predict(trained, log, CASE)
    assert table["score"].idxmax() == 9
    assert table["is_anomaly"][9]
    assert "`Approve`" in table["reason"][9]
    assert "`Pay Invoice`" in table["reason"][9]
    events = predict(trained, log, EVENT)
    top = events.loc[events["score"].idxmax()]
    assert (top["case_id"], top["attribute"], top["value"]) == ("PO-0009", "activity", "Approve")
    assert top["expected"] == "Pay Invoice"


def test_the_planted_resource_is_the_top_value_and_named(trained):
    log = with_oddity(0, resource="Carl")
    events = predict(trained, log, EVENT)
    top = events.loc[events["score"].idxmax()]
    assert (top["case_id"], top["attribute"], top["value"]) == ("PO-0009", "resource", "Carl")
    assert top["expected"] in ("Fay", "Gus")
    assert top["reason"].startswith("`Carl` for `Pay Invoice`")


def test_scores_do_not_depend_on_the_batch(trained, monkeypatch):
    detector = trained.algorithm
    log = purchase_log(30, seed=3)
    table = predict(trained, log, EVENT)
    monkeypatch.setattr(_judgement, "CHUNK_CASES", 7)
    monkeypatch.setattr(_network, "SCORED_EVENTS", 20)
    again = predict(trained, log, EVENT)
    pd.testing.assert_frame_equal(again, table, rtol=0, atol=detector.tolerance)


def test_what_training_never_saw_is_as_unlikely_as_can_be(trained):
    detector, encoding = trained.algorithm, trained.encoding
    data = encoding.transform(with_oddity(2, activity="Never Seen", resource="Nobody"))
    answers = answers_of(detector, data)
    odd = data.n_events - 3
    assert np.isneginf(answers.seen[odd]).all()
    assert sizes_of(answers)[odd].min() > -LEAST / 2
    assert np.isfinite(detector.values(data).scores).all()


def test_the_likeliest_value_surprises_nobody_and_shares_sum_to_one(trained):
    detector, encoding = trained.algorithm, trained.encoding
    answers = answers_of(detector, encoding.transform(purchase_log(20, seed=4)))
    assert (answers.seen <= answers.best + 1e-12).all()
    assert (answers.best <= 0).all()
    assert (sizes_of(answers) >= 0).all()


def test_the_same_seed_gives_the_same_tensors(trained):
    detector = trained.algorithm
    again = train(type(detector)(hidden_size=32, max_epochs=12), purchase_log(200))
    assert again.calibration == trained.calibration
    for name, tensor in detector.network_.state_dict().items():
        assert torch.equal(tensor, again.algorithm.network_.state_dict()[name])


@pytest.mark.parametrize("cls", NETWORKS)
def test_long_traces_single_events_and_logs_without_resources_or_times(cls, monkeypatch):
    monkeypatch.setattr(_network, "LONGEST", 5)
    log = trace_log([["a", "b"] * 6, ["a"], ["b", "c"]] * 8)
    fitted = train(cls(hidden_size=8, max_epochs=2), log)
    table = predict(fitted, log, EVENT)
    assert len(table) == log.n_events
    assert np.isfinite(table["score"]).all()


def test_pieces_of_long_traces(monkeypatch):
    monkeypatch.setattr(_network, "LONGEST", 3)
    offsets, case = pieces(np.array([0, 7, 8, 11]))
    assert offsets.tolist() == [0, 3, 6, 7, 8, 11]
    assert case.tolist() == [0, 0, 0, 1, 2]


def test_scoring_a_variational_autoencoder_involves_no_chance():
    fitted = train(VariationalAutoencoder(hidden_size=8, max_epochs=2), purchase_log(40))
    detector, encoding = fitted.algorithm, fitted.encoding
    data = encoding.transform(purchase_log(10, seed=1))
    torch.manual_seed(1)
    first = detector.values(data).scores
    torch.manual_seed(2)
    assert (detector.values(data).scores == first).all()


def test_heads_that_do_not_fit_are_refused():
    with pytest.raises(ValidationError, match="hidden_size is 10, which 4 heads do not divide"):
        train(TransformerAutoencoder(hidden_size=10), purchase_log(20))
