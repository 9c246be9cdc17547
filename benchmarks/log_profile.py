"""How long a log's profile takes, with all data-quality findings, on logs that the sample generator makes.

    OMP_NUM_THREADS=1 python benchmarks/log_profile.py > benchmarks/results/log_profile.txt

Reading is measured beside it, for comparison: `pmlcli inspect` does both. The largest log has about a
million events; ten times fewer events show whether the cost grows in proportion. Each measurement is of a
process of its own, so that peak memory is the log's and the profile's alone. Seconds are processor time: the
machine is shared.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from pmlcli.eventlog import read_log
from pmlcli.eventlog.findings import FINDERS, evidence_of
from pmlcli.eventlog.profile import profile

GENERATOR = Path(__file__).parents[1] / "sample_logs" / "generate.py"
REPEATS = 3


def measure(path: str) -> None:
    """Reads and profiles one log and prints what it took."""
    begin = time.process_time()
    log = read_log(path)
    reading = time.process_time() - begin
    before = _peak_megabytes()
    seconds = []
    for _ in range(REPEATS):
        begin = time.process_time()
        found = profile(log)
        seconds.append(time.process_time() - begin)
    print(f"{found.events:,} events, {found.cases:,} cases, {len(found.attributes)} attributes")
    print(f"  reading{reading:42.2f} s   peak {before:,.0f} MB")
    print(f"  profile with findings{min(seconds):28.2f} s   peak {_peak_megabytes():,.0f} MB")
    print(f"  findings: {', '.join(finding.code for finding in found.findings) or 'none'}")
    evidence = evidence_of(log)
    begin = time.process_time()
    _ = (evidence.columns, evidence.local, evidence.running)
    print(f"    columns, clock and running cases{time.process_time() - begin:17.2f} s")
    for finder in FINDERS:
        begin = time.process_time()
        finder(evidence)
        print(f"    {finder.__name__:40}{time.process_time() - begin:9.2f} s")
    print()


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Makes the logs and measures each in a process of its own."""
    print("A log's profile and findings. Command: python benchmarks/log_profile.py")
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, pandas {pd.__version__}, "
        f"{platform.machine()}, {os.cpu_count()} cores (shared), one thread; processor time, "
        f"the profile best of {REPEATS}\n",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        for cases in (10_000, 100_000):
            out = Path(folder) / str(cases)
            command = [sys.executable, str(GENERATOR), "--cases", str(cases), "--csv-only", "--out", str(out)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            subprocess.run([sys.executable, __file__, str(out / "purchase-to-pay.csv")], check=True)


if __name__ == "__main__":
    measure(sys.argv[1]) if len(sys.argv) > 1 else main()
