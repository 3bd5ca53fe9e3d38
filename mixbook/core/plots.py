"""One look for every figure of the book."""

from typing import Any

import matplotlib.pyplot as plt
from cycler import cycler

__all__ = ["PALETTE", "STYLE", "use_style"]

# Okabe and Ito's colours, which stay apart for the common kinds of colour blindness.
PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "red": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "black": "#222222",
    "grey": "#8A8A8A",
}

STYLE: dict[str, Any] = {
    "figure.dpi": 110,
    "figure.figsize": (7.2, 4.0),
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(
        color=[PALETTE[c] for c in ("blue", "orange", "green", "red", "purple", "sky", "black")]
    ),
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.7,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "font.family": "DejaVu Sans",
    "image.cmap": "viridis",
}


def use_style() -> None:
    """Set the book's matplotlib style; call it once at the top of a notebook."""
    plt.style.use(STYLE)
