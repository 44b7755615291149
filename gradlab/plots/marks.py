"""The marks that every figure shares: theory is a pale wide rail, measurement a thin dark line on it."""

import numpy as np

from gradlab.style import colour, marker

#: an x or y for a mark that is absent in this state; the trace itself stays, so that all states have the same traces
NOTHING = np.empty(0)


def rail(x, y, **more) -> dict:
    """Theory: 11 px, theory grey at 40 %."""
    line = {"color": colour("theory"), "width": 11}
    return {
        "type": "scatter", "mode": "lines", "x": x, "y": y, "line": line, "opacity": 0.4, "meta": {"role": "theory"},
    } | more  # fmt: skip


def measured(x, y, who: str, *, markers: bool = True, **more) -> dict:
    """Measurement: 2.4 px in the colour of an activation, with its marker. A pin freezes this trace."""
    return {
        "type": "scatter",
        "mode": "lines+markers" if markers else "lines",
        "x": x,
        "y": y,
        "line": {"color": colour(who), "width": 2.4},
        "marker": {"color": colour(who), "size": 6, "symbol": marker(who)},
        "meta": {"role": "measured"},
    } | more


def band(x, low, high, who: str, **more) -> dict:
    """The spread over seeds, from ``low`` to ``high``, in a quarter of the colour."""
    x, low, high = np.asarray(x), np.asarray(low), np.asarray(high)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": np.concatenate([x, x[::-1]]),
        "y": np.concatenate([high, low[::-1]]),
        "fill": "toself",
        "fillcolor": colour(who),
        "line": {"width": 0, "color": colour(who)},
        "opacity": 0.25,
        "meta": {"role": "band"},
    } | more


def line(x, y, role: str, paint: str = "muted", width: float = 1.2, *, dash: str | None = None, **more) -> dict:
    """Any other line."""
    pen = {"color": colour(paint), "width": width} | ({"dash": dash} if dash else {})
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": pen, "meta": {"role": role}} | more


def dots(
    x, y, role: str, paint: str = "ink", size: float = 11, symbol: str = "circle", *, edge: float = 0, **more
) -> dict:
    """Single points; ``edge`` is how wide the line of an open symbol is, if not 1 px."""
    look = {"color": colour(paint), "size": size, "symbol": symbol} | ({"line": {"width": edge}} if edge else {})
    return {"type": "scatter", "mode": "markers", "x": x, "y": y, "marker": look, "meta": {"role": role}} | more


def cross(x, y: float, **more) -> dict:
    """Where numbers end: a cross in ink at every ``x``."""
    x = np.asarray(x, dtype=float)
    return {
        "type": "scatter", "mode": "markers", "x": x, "y": np.full(len(x), y), "meta": {"role": "overflow"},
        "marker": {"color": colour("ink"), "size": 13, "symbol": "x"},
    } | more  # fmt: skip


def level(y: float, *, yref: str = "y", **more) -> dict:
    """A dotted landmark across a panel (a layout shape)."""
    line = {"color": colour("muted"), "width": 1, "dash": "dot"}
    return {
        "type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": yref, "y0": y, "y1": y, "line": line,
        "layer": "below",
    } | more  # fmt: skip


def coarse(values, parts: int = 512) -> np.ndarray:
    """To less than a pixel: what stands in no table of numbers may be short, and a page loads sooner."""
    return np.round(parts * values) / parts


def cut(x, y, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """The part of a monotone curve between two heights; it ends on them where it passes them.

    >>> [part.tolist() for part in cut(np.arange(4), np.array([0.0, 2.0, 4.0, 6.0]), 1, 5)]
    [[0.5, 1.0, 2.0, 2.5], [1.0, 2.0, 4.0, 5.0]]
    """
    rising = np.argsort(y[np.isfinite(y)], kind="stable")
    x, y = x[np.isfinite(y)][rising].astype(float), y[np.isfinite(y)][rising]
    inside = (low <= y) & (y <= high)
    ends = [end for end in (low, high) if y[0] < end < y[-1]]
    x, y = np.concatenate([x[inside], np.interp(ends, y, x)]), np.concatenate([y[inside], ends])
    order = np.argsort(x, kind="stable")
    return x[order], coarse(y[order])


def apart(ys, gap: float) -> np.ndarray:
    """The same values moved as little as needed to be at least `gap` apart, order and mean kept.

    >>> apart([0.0, 0.1, 5.0], 1.0).round(2).tolist()
    [-0.45, 0.55, 5.0]
    """
    ys = np.asarray(ys, dtype=float)
    groups = [[y - i * gap] for i, y in enumerate(np.sort(ys))]  # pool neighbours that would cross
    merged = []
    for group in groups:
        merged.append(group)
        while len(merged) > 1 and np.mean(merged[-2]) > np.mean(merged[-1]):
            merged[-2:] = [merged[-2] + merged[-1]]
    shifted = np.concatenate([[np.mean(group)] * len(group) for group in merged]) + gap * np.arange(len(ys))
    out = np.empty_like(ys)
    out[np.argsort(ys, kind="stable")] = shifted
    return out
