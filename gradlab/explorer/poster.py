"""A still picture of a figure: SVG text of a few kB, drawn without plotly's script.

It stands in the page before any script runs, in print and in the index of explorers. It knows the marks that the
book's figures use: lines, markers, filled bands, bars, shapes and notes without arrows.
"""

import math
import re
from html import escape, unescape

import numpy as np
import plotly.graph_objects as go

from gradlab.explorer.table import floats, plain_json
from gradlab.style import HEIGHT, phone_height, variables

WIDTH, WIDTH_PHONE = 720, 360
ROOM = 8  # px around a panel in which half a marker may stand
_SIDE = 2 / math.sqrt(3)
_CROSS = np.array([[3, -1], [3, 1], [1, 1], [1, 3], [-1, 3], [-1, 1]]) * 0.4
#: corners of plotly's symbols, x to the right and y down, in units of half the size
_CORNERS = {
    "square": [(1, 1), (-1, 1), (-1, -1), (1, -1)],
    "diamond": [(1.3, 0), (0, 1.3), (-1.3, 0), (0, -1.3)],
    "cross": [*_CROSS, *-_CROSS],
    "triangle-up": [(-_SIDE, 0.5), (_SIDE, 0.5), (0, -1)],
    "triangle-down": [(-_SIDE, -0.5), (_SIDE, -0.5), (0, 1)],
    "triangle-left": [(0.5, -_SIDE), (0.5, _SIDE), (-1, 0)],
    "triangle-right": [(-0.5, -_SIDE), (-0.5, _SIDE), (1, 0)],
}
_VARIABLE = {pair[0].upper(): f"var({name})" for name, pair in reversed(variables().items())}


def svg(figure: go.Figure, *, alt: str, phone: bool = False) -> str:
    """The figure as an SVG element whose accessible name is ``alt``; colours follow the page's theme.

    ``phone``: for a narrow page, with letters as large as the wide one's and without the notes that only fit there.
    """
    spec = figure.to_plotly_json()
    layout = spec["layout"]
    height = layout.get("height", HEIGHT)
    margin = {"l": 62, "r": 14, "t": 30, "b": 46} | layout.get("margin", {})
    width = WIDTH
    if phone:
        width, height, margin = WIDTH_PHONE, phone_height(layout), margin | {"l": min(margin["l"], 50)}
    box = (margin["l"], margin["t"], width - margin["l"] - margin["r"], height - margin["t"] - margin["b"])
    panels = {key: _Panel(layout, key, box) for key in _pairs(spec["data"])}
    first = next(iter(panels.values()))
    parts = [panel.axes() for panel in panels.values()]
    shapes, notes = layout.get("shapes", ()), layout.get("annotations", ())
    parts += [_shape(s, panels, first) for s in shapes if s.get("layer") == "below"]
    parts += [panels[_axes(trace)].trace(trace) for trace in spec["data"]]
    parts += [_shape(s, panels, first) for s in shapes if s.get("layer") != "below"]
    parts += [_note(n, panels, first) for n in notes if not (phone and n.get("name") == "wide")]
    body = "".join(part for part in parts if part)
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(alt, quote=True)}" '
        f'font-size="14" fill="none">{body}</svg>'
    )


def _axes(trace: dict) -> tuple[str, str]:
    return trace.get("xaxis", "x"), trace.get("yaxis", "y")


def _pairs(traces) -> list[tuple[str, str]]:
    return list(dict.fromkeys([("x", "y")] + [_axes(trace) for trace in traces]))


def _paint(hex_colour: str) -> str:
    return _VARIABLE.get(str(hex_colour).upper(), hex_colour)


class _Panel:
    """One pair of axes: data coordinates to SVG coordinates, grid and marks."""

    def __init__(self, layout: dict, pair: tuple[str, str], box):
        self.x, self.y = (layout.get(f"{name[0]}axis{name[1:]}", {}) for name in pair)
        left, top, width, height = box
        low, high = self.x.get("domain", (0, 1))
        self.left, self.width = left + low * width, (high - low) * width
        low, high = self.y.get("domain", (0, 1))
        self.top, self.height = top + (1 - high) * height, (high - low) * height
        if self.y.get("scaleanchor") == pair[0]:  # one unit is as long up as across: what is too long is cut short
            across, up = (high - low for low, high in (axis.get("range", (0, 1)) for axis in (self.x, self.y)))
            unit = min(self.width / across, self.height / up)
            self.width, self.height = unit * across, unit * up
        self.box = box
        # Panels one above the other share an x axis; its numbers stand under the one that it is anchored to.
        self.names_x = self.x.get("anchor", pair[1]) == pair[1]

    def place(self, values, axis: dict, start: float, length: float):
        low, high = axis.get("range", (0, 1))
        return start + (np.asarray(values, dtype=float) - low) / (high - low) * length

    def px(self, x):
        return self.place(x, self.x, self.left, self.width)

    def py(self, y):
        return self.place(y, self.y, self.top + self.height, -self.height)

    def axes(self) -> str:
        out, right, bottom = [], self.left + self.width, self.top + self.height
        for value, text in _ticks(self.y):
            y = float(self.py(value))
            paint = "var(--gl-theory)" if value == 0 and self.y.get("zeroline") else "var(--gl-grid)"
            out.append(f'<path d="M{self.left:.0f} {y:.1f}H{right:.0f}" stroke="{paint}"/>')
            out.append(_text(text, self.left - 8, y + 5, "end", "var(--gl-ink)"))
        if not self.names_x:
            return "".join(out)
        for value, text in _ticks(self.x):
            out.append(_text(text, float(self.px(value)), bottom + 18, "middle", "var(--gl-ink)"))
        title = self.x.get("title", {})
        if title := title.get("text") if isinstance(title, dict) else title:
            out.append(_text(title, self.left + self.width / 2, bottom + 38, "middle", "var(--gl-muted)"))
        return "".join(out)

    def trace(self, trace: dict) -> str:
        x, y = (floats(trace.get(key, ())) for key in ("x", "y"))
        if len(x) == 0 or trace.get("visible") is False:
            return ""
        opacity = f' opacity="{trace["opacity"]}"' if "opacity" in trace else ""
        marks = self._bars(trace, x, y) if trace["type"] == "bar" else self._line(trace, x, y)
        return f"<g{opacity}>{marks if self._holds(self.px(x), self.py(y)) else self._cut(marks)}</g>"

    def _holds(self, px, py) -> bool:
        """Whether every finite point stands inside the panel, with room for half a marker."""
        left, top = self.left - ROOM, self.top - ROOM
        beyond = (px < left) | (px > left + self.width + 2 * ROOM) | (py < top) | (py > top + self.height + 2 * ROOM)
        return not np.any(beyond & np.isfinite(px) & np.isfinite(py))

    def _cut(self, marks: str) -> str:
        """The marks without what lies outside the panel: an inner svg cuts at its edge."""
        box = f"{self.left - ROOM:.1f} {self.top - ROOM:.1f} {self.width + 2 * ROOM:.1f} {self.height + 2 * ROOM:.1f}"
        x, y, width, height = box.split()
        return f'<svg x="{x}" y="{y}" width="{width}" height="{height}" viewBox="{box}">{marks}</svg>'

    def _bars(self, trace, x, y) -> str:
        base, width = (np.broadcast_to(floats(trace.get(*pair)), x.shape) for pair in (("base", 0.0), ("width", 0.8)))
        offset = np.broadcast_to(floats(trace.get("offset", -width / 2)), x.shape)
        paints = trace.get("marker", {}).get("color", "var(--gl-ink)")
        paints = [paints] * len(x) if isinstance(paints, str) else list(paints)
        strokes = {}  # bars of one colour and one height are one path: a wide stroke through the middle of each
        for i in np.flatnonzero(np.isfinite(x) & np.isfinite(base + y)):
            x0, x1 = self.px(x[i] + offset[i]), self.px(x[i] + offset[i] + width[i])
            y0, y1 = float(self.py(base[i])), float(self.py(base[i] + y[i]))
            look = f'stroke="{_paint(paints[i])}" stroke-width="{abs(y1 - y0):.1f}"'
            strokes[look] = strokes.get(look, "") + f"M{x0:.1f} {(y0 + y1) / 2:.1f}H{x1:.1f}"
        return "".join(f'<path {look} d="{path}"/>' for look, path in strokes.items())

    def _line(self, trace, x, y) -> str:
        line, mode = trace.get("line", {}), trace.get("mode", "lines")
        points = list(zip(self.px(x).tolist(), self.py(y).tolist(), strict=True))
        path, pen = [], "M"
        for a, b in points:
            there = math.isfinite(a) and math.isfinite(b)
            if there:
                path.append(f"{pen}{a:.1f} {b:.1f}")
            pen = "L" if there else "M"
        out = []
        if trace.get("fill") == "toself":
            out.append(f'<path fill="{_paint(trace["fillcolor"])}" d="{"".join(path)}Z"/>')
        elif "lines" in mode:
            dash = {"dot": ' stroke-dasharray="2 4"', "dash": ' stroke-dasharray="8 5"'}.get(line.get("dash"), "")
            paint, width = _paint(line.get("color", "#1C2128")), line.get("width", 2)
            out.append(f'<path stroke="{paint}" stroke-width="{width}"{dash} d="{"".join(path)}"/>')
        if mode == "text":
            out.append(_texts(trace, points))
        if "markers" in mode:
            mark = trace.get("marker", {})
            paint = _paint(mark.get("color", "#1C2128")) if isinstance(mark.get("color"), str) else "var(--gl-ink)"
            symbol = str(mark.get("symbol", ""))
            hollow = "open" in symbol
            radius = mark.get("size", 6) / 2 if isinstance(mark.get("size", 6), (int, float)) else 3
            look = f'stroke="{paint}" stroke-width="1.5"' if hollow else f'fill="{paint}"'
            if symbol == "x":
                look = f'stroke="{paint}" stroke-width="3"'
            finite = [(a, b) for a, b in points if math.isfinite(a) and math.isfinite(b)]
            out.append(f"<g {look}>{''.join(_mark(symbol, a, b, radius) for a, b in finite)}</g>")
        return "".join(out)


def _texts(trace: dict, points) -> str:
    """The words of a trace, beside its points or on them; plotly's "left" lies to the left of the point."""
    font = trace.get("textfont", {})
    anchor = {"left": "end", "right": "start"}.get(trace.get("textposition", "middle center").split()[1], "middle")
    look = f'text-anchor="{anchor}" fill="{_paint(font.get("color", "#1C2128"))}"'
    look += f' font-size="{font["size"]:g}"' if font.get("size", 14) != 14 else ""
    words = zip(points, trace["text"], strict=True)
    texts = (f'<text x="{x:.1f}" y="{y + 5:.1f}">{_spans(word)}</text>' for (x, y), word in words)
    return f"<g {look}>{''.join(texts)}</g>"


def _mark(symbol: str, x: float, y: float, radius: float) -> str:
    if symbol == "x":
        left, right, top, bottom = (f"{v:.1f}" for v in (x - radius, x + radius, y - radius, y + radius))
        return f'<path d="M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}"/>'
    if corners := _CORNERS.get(symbol.removesuffix("-open")):
        return f'<path d="M{"L".join(f"{x + radius * a:.1f} {y + radius * b:.1f}" for a, b in corners)}Z"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"/>'


def _ticks(axis: dict):
    values = axis.get("tickvals")
    if values is None:
        return []
    values = plain_json(values)
    low, high = sorted(axis.get("range", (0, 1)))
    texts = axis.get("ticktext") or [f"{v:g}" for v in values]
    return [(v, t) for v, t in zip(values, texts, strict=True) if low <= v <= high]


def _spans(html: str) -> str:
    """HTML with <b>, <i> and <sup> as the inside of an SVG text."""
    text = escape(unescape(html), quote=False).replace("&lt;br&gt;", " ")
    # A shift of the baseline lasts in SVG, so what follows a superscript is shifted back.
    text = re.sub(r"(&lt;/sup&gt;(?:&lt;/\w+&gt;)*)((?:[^&]|&(?!lt;))+)", r'\1<tspan dy="5">\2</tspan>', text)
    for tag, span in (("sup", '<tspan dy="-5" font-size="10">'), ("b", '<tspan font-weight="700">'), ("i", "<tspan>")):
        text = text.replace(f"&lt;{tag}&gt;", span).replace(f"&lt;/{tag}&gt;", "</tspan>")
    return text


def _text(html: str, x: float, y: float, anchor: str, paint: str, size: float | None = None) -> str:
    size = f' font-size="{size:g}"' if size and size != 14 else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{paint}"{size}>{_spans(html)}</text>'


def _corner(item: dict, panels: dict, first: _Panel, axis: str, value):
    """A shape's or note's coordinate: in data units of some panel, or as a fraction of the whole plot."""
    ref = item.get(f"{axis}ref", axis)
    left, top, width, height = first.box
    if ref == "paper":
        return left + value * width if axis == "x" else top + (1 - value) * height
    panel = next((p for pair, p in panels.items() if ref.removesuffix(" domain") in pair), first)
    if ref.endswith("domain"):
        return panel.left + value * panel.width if axis == "x" else panel.top + (1 - value) * panel.height
    return float(panel.px(value) if axis == "x" else panel.py(value))


def _shape(shape: dict, panels: dict, first: _Panel) -> str:
    if shape.get("visible") is False:
        return ""
    x0, x1 = (_corner(shape, panels, first, "x", shape[key]) for key in ("x0", "x1"))
    y0, y1 = (_corner(shape, panels, first, "y", shape[key]) for key in ("y0", "y1"))
    opacity = f' opacity="{shape["opacity"]}"' if "opacity" in shape else ""
    line = shape.get("line", {})
    if shape.get("type") == "rect":
        paint = _paint(shape.get("fillcolor", "none"))
        return f'<path fill="{paint}"{opacity} d="M{x0:.1f} {y0:.1f}H{x1:.1f}V{y1:.1f}H{x0:.1f}Z"/>'
    dash = ' stroke-dasharray="2 4"' if line.get("dash") else ""
    return (
        f'<path stroke="{_paint(line.get("color", "#545D69"))}" stroke-width="{line.get("width", 1)}"{dash}{opacity} '
        f'd="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"/>'
    )


def _note(note: dict, panels: dict, first: _Panel) -> str:
    if note.get("visible") is False or not note.get("text"):
        return ""
    x, y = _corner(note, panels, first, "x", note["x"]), _corner(note, panels, first, "y", note["y"])
    x, y = x + note.get("xshift", 0), y - note.get("yshift", 0)
    y += {"bottom": -4, "top": 14}.get(note.get("yanchor", "middle"), 5)
    anchor = {"left": "start", "right": "end"}.get(note.get("xanchor", "center"), "middle")
    font = note.get("font", {})
    return _text(note["text"], x, y, anchor, _paint(font.get("color", "#545D69")), font.get("size"))
