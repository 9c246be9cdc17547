"""What the contract suite trains on, by task; shared with the child processes that it starts."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from pmlcli.errors import MissingDependencyError
from pmlcli.lifecycle.model import Model
from tests.logs import purchase_events

GOODS_IN_PARTS = {"rule": 'count("Receive Goods") > 1'}

# Cheap settings, so that the suite stays fast; everything else is the default.
QUICK: dict[str, dict[str, Any]] = {
    "anomaly/isolation-forest": {"n_estimators": 50},
    **{
        f"anomaly/{name}": {"max_epochs": 3, "hidden_size": 16}
        for name in ("next-event-gru", "lstm-autoencoder", "vae", "transformer-autoencoder")
    },
    "next-activity/gru": {"max_epochs": 3},
    "next-activity/transformer": {"max_epochs": 3, "hidden_size": 16, "layers": 1},
    "next-activity/linear": {"bits": 10, "epochs": 4},
    "next-activity/xgboost": {"n_estimators": 10},
    "next-activity/ensemble": {"combine": "always", "n_estimators": 10, "max_epochs": 3},
    "outcome/prior": GOODS_IN_PARTS,
    "outcome/logistic": GOODS_IN_PARTS,
    "outcome/boosting": {**GOODS_IN_PARTS, "n_estimators": 10},
    "outcome/gru": {**GOODS_IN_PARTS, "max_epochs": 2, "hidden_size": 16},
    "outcome/ensemble": {**GOODS_IN_PARTS, "combine": "always", "max_epochs": 1, "n_estimators": 10},
    "suffix/gru": {"max_epochs": 3, "hidden_size": 16, "draws": 8},
    "suffix/ensemble": {"combine": "always", "max_epochs": 3, "hidden_size": 16, "draws": 8},
    "remaining-time/boosting": {"n_estimators": 10},
    "remaining-time/gru": {"max_epochs": 3, "hidden_size": 16},
    "remaining-time/survival": {"max_epochs": 3, "hidden_size": 16},
    "remaining-time/ensemble": {"combine": "always", "members": ("boosting", "gru")},
    "forecast/arima": {"horizon": 7},
    "forecast/auto": {"horizon": 7},
    "forecast/holt-winters": {"horizon": 7},
    "forecast/theta": {"horizon": 7},
    "forecast/weekday-median": {"horizon": 7},
    **{
        f"forecast/{name}": {"horizon": 7, "max_epochs": 2, "hidden_size": 8, "recency": "off"}
        for name in ("lstm", "gru", "bidirectional-lstm", "temporal-convolution", "arima-lstm")
    },
    "forecast/xgboost": {"horizon": 7, "n_estimators": 10},
    "forecast/prophet": {"horizon": 7},
    "forecast/prophet-xgboost": {"horizon": 7, "n_estimators": 10},
    "forecast/seasonal-naive": {"horizon": 7},
}
KEYS = {
    "anomaly": ["case_id", "score", "threshold", "is_anomaly", "severity", "p_value", "reason"],
    "forecast": ["timestamp", "kpi", "value", "lower_80", "upper_80", "lower_95", "upper_95"],
    "next-activity": ["case_id", "prefix_length", "next_activity", "probability"],
    "outcome": ["case_id", "prefix_length", "outcome", "probability", "positive_probability", "is_settled"],
    "suffix": [
        "case_id",
        "prefix_length",
        "suffix",
        "events_left",
        "probability",
        "similarity",
        "remaining_seconds",
    ],
    "remaining-time": ["case_id", "prefix_length", "remaining_seconds", "lower", "upper", "expected_end"],
}

CHEAP = {
    "anomaly": "anomaly/variant-frequency",
    "forecast": "forecast/weekday-median",
    "next-activity": "next-activity/ngram",
    "outcome": "outcome/prior",
    "remaining-time": "remaining-time/median",
    "suffix": "suffix/medoid",
}
"""An algorithm of each task that learns in no time."""


def daily_events(days: int = 120, seed: int = 0) -> list[dict[str, Any]]:
    """A process with a weekly rhythm: some cases a day, fewer at weekends, two events each."""
    rng = np.random.Generator(np.random.PCG64(seed))
    events = []
    for day in pd.date_range("2024-01-01", periods=days, tz="UTC"):
        for case in range(int(rng.poisson(3 if day.weekday() >= 5 else 12))):
            start = day + pd.Timedelta(minutes=int(rng.integers(480, 1000)))
            for step, activity in enumerate(("Open", "Close")):
                at = start + pd.Timedelta(minutes=37 * step)
                case_id = f"{day:%Y%m%d}-{case}"
                events.append({"case_id": case_id, "activity": activity, "timestamp": at, "resource": "Ann"})
    return events


def events_for(name: str, seed: int = 0) -> list[dict[str, Any]]:
    """Events to train this algorithm on, or with another seed to predict."""
    return daily_events(seed=seed) if name.startswith("forecast/") else purchase_events(60, seed=seed)


def untrained(name: str) -> Model:
    """The algorithm with cheap settings."""
    # One cut where a trial is dear: what several cuts do is tested where they are made.
    quick = {"cuts": 1, **QUICK[name]} if name in QUICK else {}
    return Model(name, **quick)


@cache
def trained(name: str) -> Model:
    """The algorithm trained on its contract log; nobody may change it."""
    model = untrained(name)
    model.train(events_for(name))
    return model


def is_installed(name: str) -> bool:
    """Whether the libraries of an algorithm's extra, and of its members, are there."""
    try:
        untrained(name)
    except MissingDependencyError:
        return False
    return True
