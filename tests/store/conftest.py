from __future__ import annotations

from typing import Any

import pytest

from pmlcli.store.schema import SCHEMA_VERSION


@pytest.fixture
def manifest_fields() -> dict[str, Any]:
    """Everything of a manifest but its artifacts."""
    return {
        "schema_version": SCHEMA_VERSION,
        "model_id": "p2p",
        "model_type": "anomaly/isolation-forest",
        "version": "1",
        "status": "trained",
        "created_at": "2024-01-02T03:04:05Z",
        "trained_at": "2024-01-02T03:04:06.5Z",
        "hyperparameters": {"contamination": 0.05},
        "performance_metrics": {"auc": {"value": 0.9, "baseline": None}},
        "training_samples": 120,
        "input_schema": {"columns": ["case_id", "activity"]},
        "training_log": {"name": "log.csv", "sha256": "00"},
        "seed": 0,
        "dependencies": {},
        "platform": {"machine": "x86_64"},
        "determinism": {"threads": 1},
    }
