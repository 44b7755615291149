"""Where the eigenvalues of a recurrent matrix lie, how a gradient runs under its powers, and how large these become."""

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import PowersRecord
from gradlab.style import axis_note, colour, decades, figure, note, number, power

WHO = "linear"  # no activation stands between two steps
LEFT, RIGHT = (0.0, 0.46), (0.54, 1.0)
UPPER, LOWER = (0.42, 1.0), (0.0, 0.26)
BESIDE_LEFT, BESIDE_RIGHT = 0.34, 0.88  # where notes stand beside the squares on a wide page
REACH, ROOM = 1.62, 1.2  # of the complex plane, and of the orbit in its unit, each way
FADED = (0.25, 0.45, 0.7, 1.0)  # from the oldest quarter of the orbit to the newest
#: half-heights of the lower panel, in decades
FRAMES = (1, 3, 6, 10, 20, 50, 100, 200, 300)
TURN = np.linspace(0, 2 * np.pi, 61)
MODULUS = "modulus of the eigenvalues"


def powers(record: PowersRecord) -> go.Figure:
    """Above, the eigenvalues in the complex plane with the unit circle, and the gradient as it runs back through time,
    older steps paler. Below, the norm of W^t in decades against t, |lambda|^t as the rail; pale ground lies between
    the powers of 0.99 and of 1.01.

    The orbit is drawn in units of a round number that holds all of it, and its last tick says which.
    """
    tallest = max(np.abs(record.log10_norm).max(), np.abs(record.log10_rail).max(), -_one_per_cent(record)[0])
    height = next(step for step in FRAMES if tallest <= 1.02 * step)
    unit = _unit(record)
    last = number(unit, 1)
    square = {"domain": UPPER, "constrain": "domain", "constraintoward": "top"}
    across = {"constrain": "domain", "constraintoward": "left", "tickvals": [-1, 0, 1], "showgrid": True}
    layout = {
        "meta": {"x": "step"},
        "margin": {"l": 50, "r": 21, "t": 30, "b": 28},
        "xaxis": {"range": _padded(record.steps), "tickvals": _ticks(record.steps), "anchor": "y"},
        "yaxis": decades(height, step=height) | {"domain": LOWER},
        "xaxis2": across | {"domain": LEFT, "anchor": "y2", "range": [-REACH, REACH], "ticktext": ["−1", "0", "1"]},
        "yaxis2": square
        | {"scaleanchor": "x2", "anchor": "x2", "range": [-REACH, REACH], "tickvals": [-1, 0, 1]}
        | {"ticktext": ["−i", "0", "i"]},
        "xaxis3": across
        | {"domain": RIGHT, "anchor": "y3", "range": [-ROOM, ROOM], "ticktext": [f"−{last}", "0", last]},
        "yaxis3": square
        | {"scaleanchor": "x3", "anchor": "x3", "range": [-ROOM, ROOM], "tickvals": [-1, 0, 1]}
        | {"ticktext": [""] * 3},
        "annotations": _notes(record, height),
    }
    return figure(_traces(record, height, unit), layout)


def _traces(record: PowersRecord, height: float, unit: float) -> list[dict]:
    plane, orbit = ({"xaxis": f"x{i}", "yaxis": f"y{i}"} for i in (2, 3))
    leading, at = record.leading, record.at.astype(float)
    rest = record.eigenvalues[np.abs(record.eigenvalues - leading) > 1e-12]
    whole = {"color": colour("muted"), "width": 1.2, "simplify": False}
    first, now = marks.coarse(record.ends / unit)
    low, high = _one_per_cent(record)
    return [
        marks.band(at[[0, -1]], np.array([0, low]), np.array([0, high]), "theory", opacity=0.18),
        marks.rail(at, record.log10_rail, meta={"role": "theory", "column": "theory"}),
        # The first point stands alone and draws nothing: it is where the name of a pinned curve goes.
        marks.measured(
            np.concatenate([[-0.01 * record.steps, np.nan], at]),
            np.concatenate([[0.35 * height, np.nan], record.log10_norm]),
            WHO,
            markers=False,
            meta={"role": "measured", "column": "norm of the power"},
        ),
        marks.line(np.cos(TURN), np.sin(TURN), "circle", line=whole, **plane),
        marks.line(np.array([0, leading.real]), np.array([0, leading.imag]), "arm", line=whole | {"dash": "dot"}, **plane),
        marks.dots(rest.real, rest.imag, "eigenvalues", WHO, 5 if record.n > 2 else 9, **plane),
        marks.dots(np.array([leading.real]), np.array([leading.imag]), "handle", cliponaxis=False,
                   meta={"role": "handle", "handle": _handle(record)}, **plane),
        *(
            marks.dots(*part.T, "orbit", WHO, 5, opacity=opacity, **orbit)
            for part, opacity in zip(np.array_split(marks.coarse(record.orbit / unit), len(FADED)), FADED, strict=True)
        ),
        marks.dots(*first[:, None], "start", symbol="circle-open", edge=2, **orbit),
        marks.dots(*now[:, None], "now", **orbit),
    ]  # fmt: skip


def _handle(record: PowersRecord) -> dict:
    """The eigenvalue is drawn in and out on its own ray: along the axis to which the ray lies nearer."""
    leading = record.leading / abs(record.leading)
    flat = abs(leading.real) >= abs(leading.imag)
    at = (record.moduli * (leading.real if flat else leading.imag)).round(6).tolist()
    return {"x" if flat else "y": {"control": "modulus", "at": at}, "label": MODULUS}


def _unit(record: PowersRecord) -> float:
    """1, 2 or 5 times a power of ten that no point of the orbit passes by more than a twentieth."""
    largest = max(np.hypot(*points.T).max() for points in (record.orbit, record.ends)) / 1.05
    ten = 10.0 ** np.floor(np.log10(largest))
    return float(next(step * ten for step in (1, 2, 5, 10) if largest <= step * ten))


def _one_per_cent(record: PowersRecord) -> tuple[float, float]:
    """log10 of 0.99^T and of 1.01^T."""
    return record.steps * float(np.log10(0.99)), record.steps * float(np.log10(1.01))


def _notes(record: PowersRecord, height: float) -> list[dict]:
    beside = {"xref": "paper", "yref": "paper", "xanchor": "left", "wide": True}
    every = f"each {record.orbit_every}th" if record.orbit_every > 1 else ""
    plane = "↑ the gradient" if record.n == 2 else "↑ gradient, projected"
    value = f"step {record.steps}: <b>{power(float(record.log10_norm[-1]))}</b>"
    return [
        axis_note("↑ eigenvalues of <i>W</i>", y=UPPER[1]),
        axis_note(plane, y=UPPER[1]) | {"x": RIGHT[0]},
        axis_note("↑ norm of <i>W</i><sup>t</sup>", y=LOWER[1]),
        note("grey: |λ|<sup>t</sup>, → step t", x=0.3, y=LOWER[1], yanchor="bottom", **beside),
        note(value, colour_name="ink", x=1, y=LOWER[1], xref="paper", yref="paper", xanchor="right", yanchor="bottom"),
        note("outside: explodes", x=BESIDE_LEFT, y=0.94, yanchor="middle", **beside),
        note("inside: vanishes", x=BESIDE_LEFT, y=0.71, yanchor="middle", **beside),
        note("○ step 0", x=BESIDE_RIGHT, y=0.94, yanchor="middle", **beside),
        note(f"● step {record.steps}", x=BESIDE_RIGHT, y=0.86, yanchor="middle", **beside),
        note(every, x=BESIDE_RIGHT, y=0.78, yanchor="middle", **beside),
        _wedge_name(record, height),
    ]


def _wedge_name(record: PowersRecord, height: float) -> dict:
    """What the pale ground is, on the side of 1 where the line does not run, where there is room for it."""
    above = record.log10_norm[-1] < 0.01
    place = {"x": 1, "xref": "paper", "y": 0, "yref": "y", "xanchor": "right", "yanchor": "bottom" if above else "top"}
    return note("|λ| from 0.99 to 1.01", **place, visible=bool(_one_per_cent(record)[1] > 0.6 * height))


def _padded(steps: int) -> list[float]:
    return [-0.015 * steps, 1.015 * steps]


def _ticks(steps: int) -> list[int]:
    """0, the last step, and round steps between them."""
    step = next(s for s in (1, 2, 5, 10, 20, 25, 50, 100, 200, 250) if steps / s <= 5)
    return list(range(0, steps + 1, step))
