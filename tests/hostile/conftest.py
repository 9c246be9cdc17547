"""The command line's fixtures, for hostile inputs too."""

from tests.cli.conftest import csv_log, model, place, run

__all__ = ["csv_log", "model", "place", "run"]
