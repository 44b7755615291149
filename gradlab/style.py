"""One look for the whole book: the palette, the type, the axes and how a number is written.

Every colour is a pair, for light and for dark pages. Figures are built in the light one; the page's script swaps the
pair. CSS receives both as variables named ``--gl-<name>``.
"""

import math

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio

#: name -> (light, dark). Identity colours come first, then the two factors, then the neutrals.
PALETTE = {
    "sigmoid": ("#2B3F82", "#8C93D2"),
    "tanh": ("#1F86E0", "#BBD0F2"),
    "relu": ("#DE6219", "#E07B42"),
    "leaky": ("#8F3611", "#FFCB85"),
    "gelu": ("#15695A", "#22B39A"),
    "silu": ("#5A8A66", "#80F5D6"),
    "linear": ("#3A424D", "#C3CAD4"),
    "weight": ("#7A5A00", "#D9B44A"),
    "slope": ("#A3196B", "#F07CB8"),
    "ink": ("#1C2128", "#E6EAF0"),
    "muted": ("#545D69", "#AAB4C0"),
    "theory": ("#6B7280", "#98A2B0"),
    "grid": ("#DFE3E8", "#2C343F"),
    "accent": ("#0A6C80", "#5CC3D6"),
    "ground": ("#FFFFFF", "#14181E"),
}

#: From vanish to explode, about 1.
DIVERGING = (
    ("#16315F", "#B7D6F7"),
    ("#4F86C6", "#5B93CF"),
    ("#B9D3EC", "#27476B"),
    ("#F6F4EF", "#1B2027"),
    ("#F3C6A5", "#5E3619"),
    ("#D97732", "#C9713A"),
    ("#6E2405", "#FFD0AE"),
)

#: Who is drawn in which colour, and with which marker: an activation keeps both in the whole book.
_IDENTITY = {
    "sigmoid": ("sigmoid", "circle"),
    "tanh": ("tanh", "square"),
    "relu": ("relu", "triangle-up"),
    "leaky_relu": ("leaky", "triangle-up-open"),
    "elu": ("leaky", "triangle-up-open"),
    "selu": ("leaky", "triangle-up-open"),
    "gelu": ("gelu", "diamond"),
    "silu": ("silu", "diamond-open"),
    "softplus": ("silu", "diamond-open"),
    "linear": ("linear", "cross"),
}

#: The activations as readers are shown them.
ACTIVATION_LABELS = {
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "softplus": "softplus",
    "linear": "linear",
}

SERIF = 'Charter, "Bitstream Charter", "Sitka Text", Cambria, "Noto Serif", "Noto Serif CJK SC", "Songti SC", serif'
SANS = 'system-ui, "Segoe UI", "Noto Sans", "PingFang SC", "Noto Sans CJK SC", sans-serif'
HEIGHT, HEIGHT_PHONE = 420, 330


def phone_height(layout: dict) -> int:
    """Height of a figure on a narrow page, px: an explorer shares its screen with controls, a figure may name its own."""
    return layout.get("meta", {}).get("phone") or min(layout.get("height", HEIGHT), HEIGHT_PHONE)


#: Half-heights, in decades, that a frame about 1 may have. It grows in steps, so that a moving control is not chased
#: by a moving axis.
FRAMES = (1, 3, 10, 30, 100, 300, 1000, 3000, 10000)
#: The same for frames that reach farther to one side, and between their ticks.
_REACHES = (1, 2, 3, 5, 8, 12, 16, 20, 25, 35, 50, 70, 100, 200, 300)
_STEPS = (1, 2, 3, 4, 5, 10, 20, 25, 30, 50, 100)


def colour(name: str) -> str:
    """The light-page hex of a palette name or of an activation."""
    name = _IDENTITY.get(name, (name,))[0]
    if name not in PALETTE:
        raise ValueError(f"name: got {name!r}, expected one of {', '.join(PALETTE)} or an activation")
    return PALETTE[name][0]


def marker(activation: str) -> str:
    """The plotly marker symbol of an activation."""
    return _IDENTITY[activation][1]


def variables() -> dict[str, tuple[str, str]]:
    """Every colour as CSS variable name -> (light, dark)."""
    named = {f"--gl-{name}": pair for name, pair in PALETTE.items()}
    return named | {f"--gl-diverging-{i}": pair for i, pair in enumerate(DIVERGING)}


def swap() -> dict[str, str]:
    """Light hex -> dark hex, for the page's script."""
    return dict(variables().values())


def css() -> str:
    """The palette and the typefaces as CSS variables: light by default and in print, dark where the page says so."""
    light = f"--gl-serif:{SERIF};--gl-sans:{SANS};" + "".join(
        f"{name}:{pair[0]};" for name, pair in variables().items()
    )
    dark = "".join(f"{name}:{pair[1]};" for name, pair in variables().items())
    return f":root{{{light}}}\n@media not print{{html[data-theme=dark]{{{dark}}}}}\n"


# ---------------------------------------------------------------------------------------------------- numbers


#: The spaces do not break: no line of a narrow page may begin with the power of ten.
_TIMES = "\u00a0·\u00a0"


def number(value: float, digits: int = 3) -> str:
    r"""A number as the book writes it, in HTML: three significant digits, powers of ten outside 0.001 to 10,000.

    >>> number(0.23512), number(5.9e-19), number(-41230.0)
    ('0.235', '5.90\xa0·\xa010<sup>−19</sup>', '−4.12\xa0·\xa010<sup>4</sup>')
    """
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "beyond every float" if value > 0 else "−beyond every float"
    if value == 0:
        return "0"
    sign = "−" if value < 0 else ""
    return sign + power(math.log10(abs(value)), digits)


def power(log10_value: float, digits: int = 3) -> str:
    r"""The number whose decimal logarithm is given; works far beyond the range of floats.

    >>> power(-400.2), power(0.0), power(-1.6)
    ('6.31\xa0·\xa010<sup>−401</sup>', '1.00', '0.0251')
    """
    if math.isnan(log10_value):
        return "not a number"
    if math.isinf(log10_value):
        return "beyond every float" if log10_value > 0 else "0"
    exponent = math.floor(log10_value)
    mantissa = round(10 ** (log10_value - exponent), digits - 1)
    if mantissa >= 10:
        mantissa, exponent = mantissa / 10, exponent + 1
    if -4 < exponent < 4:
        return f"{mantissa * 10.0**exponent:.{max(digits - 1 - exponent, 0)}f}"
    return f"{mantissa:.{digits - 1}f}{_TIMES}{ten_to(exponent)}"


def ten_to(exponent: int) -> str:
    """A power of ten as HTML, with a true minus sign; 10 to the 0 is the landmark "1".

    >>> ten_to(-10), ten_to(0)
    ('10<sup>−10</sup>', '1')
    """
    if exponent == 0:
        return "1"
    return f"10<sup>{str(exponent).replace('-', '−')}</sup>"


# ------------------------------------------------------------------------------------------------------- axes


def frame(*log10_values) -> int:
    """The smallest half-height of ``FRAMES`` that holds every finite value given, in decades about 1."""
    largest = 0.0
    for values in log10_values:
        finite = np.abs(np.asarray(values, dtype=float))
        finite = finite[np.isfinite(finite)]
        largest = max(largest, float(finite.max(initial=0.0)))
    return round_up(largest, FRAMES)


def round_up(amount: float, steps) -> float:
    """The first of ``steps``, from small to large, that holds the amount; the last where none does."""
    return next((step for step in steps if amount <= step), steps[-1])


def frame_between(*log10_values) -> tuple[float, float]:
    """Lowest and highest power, in steps, of a frame that holds every finite value given; neither is less than a sixth as
    far from 1 as the other.

    >>> frame_between([-18.2, 0.3], [-7.0])
    (-20, 3.3333333333333335)
    """
    finite = np.concatenate([np.ravel(values)[np.isfinite(np.ravel(values))] for values in log10_values])
    down, up = (round_up(float(reach), _REACHES) for reach in (-finite.min(initial=0), finite.max(initial=0)))
    return min(-down, -up / 6), max(up, down / 6)


def decades(half_height: float, step: float | None = None) -> dict:
    """A linear plotly axis from 10^-h to 10^h whose ticks are round powers of ten, or ``step`` decades apart."""
    if step is None:
        step = {1: 1, 3: 1}.get(half_height, half_height // 3 if half_height % 3 == 0 else half_height // 2)
    return decades_between(-half_height, half_height, step, room=0.02)


def decades_between(low: float, high: float, step: float, *, room: float = 0.03, word=ten_to) -> dict:
    """A linear plotly axis from 10^low to 10^high with ticks at 1 and every ``step`` decades from it.

    room: what is left free beyond each end, as a share of the axis. word: what a tick is called.
    """
    ticks = [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    room *= high - low
    return {
        "range": [low - room, high + room],
        "tickvals": ticks,
        "ticktext": [word(tick) for tick in ticks],
        "zeroline": True,
    }


def decades_ticked(low: float, high: float, ticks: int) -> dict:
    """The same with about so many ticks at most, and with two."""
    farthest = max(step for step in _STEPS if step <= max(-low, high))
    return decades_between(low, high, min(round_up((high - low) / ticks, _STEPS), farthest))


def layer_axis(depth: int, *, room: float = 0.02) -> dict:
    """A plotly axis from layer 1 to the last, which have ticks, as has one in the middle.

    room: what is left free beyond each end, so that no marker is cut, as a share of the axis.
    """
    room = max(room * (depth - 1), 0.1)
    middle = (depth + 1) // 2 if depth <= 10 else depth // 2
    return {"range": [1 - room, depth + room], "tickvals": sorted({1, middle, depth})}


#: measured over theory, one decade each way
STRIP = {"range": [-1.15, 1.15], "tickvals": [-1, 0, 1], "ticktext": ["÷10", "=", "×10"], "zeroline": True}


def strip(reach: int = 1) -> dict:
    """`STRIP` with room for more decades each way, and for small letters."""
    word = (lambda sign: f"{sign}{10**reach}") if reach < 3 else (lambda sign: f"{sign}{ten_to(reach)}")
    ticks = {"tickvals": [-reach, 0, reach], "ticktext": [word("÷"), "", word("×")], "tickfont": {"size": 12}}
    return STRIP | {"range": [-1.15 * reach, 1.15 * reach]} | ticks


def axis_note(text: str, *, y: float = 1.0, **more) -> dict:
    """What stands over the top left corner of a panel instead of a rotated axis title."""
    return note(text, x=0, y=y, xref="paper", yref="paper", xanchor="left", yanchor="bottom", **more)


def note(text: str, *, colour_name: str = "muted", wide: bool = False, **more) -> dict:
    """A plotly annotation without an arrow. One that is ``wide`` is left out on phones."""
    base = {"text": text, "showarrow": False, "font": {"color": colour(colour_name), "size": 14}}
    return base | ({"name": "wide"} if wide else {}) | more


def _axis() -> dict:
    return {
        "gridcolor": colour("grid"),
        "zerolinecolor": colour("theory"),
        "zerolinewidth": 1.2,
        "zeroline": False,
        "linecolor": colour("grid"),
        "ticks": "",
        "automargin": False,
        "fixedrange": True,
        "title": {"font": {"size": 14}, "standoff": 6},
    }


TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": SANS, "size": 14, "color": colour("ink")},
        "paper_bgcolor": colour("ground"),
        "plot_bgcolor": colour("ground"),
        "margin": {"l": 62, "r": 14, "t": 30, "b": 46},
        "height": HEIGHT,
        "showlegend": False,
        "dragmode": False,
        "hovermode": False,
        "bargap": 0.2,
        "colorway": [PALETTE[name][0] for name in ("sigmoid", "tanh", "relu", "leaky", "gelu", "silu", "linear")],
        "xaxis": _axis() | {"showgrid": False},
        "yaxis": _axis(),
    }
)
pio.templates["gradlab"] = TEMPLATE
pio.templates.default = "gradlab"


def figure(traces: list[dict], layout: dict, *, title: str | None = None, alt: str | None = None) -> go.Figure:
    """A figure in the book's style from plain plotly dictionaries.

    ``title`` is the one message of a figure as a whole sentence, ``alt`` its text equivalent. Explorers carry their
    own title and sentence and give neither. The dictionaries are not validated here (a static explorer draws
    thousands of them); ``tests/test_plots.py`` validates one of each kind.
    """
    layout = {"template": TEMPLATE} | layout
    if title is not None:
        layout = layout | {
            "title": {"text": title},
            "meta": layout.get("meta", {}) | {"title": title, "alt": alt or title},
        }
        layout.setdefault("margin", {"l": 62, "r": 14, "t": 64, "b": 46})
    return go.Figure({"data": traces, "layout": layout}, _validate=False)
