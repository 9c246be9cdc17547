"""What each command's help begins with: command lines to copy. A test runs them all, in this order.

They speak of the logs that `pmlcli sample` writes.
"""

from __future__ import annotations

START = (
    "pmlcli sample",
    "pmlcli train purchase-to-pay.csv -t anomaly -o models/odd",
    "pmlcli predict models/odd purchase-to-pay.csv --top 5",
)
"""The first three command lines that a stranger types."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "sample": ("pmlcli sample", "pmlcli sample purchase-to-pay -o try.csv"),
    "inspect": ("pmlcli inspect purchase-to-pay.csv", "pmlcli inspect purchase-to-pay.csv --kpi arrivals"),
    "train": (
        "pmlcli train purchase-to-pay.csv -t anomaly -o models/odd",
        "pmlcli train purchase-to-pay.csv -a remaining-time/transition-system -o models/late",
        "pmlcli train purchase-to-pay.csv -t forecast --kpi arrivals --frequency W --horizon 4",
    ),
    "predict": (
        "pmlcli predict models/odd purchase-to-pay-new.csv --top 5",
        "pmlcli predict models/late purchase-to-pay-new.csv --sla 60d -o late.csv",
        "pmlcli predict models/forecast-auto",
    ),
    "evaluate": (
        "pmlcli evaluate models/late purchase-to-pay-new.csv",
        "pmlcli evaluate models/late purchase-to-pay-new.csv --by month --format markdown",
    ),
    "monitor": (
        "pmlcli monitor models/late purchase-to-pay-new.csv",
        "pmlcli monitor models/late purchase-to-pay-new.csv --history runs.jsonl -q",
    ),
    "compare": (
        "pmlcli compare purchase-to-pay.csv -t remaining-time -a median,transition-system",
        "pmlcli compare purchase-to-pay.csv purchase-to-pay-new.csv",
    ),
    "report": (
        "pmlcli report purchase-to-pay.csv -o log.html",
        "pmlcli report models/odd models/late purchase-to-pay-new.csv --sla 60d -o report.html",
    ),
    "verify": ("pmlcli verify models/odd", "pmlcli verify models/odd models/late --level checksums"),
    "keygen": ("pmlcli keygen mine", "pmlcli keygen other -q"),
    "sign": (
        "pmlcli sign models/odd --private-key mine.key",
        "pmlcli sign models/late --private-key mine.key -q",
    ),
    "upgrade": (
        "pmlcli upgrade models/odd -o models/odd-now",
        "pmlcli upgrade models/late -o models/late-now",
    ),
    "convert": (
        "pmlcli convert purchase-to-pay.csv -o log.xes.gz",
        "pmlcli convert purchase-to-pay.csv --since 2025-01-01 -o this-year.csv",
    ),
    "export": (
        "pmlcli export models/odd --mlflow served/odd",
        "pmlcli export models/late --mlflow served/late --public-key mine.pub",
    ),
    "algorithms": (
        "pmlcli algorithms",
        "pmlcli algorithms -t anomaly",
        "pmlcli algorithms next-activity/ngram",
    ),
    "doctor": ("pmlcli doctor", "pmlcli doctor --json"),
    "config": ("pmlcli config", "pmlcli config train"),
}
