"""Predictions as pictures: axes have names, equal tables give equal bytes, hostile names stay text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pmlcli.render.prediction_charts import risks, scores

CASES = [f"a & <b> $x$ {i}" for i in range(60)]


def table(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"case_id": CASES, **columns})


ODD = table(score=np.linspace(0, 9, 60), threshold=7.0, is_anomaly=np.linspace(0, 9, 60) > 7)
LATE = table(
    remaining_seconds=np.linspace(0, 9e5, 60), lower=np.linspace(0, 5e5, 60), upper=np.linspace(0, 2e6, 60)
)


@pytest.mark.parametrize(("file_format", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_equal_tables_give_equal_bytes(file_format: str, begins: bytes) -> None:
    for drawn in (
        lambda: scores(ODD, file_format),
        lambda: risks(LATE, ("remaining_seconds", False), {"remaining_seconds": "seconds"}, file_format),
    ):
        assert drawn().startswith(begins)
        assert drawn() == drawn()


def test_every_axis_has_its_name() -> None:
    text = scores(ODD, "svg").decode()
    assert "score (the last bar holds all that are higher)" in text
    assert "rows (count)" in text
    text = risks(LATE, ("remaining_seconds", False), {"remaining_seconds": "seconds"}, "svg").decode()
    assert "remaining (days)" in text
    assert ">case<" in text
    assert "a &amp; &lt;b&gt;" in text


def test_the_riskiest_come_first_whichever_way_risk_goes() -> None:
    high = risks(LATE, ("remaining_seconds", False), {}, "svg").decode()
    low = risks(LATE, ("remaining_seconds", True), {}, "svg").decode()
    assert "x$ 59" in high
    assert "x$ 59" not in low
    assert "x$ 0<" in low


def test_nothing_to_draw_is_still_a_picture() -> None:
    assert scores(ODD.head(0), "svg").startswith(b"<?xml")
    assert risks(LATE.head(0), ("remaining_seconds", False), {}, "svg").startswith(b"<?xml")
