"""Mean absolute error in days over the prefixes of 2 to n - 1 events.

`held`: share of the later half of the test part that 90 % intervals held which were set on the earlier half;
`width`: their median width in days. Published: PGTNet's holdout table (64/16/20 by start), the best of four
networks.
"""

from __future__ import annotations

from typing import Any

from _tasks._parts import DAY, NAN, Cells, Part, encoded, with_interval
from pmlcli.algorithms.remaining_time._quantiles import coverage
from pmlcli.algorithms.remaining_time._task import held_out_prefixes
from pmlcli.eventlog.split import measured_prefixes

NAMES = ("median", "transition-system", "boosting", "gru", "survival", "ensemble")
PUBLISHED = {
    "helpdesk_erama": 4.80,
    "BPIC12": 5.49,
    "BPIC12_W_complete": 5.88,
    "sepsis": 15.71,
    "BPIC13_incidents": 2.39,
}


def cells(part: Part, algorithm: Any) -> Cells:
    """The row of an untrained algorithm."""
    (algorithm, _encoding, seconds), test = encoded(part, algorithm)
    found = held_out_prefixes(algorithm, test, measured_prefixes(part.split), "")
    measured = algorithm.task.measure(algorithm, [found], {})
    is_early = found.began <= sorted(found.began)[len(found.began) // 2]
    told = coverage(found.quantiles, found.came, is_early)
    return {
        "MAE, days": with_interval(measured.value_of, measured.n_units, 2),
        "published": f"{part.published(PUBLISHED):.2f}",
        "held": f"{told['coverage_90'] or NAN:.2f}",
        "width": f"{(told['median_width_seconds'] or NAN) / DAY:.1f}",
        "fit CPU s": f"{seconds:.1f}",
    }
