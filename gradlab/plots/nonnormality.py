"""Eigenvalues that stay, the image of the unit circle, and the norm of the powers between its rail and its bound."""

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import NonnormalityRecord
from gradlab.style import axis_note, colour, decades_between, figure, note, power, round_up, ten_to

LEFT, RIGHT = (0.0, 0.33), (0.49, 1.0)
UPPER, LOWER = (0.565, 1.0), (0.0, 0.435)
TURN = np.linspace(0, 2 * np.pi, 61)
ROOM = 1.1  # of a square panel, each way, in its unit
#: decades above or below 1 that the right panel may reach, and steps of its ticks
REACH = (3, 6, 10, 20, 40, 80, 120, 160, 200, 300, 1000)
TICKS = (1, 2, 5, 10, 20, 25, 50, 100, 500)
NAMED = 45  # step at which the bound has its name
HANDLE = "steps"


def nonnormality(record: NonnormalityRecord) -> go.Figure:
    """Left, above: eigenvalues of W as dots, those of one step as rings, and the unit circle. Left, below: the image of
    the unit circle after t steps, with the eigenvectors. Right: the norm against t, |lambda|^t as the rail,
    kappa(V) |lambda|^t as a thin line, the peak marked. A click on the curve, or its dot, sets the steps.
    """
    low, high = _reach(record)
    reach, extent = round_up(np.abs(record.powers.eigenvalues).max(), (1, 2)), _extent(record)
    one, end = f"{reach}" if reach > 1 else "", _number(extent)
    layout = {
        "meta": {"x": "step"},
        "margin": {"l": 46, "r": 21, "t": 30, "b": 28},
        "xaxis": {"range": [-2, 102], "tickvals": [0, 25, 50, 75, 100], "domain": RIGHT, "anchor": "y"},
        "yaxis": decades_between(low, high, round_up((high - low) / 7, TICKS)) | {"anchor": "x"},
        **_square("2", UPPER, reach, [f"−{reach}", "0", f"{reach}"], [f"−{one}i", "0", f"{one}i"], zeroline=True),
        **_square("3", LOWER, extent, [""] * 3, [f"−{end}", "0", end]),
        "shapes": [_drop(record, low), _peak_line(record, low)],
        "annotations": _notes(record, low),
    }
    return figure(_traces(record, low, high, extent), layout)


def _traces(record: NonnormalityRecord, low: float, high: float, extent: float) -> list[dict]:
    who, powers = record.activation, record.powers
    plane, image = ({"xaxis": f"x{i}", "yaxis": f"y{i}"} for i in (2, 3))
    t = np.arange(powers.steps + 1.0)
    alive, rail = np.isfinite(powers.log10_norm), np.isfinite(record.rail)
    bound = marks.NOTHING if record.bound is None else record.bound
    peak = [powers.peak] if _has_peak(record) else []
    circle = np.array([np.cos(TURN), np.sin(TURN)])
    one_step = powers.eigenvalues if record.n == 2 else marks.NOTHING
    # the table of numbers has the rows of its first column, so that eigenvalues that are 0 leave it to the bound
    promised = {"role": "theory"} | ({"column": "eigenvalues alone"} if rail.all() or not len(bound) else {})
    limit = {"role": "bound"} | ({"column": "at most"} if len(bound) else {})
    now = record.log10_norm if np.isfinite(record.log10_norm) else low
    return [
        marks.rail(t[rail], record.rail[rail], meta=promised),
        marks.line(t[: len(bound)], bound, "bound", meta=limit),
        # The first point stands alone and draws nothing: it is where the name of a pinned curve goes.
        marks.measured(
            np.concatenate([[-1, np.nan], t[alive]]), np.concatenate([[high, np.nan], powers.log10_norm[alive]]), who,
            markers=False, meta={"role": "measured", "column": "norm", "sets": "steps"},
        ),
        marks.dots(np.array(peak, dtype=float), powers.log10_norm[peak], "peak", symbol="triangle-up"),
        marks.dots(
            np.array([float(record.steps)]), np.array([now]), "handle", cliponaxis=False,
            symbol="circle" if np.isfinite(record.log10_norm) else "triangle-down",
            meta={"role": "handle", "handle": {"x": {"control": "steps"}, "label": HANDLE}},
        ),
        marks.line(*circle, "circle", **plane),
        marks.dots(record.eigenvalues.real, record.eigenvalues.imag, "eigenvalues", size=7 if record.n == 2 else 4,
                   **plane),
        marks.dots(one_step.real, one_step.imag, "one step", size=13, symbol="circle-open", edge=1.6, cliponaxis=False,
                   **plane),
        marks.line(*circle, "circle", **image),
        marks.line(*_rays(record.eigenvectors, ROOM * extent), "eigenvectors", dash="dot", **image),
        marks.line(*marks.coarse(record.image @ circle / extent) * extent, "image", who, 2.4, **image),
    ]  # fmt: skip


def _rays(directions, length: float) -> np.ndarray:
    """(2, 3 k): each direction as a line through 0 from edge to edge of a square, with gaps between them."""
    ends = length * directions / np.abs(directions).max(axis=1, initial=0, keepdims=True)
    return np.concatenate([np.stack([-end, end, [np.nan, np.nan]]) for end in ends] or [np.empty((0, 2))]).T


# ------------------------------------------------------------------------------------------------------------ axes


def _square(panel: str, domain, reach: float, across: list[str], up: list[str], **axis) -> dict:
    """Two axes of one scale, from -reach to reach, with words at -reach, 0 and reach."""
    shared = {"range": [-ROOM * reach, ROOM * reach], "tickvals": [-reach, 0, reach], "constrain": "domain"} | axis
    toward, place = "constraintoward", {"domain": domain, "anchor": f"x{panel}", "scaleanchor": f"x{panel}"}
    return {
        f"xaxis{panel}": shared | {"domain": LEFT, "anchor": f"y{panel}", toward: "left", "ticktext": across},
        f"yaxis{panel}": shared | place | {toward: "top", "ticktext": up, "showgrid": False},
    }


def _extent(record: NonnormalityRecord) -> float:
    """A round number that holds the unit circle and, but for the room at the edge, its image."""
    largest = max(1.0, 10**record.log10_norm / ROOM)
    ten = 10.0 ** np.floor(np.log10(largest))
    return float(
        next(step * ten for step in ((1, 2, 3, 4, 6, 8, 10) if ten < 1e3 else (1, 10)) if largest <= step * ten)
    )


def _number(value: float) -> str:
    """A round number, from 10^4 on a power of ten."""
    return f"{value:g}" if value < 1e4 else ten_to(round(np.log10(value)))


def _reach(record: NonnormalityRecord) -> tuple[float, float]:
    """Lowest and highest power of the right panel, in steps: at least three decades each way, and a fifth of the other."""
    lines = [record.powers.log10_norm, record.rail] + ([] if record.bound is None else [record.bound])
    shown = np.concatenate(lines)
    shown = shown[np.isfinite(shown)]
    down, up = round_up(-shown.min(), REACH), round_up(shown.max(), REACH)
    return -max(down, round_up(up / 5, REACH)), max(up, round_up(down / 5, REACH))


# ----------------------------------------------------------------------------------------------- shapes and notes


def _has_peak(record: NonnormalityRecord) -> bool:
    """Whether the norm rises and falls again; with tanh it does one or the other for good."""
    return record.powers.peak > 0 and record.activation == "linear"


def _drop(record: NonnormalityRecord, low: float) -> dict:
    """The rail of eigenvalues that are 0: from 1 at step 0 to 0 at step 1."""
    line = {"color": colour("theory"), "width": 11}
    return {
        "type": "line", "xref": "x", "yref": "y", "x0": 0, "y0": 0, "x1": 1, "y1": low, "line": line, "opacity": 0.4,
        "layer": "below", "visible": not np.isfinite(record.rail[1]),
    }  # fmt: skip


def _peak_line(record: NonnormalityRecord, low: float) -> dict:
    powers = record.powers
    line = {"color": colour("muted"), "width": 1, "dash": "dot"}
    return {
        "type": "line", "xref": "x", "yref": "y", "x0": powers.peak, "x1": powers.peak, "y0": low,
        "y1": float(powers.log10_norm[powers.peak]), "line": line, "layer": "below", "visible": _has_peak(record),
    }  # fmt: skip


def _notes(record: NonnormalityRecord, low: float) -> list[dict]:
    right = {"xref": "paper", "yref": "paper", "y": 1, "yanchor": "bottom"}
    one_step = "  ○ of one step" * (record.n == 2)
    shown = "its two longest axes" if record.n > 2 else "dotted: eigenvectors" * (len(record.eigenvectors) > 0)
    return [
        axis_note("eigenvalues", y=UPPER[1]),
        axis_note(f"after {record.steps} step{'s' * (record.steps > 1)}", y=LOWER[1]),
        axis_note(f"● of <i>W</i>{one_step}", y=UPPER[1], xshift=92, wide=True),
        axis_note(shown, y=LOWER[1], xshift=120, wide=True),
        note(f"↑ norm of <i>{_letter(record)}</i><sup>t</sup>, → t", x=RIGHT[0], xanchor="left", **right),
        note(_matrix(record), x=1, xanchor="right", wide=True, **right),
        _peak_name(record, low),
        _rail_name(record, low),
        _bound_name(record),
    ]


def _letter(record: NonnormalityRecord) -> str:
    return "W" if record.activation == "linear" else "J"


def _matrix(record: NonnormalityRecord) -> str:
    """W written out where it is small, and what one step is where that is not W."""
    if record.activation != "linear":
        return f"<i>J</i> = diag({', '.join(f'{slope:g}' for slope in record.slopes)}) <i>W</i>"
    if record.n > 2:
        return f"<i>W</i>: {record.n} × {record.n}"
    return f"<i>W</i> = [{', '.join(f'[{a:g}, {b:g}]' for a, b in record.weights)}]"


def _peak_name(record: NonnormalityRecord, low: float) -> dict:
    powers = record.powers
    text = f"peak {power(float(powers.log10_norm[powers.peak]))}, step {powers.peak}" if _has_peak(record) else ""
    place = {"x": powers.peak, "y": low, "xref": "x", "yref": "y", "xanchor": "left", "yanchor": "bottom", "xshift": 4}
    return note(text, colour_name="ink", **place)


def _rail_name(record: NonnormalityRecord, low: float) -> dict:
    """Under the rail; where it falls to 0 at once, beside its foot."""
    text, at, place = "|λ|<sup>t</sup>", 70, {"xref": "x", "yref": "y"}
    if not np.isfinite(record.rail[1]):
        return note(f"{text} of <i>W</i>: 0", x=4, y=low, xanchor="left", yanchor="bottom", yshift=0, **place)
    return note(text, x=at, y=float(record.rail[at]), xanchor="right", yanchor="top", yshift=-6, **place)


def _bound_name(record: NonnormalityRecord) -> dict:
    """Over the bound, on the side to which it falls."""
    bound = record.bound
    of = f" of <i>{_letter(record)}</i>" * (record.activation != "linear")
    text = "" if bound is None else f"κ|λ|<sup>t</sup>{of}"
    rises = bound is not None and bound[-1] > bound[0]
    place = {"x": NAMED, "y": 0.0 if bound is None else float(bound[NAMED]), "xref": "x", "yref": "y"}
    return note(text, xanchor="right" if rises else "left", yanchor="bottom", **place)
