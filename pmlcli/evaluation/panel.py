"""One chart on a canvas of its own, as the bytes of a file: equal calls give equal bytes."""

from __future__ import annotations

import io
from collections.abc import Callable

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pmlcli.escape import visible


def drawn_panel(size: tuple[float, float], draw: Callable[[Axes], None], file_format: str) -> bytes:
    """What `draw` puts on a panel of this size (inches), as the bytes of a `png` or `svg` file."""
    # Without a salt and a date the same chart would be other bytes each time.
    with mpl.rc_context({"svg.hashsalt": "pmlcli", "font.size": 9, "svg.fonttype": "none"}):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        panel = figure.subplots()
        draw(panel)
        panel.spines[["top", "right"]].set_visible(False)
        buffer = io.BytesIO()
        metadata = {"Date": None} if file_format == "svg" else {"Software": None}
        figure.savefig(buffer, format=file_format, metadata=metadata, dpi=150)
    return buffer.getvalue()


def label(text: str, longest: int) -> str:
    """A name as a chart shows it: cut, nothing in it invisible, and no formula."""
    shown = visible(text if len(text) <= longest else f"{text[:longest]}...")
    return shown.replace("$", r"\$")  # it would begin a formula
