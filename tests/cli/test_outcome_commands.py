"""What `pmlcli train -t outcome` asks for before it reads a log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "none was given"),
        (["--slower-than", "3d", "--rule", "length > 3"], "slower_than and rule was given"),
        (["--rule", 'count("a" > 2'], "character 11"),
        (["--slower-than", "soon"], "'soon' is no duration"),
        (["--slower-than", "3d", "--positive", "slow"], "no outcome is called 'slow'"),
        (["--label-column", "timestamp"], "'timestamp' cannot be the label"),
    ],
)
def test_a_wrong_outcome_is_a_usage_error_before_the_log_is_read(
    run: Run, options: list[str], said: str
) -> None:
    result = run("train", "no-such-log.csv", "-a", "outcome/prior", *options)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_shorthand_may_not_contradict_a_parameter(run: Run) -> None:
    given = ["-p", "slower_than=2d", "--slower-than", "3d"]
    result = run("train", "no-such-log.csv", "-a", "outcome/prior", *given)
    assert result.exit_code == 2
    assert "contradicts --slower-than 3d" in result.stderr
