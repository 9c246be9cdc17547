"""What a manifest may hold in `training_log` beside the facts of the log, each only where it applies."""

from __future__ import annotations

SAMPLE = "sample"
"""Of how many cases was learned; see `sampling`."""
CUT_SHORT = "cut_short"
"""What a time limit left out; see `time_limit`."""
REPLACED = "replaced"
"""How the model took another one's place; see `replacing.Decision`."""
WENT_WITHOUT = "went_without"
"""Which algorithms the default of the task had to leave out, and the extras that they need."""
