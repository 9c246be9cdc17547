"""Probabilities that mean what they say: a temperature, its error, and sets that hold the truth."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.arrays import Codes, Floats
from pmlcli.evaluation.ranking import calibration_error

COVERAGE = 0.9
"""Share of prefixes whose set should hold what comes next."""
TEMPERATURES = np.geomspace(0.25, 4.0, 81)
SMALLEST = 1e-12


class Calibration(NamedTuple):
    """The temperature, and the least probability of a member of a prediction set."""

    temperature: float
    least: float


def softmax(logits: Floats) -> Floats:
    """Shares of each row, (rows, classes), summed term by term: how numpy sums depends on the shape."""
    powers = np.exp(logits - logits.max(axis=1)[:, None])
    total = np.zeros(len(powers))
    for column in powers.T:
        total = total + column
    return np.asarray(powers / total[:, None])


def tempered(probabilities: Floats, temperature: float) -> Floats:
    """Each row to the power of 1 / temperature, scaled to sum 1; above 1 it is flatter, zeros stay.

    Guo, Pleiss, Sun and Weinberger (2017), On calibration of modern neural networks.
    """
    if temperature == 1.0:
        return probabilities
    highest = probabilities.max(axis=1, keepdims=True)
    flatter = np.power(probabilities / highest, 1 / temperature)
    return np.asarray(flatter / flatter.sum(axis=1, keepdims=True))


def find_calibration(probabilities: Floats, truth: Codes) -> Calibration:
    """What fits these held-out rows: (rows, classes) and the class that came true, (rows,)."""
    if len(truth) == 0:
        return Calibration(1.0, 0.0)
    rows = np.arange(len(truth))
    losses = [_log_loss(tempered(probabilities, t)[rows, truth]) for t in TEMPERATURES]
    temperature = float(TEMPERATURES[int(np.argmin(losses))])
    return Calibration(temperature, _least(tempered(probabilities, temperature)[rows, truth]))


def _log_loss(of_truth: Floats) -> float:
    return float(-np.log(np.maximum(of_truth, SMALLEST)).mean())


def _least(of_truth: Floats) -> float:
    """The split-conformal limit: so many of the held-out truths are at least as probable.

    Sadinle, Lei and Wasserman (2019), Least ambiguous set-valued classifiers with bounded error levels.
    """
    allowed = len(of_truth) - math.ceil((len(of_truth) + 1) * COVERAGE)
    return 0.0 if allowed < 0 else float(np.sort(of_truth)[allowed])


def in_set(probabilities: Floats, least: float) -> NDArray[np.bool_]:
    """Which classes belong to each row's set, (rows, classes): the likeliest always, the impossible never.

    Where too few rows were held out for a limit (0), the likeliest ones that make up `COVERAGE` together, by
    what the probabilities themselves say.
    """
    if least > 0:
        chosen = probabilities >= least
        chosen[np.arange(len(chosen)), probabilities.argmax(axis=1)] = True
        return np.asarray(chosen)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    descending = np.take_along_axis(probabilities, order, axis=1)
    is_needed = np.cumsum(descending, axis=1) - descending < COVERAGE
    chosen = np.zeros(probabilities.shape, dtype=np.bool_)
    np.put_along_axis(chosen, order, is_needed, axis=1)
    return chosen & (probabilities > 0)


def cross_checked(probabilities: Floats, truth: Codes, half: NDArray[np.bool_]) -> dict[str, Any]:
    """A calibration for all rows, and how well one found on either half does on the other: JSON-plain.

    - `temperature`, `least_probability`: see `Calibration`
    - `calibration_error`, `calibration_error_before`: with the temperature, and without
    - `coverage`: share of prefixes whose set held what came next; `set_size`: activities in a set, on average
    """
    found = find_calibration(probabilities, truth)
    errors, covered, sizes = np.zeros(2), np.zeros(2), np.zeros(2)
    for side, there in enumerate((half, ~half)):
        if not there.any():
            continue
        other = find_calibration(probabilities[~there], truth[~there])
        here = tempered(probabilities[there], other.temperature)
        chosen = in_set(here, other.least)
        errors[side] = _error(here, truth[there])
        covered[side] = chosen[np.arange(len(here)), truth[there]].mean()
        sizes[side] = chosen.sum(axis=1).mean()
    shares = np.array([half.mean(), 1 - half.mean()]) if len(half) else np.zeros(2)
    return {
        "temperature": found.temperature,
        "least_probability": found.least,
        "rows": len(truth),
        "calibration_error": float(errors @ shares),
        "calibration_error_before": _error(probabilities, truth) if len(truth) else 0.0,
        "coverage": float(covered @ shares),
        "set_size": float(sizes @ shares),
    }


def _error(probabilities: Floats, truth: Codes) -> float:
    """Expected calibration error of the likeliest classes."""
    return calibration_error(probabilities.argmax(axis=1) == truth, probabilities.max(axis=1))
