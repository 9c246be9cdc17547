"""`pmlcli export`: a model in the form that another tool serves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pmlcli.cli._group import PLACE
from pmlcli.cli._options import CommonOptions
from pmlcli.cli._target import require_outside_models
from pmlcli.cli._trust import SealOptions
from pmlcli.render import text

ModelArgument = Annotated[Path, typer.Argument(metavar="MODEL", help="Model directory.", show_default=False)]
MlflowOption = Annotated[
    Path,
    PLACE,
    typer.Option(
        "--mlflow",
        metavar="DIR",
        help="The directory to write, which MLflow loads as a python_function.",
        show_default=False,
    ),
]


def export(model: ModelArgument, mlflow: MlflowOption, seal: SealOptions, common: CommonOptions) -> None:
    """Write a model in the form that MLflow loads and serves.

    The model is verified first, and again each time that it is loaded: a byte that changed is an error then.
    MLflow is not needed here. Prints the path of the directory on stdout.
    """
    with common.session() as session:
        require_outside_models(mlflow)
        # pandas takes time to import.
        from pmlcli.lifecycle.mlflow import export as write

        document = {"path": str(mlflow), "root_digest": write(model, mlflow, check_seal=seal.seal_check())}
        session.note(f"exported {model}, root digest {document['root_digest']}")
        session.outcome("export", document, lambda: text.saved_path(document))
