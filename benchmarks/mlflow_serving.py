"""Whether MLflow loads what `pmlcli export --mlflow` wrote, and gives the model's own predictions.

Needs mlflow beside pmlcli, in an environment of its own; no test does.

    pmlcli export models/late --mlflow served
    python benchmarks/mlflow_serving.py served log.csv
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pandas as pd

from pmlcli import Model


def main(place: Path, log: Path) -> None:
    """Compares the two tables, and prints how many rows are the same."""
    mlflow = importlib.import_module("mlflow")
    events = pd.read_csv(log)
    served = mlflow.pyfunc.load_model(str(place)).predict(events)
    pd.testing.assert_frame_equal(served, Model.load(place / "model").predict(events).predictions)
    print(f"mlflow {mlflow.__version__}: {len(served)} predictions, the same")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
