"""Explorer [d]: which inputs let a sigmoid link pass the whole gradient, for a weight and a bias."""

from functools import lru_cache

import numpy as np

from gradlab import theory
from gradlab.activations import ACTIVATIONS
from gradlab.explorer import Explorer, Preset, Sentence, Slider, limits
from gradlab.plots.window import window as draw
from gradlab.records import WindowRecord
from gradlab.style import number

#: about even steps on a log scale, and the weights that the chapter speaks of
WEIGHTS = (
    1, 1.2, 1.5, 1.8, 2.2, 2.7, 3.2, 3.6, 3.9, 4, 4.1, 4.2, 4.5, 5, 5.5, 6, 6.5, 6.894, 6.9, 7.5, 8.2, 9, 10, 11.5, 13,
    15, 17.5, 20, 23, 27, 32, 37, 43, 50, 60, 70, 85, 100, 120, 145, 170, 200,
)  # fmt: skip
CENTRES = tuple(i / 20 for i in range(21))
POINTS = 45  # drawn of the curve
COUNT = 4000  # inputs, evenly spaced, among which those with a factor of at least 1 are counted


def window() -> Explorer:
    """The factor |w sigma'(w a + b)| against the input a, its window, and the width of the window for every weight."""
    return Explorer(
        name="window",
        title="No weight opens it by more than 0.448",
        controls=(
            Slider("weight", "Weight", values=WEIGHTS, default=6.9, scale="log"),
            Slider("centre", "Centred at input", values=CENTRES, default=0.5),
        ),
        evaluate=evaluate,
        figure=draw,
        sentence=sentence,
        presets=(
            Preset("Just too small", {"weight": 3.9}),
            Preset("First light", {"weight": 4.5}),
            Preset("As wide as it gets", {"weight": 6.894}),
            Preset("A slit", {"weight": 100}),
            Preset("A slit, no bias", {"weight": 100, "centre": 0.0}),
        ),
    )


def evaluate(weight: float, centre: float) -> WindowRecord:
    """The window of one sigmoid link with weight w and bias b = -w * centre, for inputs in [0, 1].

    A weight of -w with bias -b gives the same factor, so positive weights are enough. Raises ValueError for a weight
    outside 1 to 200 or a centre outside 0 to 1.

    >>> record = evaluate(weight=100, centre=0.5)
    >>> print(f"{record.low:.3f} to {record.high:.3f}, bias {record.bias:g}")
    0.454 to 0.546, bias -50
    """
    limits.number(WEIGHTS[0], WEIGHTS[-1], weight=weight)
    limits.number(0, 1, centre=centre)
    bias = -weight * centre
    # z is dense where the slope bends and sparse in its tails, whatever the weight
    z = np.sinh(np.linspace(np.arcsinh(bias), np.arcsinh(weight + bias), POINTS))
    inputs = (z - bias) / weight
    inputs[0], inputs[-1] = 0, 1  # but for rounding
    width = theory.unstable_window(weight).width
    family_width, family_counted = _family(centre)
    return WindowRecord(
        weight=weight,
        bias=bias,
        centre=centre,
        inputs=inputs,
        factors=weight * ACTIVATIONS["sigmoid"].slope(z),
        width=width,
        low=max(centre - width / 2, 0.0) if weight >= 4 else None,
        high=min(centre + width / 2, 1.0) if weight >= 4 else None,
        counted=_counted(weight, centre),
        family_weights=np.array(WEIGHTS, dtype=float),
        family_width=family_width,
        family_counted=family_counted,
        widest=theory.widest_window(),
    )


@lru_cache(maxsize=len(CENTRES))
def _family(centre: float) -> tuple[np.ndarray, np.ndarray]:
    """Width by the formula and share by counting, each (F,), for every weight of the grid."""
    width = np.array([theory.unstable_window(weight).width for weight in WEIGHTS])
    return width, np.array([_counted(weight, centre) for weight in WEIGHTS])


def _counted(weight: float, centre: float) -> float:
    """The share of ``COUNT`` evenly spaced inputs in [0, 1] whose factor is at least 1."""
    inputs = (np.arange(COUNT) + 0.5) / COUNT
    return float(np.mean(weight * ACTIVATIONS["sigmoid"].slope(weight * (inputs - centre)) >= 1))


def sentence(record: WindowRecord) -> Sentence:
    """Which inputs reach 1, what share of [0, 1] they are, and how that compares with the best weight."""
    weight, bias = f"{record.weight:.4g}", f"{record.bias + 0.0:.4g}".replace("-", "−")
    label = f"weight {weight}, bias {bias}"
    if record.low is None:
        text = (
            f"With weight {weight} and bias {bias} the factor stays below 1 for every input: it is "
            f"{number(record.largest_factor)} at most. A weight below 4 opens no window, whatever the bias."
        )
        return Sentence("vanishing", text, label)
    if record.width == 0:
        text = (
            f"With weight {weight} and bias {bias} the factor reaches 1 at a single input, {number(record.centre)}. "
            "The window has no width yet."
        )
        return Sentence("reading", text, label)
    start = (
        f"With weight {weight} and bias {bias} the factor reaches 1 only for inputs from {number(record.low)} to "
        f"{number(record.high)}: {_per_cent(record.share)} of the interval"
    )
    best_weight, best = record.widest
    if _per_cent(record.share) == _per_cent(best):
        return Sentence("reading", f"{start}, the most that any weight can give.", label)
    if record.share < record.width - 1e-9:
        whole = _per_cent(record.width)
        text = f"{start}. Centred at an input of 0.5, this weight would keep the whole window, {whole}."
        return Sentence("reading", text, label)
    return Sentence("reading", f"{start}. The best weight, {number(best_weight)}, gives {_per_cent(best)}.", label)


def _per_cent(share: float) -> str:
    return f"{number(100 * share)} %"
