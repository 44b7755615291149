"""Explorer [o]: gradient descent on a loss with a wall in it, with and without clipping."""

from functools import lru_cache

import numpy as np

from gradlab.cliff import RULES, TARGET, cliff_contour, cliff_descent, cliff_gradient, cliff_output
from gradlab.clipping import angle
from gradlab.explorer import Explorer, Menu, Preset, Sentence, Slider, limits
from gradlab.plots.clipping import clipping as draw
from gradlab.records import CliffDescent, ClippingRecord
from gradlab.style import number

STEPS = 60
RATE = 0.3
NUDGE = 1e-15  # how far a start is moved to see whether rounding decides where it ends
CHANGED = 1e-3  # the loss at the end by this share

KINDS = {"none": "none", "norm": "by the norm", "value": "each value", "largest": "by the largest value"}
THRESHOLDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10)
WEIGHTS = (4.4, 4.6, 4.8, 5, 5.2, 5.4)
BIASES = (-2.7, -2.65, -2.6, -2.55, -2.5, -2.45, -2.4, -2.35, -2.3, -2.25, -2.2)
AROUND = 21  # starts each way, between the ends of the two sliders

FRAME = np.array([[4.1, 5.6], [-3.05, -1.35]])  # clipped at 1 or less no path leaves it
MAP = np.linspace(*FRAME[0], 151)
PIXEL = 0.004  # of b on a wide page, half of one: how far a drawn line may be from the true one
#: losses of the contours, each twice the one before; above the target the output never reaches the last two
BELOW, ABOVE = 0.0025 * 2.0 ** np.arange(7, -1, -1), 0.0025 * 2.0 ** np.arange(6)
OUTPUTS = TARGET + np.concatenate([-np.sqrt(BELOW), [0], np.sqrt(ABOVE)])
STEEP = 10  # gradient from which a slope is called a wall
SIDE = 0.35  # output in the middle of the wall: below it the unit is off


def clipping() -> Explorer:
    """The path of gradient descent over the loss of one recurrent unit, for a start, a way of clipping and a threshold."""
    return Explorer(
        name="clipping",
        title="Clipping shortens the jump; the cliff stays",
        controls=(
            Menu("kind", "Clipping", KINDS, "none"),
            Slider("threshold", "Threshold", THRESHOLDS, 1, scale="log"),
            Slider("w", "Start, weight w", WEIGHTS, 5),
            Slider("b", "Start, bias b", BIASES, -2.4),
        ),
        evaluate=evaluate,
        figure=draw,
        sentence=sentence,
        presets=(
            Preset("The jump", {}, pin={"kind": "norm"}),
            Preset("The same, clipped", {"kind": "norm"}, pin={"kind": "none"}),
            Preset("Clip each value", {"kind": "value"}, pin={"kind": "norm"}),
            Preset("Clip too hard", {"kind": "norm", "threshold": 0.01}, pin={"kind": "norm"}),
            Preset("Still at the wall", {"kind": "norm", "w": 5.2, "b": -2.45}),
        ),
    )


def evaluate(kind: str = "none", threshold: float = 1, w: float = 5, b: float = -2.4) -> ClippingRecord:
    """Sixty steps of gradient descent at rate 0.3 on the loss of `gradlab.cliff`; see `ClippingRecord`.

    kind: "none", or what clipping bounds, "norm", "value" (each entry is cut) or "largest" (all shrink alike).
    threshold: 0.01 to 10. w, b: the start, 4.4 to 5.4 and -2.7 to -2.2. ValueError for anything else.

    >>> record = evaluate()
    >>> print(f"{record.decisive}: {record.norm[51]:.3g}, {record.jump[51]:.3g}; {record.loss[-1]:.3f}")
    51: 38.9, 11.7; 0.090
    """
    limits.one_of(KINDS, kind=kind)
    limits.number(THRESHOLDS[0], THRESHOLDS[-1], threshold=threshold)
    limits.number(WEIGHTS[0], WEIGHTS[-1], w=w)
    limits.number(BIASES[0], BIASES[-1], b=b)
    threshold = float(threshold)
    around = _around(kind, threshold if kind != "none" else None)
    half = around.loss.shape[1] // 2
    same = np.flatnonzero(np.abs(around.path[0, :, :half] - [[w], [b]]).max(axis=0) < 1e-9)
    if len(same):
        descent, at, nudged = around, int(same[0]), half + int(same[0])
    else:  # a start between those of the grid
        descent, at, nudged = _descent([[w, w + NUDGE], [b, b + NUDGE]], kind, threshold), 0, 1
    gradients, loss, path = descent.gradient[:-1, :, at], descent.loss[:, at], descent.path[:, :, at]
    off = ((around.path < FRAME[:, :1]) | (around.path > FRAME[:, 1:]))[..., :half]
    return ClippingRecord(
        kind=kind,
        threshold=threshold,
        w=float(w),
        b=float(b),
        path=path,
        loss=loss,
        norm=descent.norm[:, at],
        clipped=int((_size(kind, gradients) > threshold).sum()),
        turned=_turned(kind, threshold, gradients),
        crossings=int(np.count_nonzero(np.diff(cliff_output(*path.T) < SIDE))),
        sensitive=bool(abs(descent.loss[-1, nudged] - loss[-1]) >= CHANGED * loss[-1]),
        frame=FRAME,
        outputs=OUTPUTS,
        target=TARGET,
        contours=_contours(),
        wall=_wall(),
        starts=half,
        share_out=float(off.any(axis=(0, 1)).mean()),
        median_loss=float(np.median(around.loss[-1, :half])),
    )


def _descent(start, kind: str, threshold: float) -> CliffDescent:
    return cliff_descent(start, kind=kind, threshold=threshold, learning_rate=RATE, steps=STEPS)


@lru_cache(maxsize=32)  # more than the grid has
def _around(kind: str, threshold: float | None) -> CliffDescent:
    """The descents from a grid of starts, those of the sliders among them, and then from the same, moved by a rounding."""
    starts = np.meshgrid(*(np.linspace(grid[0], grid[-1], AROUND) for grid in (WEIGHTS, BIASES)))
    starts = np.reshape(starts, (2, -1)).round(9)
    return _descent(np.hstack([starts, starts + NUDGE]), kind, threshold or 1.0)


@lru_cache(maxsize=1)
def _contours() -> np.ndarray:
    lines = [_few(MAP, np.clip(cliff_contour(float(output), MAP), *FRAME[1])) for output in OUTPUTS]
    return np.hstack([part for line in lines for part in (np.full((2, 1), np.nan), line)][1:])


@lru_cache(maxsize=1)
def _wall() -> np.ndarray:
    """The foot of the steepest slope, from where it is a wall."""
    b = cliff_contour(0.5, MAP)
    steep = np.hypot(*cliff_gradient(MAP, b)[1:]) > STEEP
    return _few(MAP[steep], b[steep])


def _few(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A line through as many of its points as it takes to stay within half a pixel of all, (2, P)."""
    straight = y[0] + (y[-1] - y[0]) * (x - x[0]) / (x[-1] - x[0])
    off = np.abs(y - straight)
    if off.max() <= PIXEL:
        return np.array([x[[0, -1]], y[[0, -1]]])
    at = int(off.argmax())
    return np.hstack([_few(x[: at + 1], y[: at + 1])[:, :-1], _few(x[at:], y[at:])])


def _size(kind: str, gradients: np.ndarray) -> np.ndarray:
    """What the threshold is compared with, (S,)."""
    return np.abs(gradients).max(axis=1) if kind in ("value", "largest") else np.hypot(*gradients.T)


def _turned(kind: str, threshold: float, gradients: np.ndarray) -> float:
    after = RULES[kind](gradients.T, threshold).T
    return max((angle([g], [a]) for g, a in zip(gradients, after, strict=True) if g.any()), default=0.0)


THROWN = (
    "{When} the gradient is <b>{longest}</b>: the next step throws the weights {jump} away, off the map. After "
    "{steps} the loss is <b>{loss}</b>."
)
KEPT = (
    "After {steps} steps the loss is <b>{loss}</b>. The longest gradient, {longest} {when}, moved the "
    "weights by {jump}."
)
CUT = {
    "none": "A threshold of {threshold} is passed by {clipped} of {steps} gradients.",
    "scaled": "Clipping shortened {clipped} of {steps} steps and turned none.",
    "cut": "Clipping cut values in {clipped} of {steps} steps, turning them by up to {turned}°.",
    "idle": "No gradient was longer than the threshold.",
}
CROSSED = {"never": "The path never crossed the wall.", "often": "The path crossed the wall {times}."}
AROUND_HERE = "Of {starts} starts around it, {share} leave the map; half end above {median}."
SENSITIVE = "Rounding decides this end: the wall magnifies even that."
LABELS = {"none": "not clipped", "norm": "norm at {}", "value": "each value at {}", "largest": "largest value at {}"}


def sentence(record: ClippingRecord) -> Sentence:
    """Where the path ends and why, what clipping did to it, and how the same does from starts around it."""
    thrown = record.left is not None
    at = record.decisive
    when = {0: "at the start", 1: "after 1 step"}.get(at, f"after {at} steps")
    if record.kind == "none":
        cut = "none"
    else:
        cut = "idle" if record.clipped == 0 else "cut" if record.kind == "value" else "scaled"
    values = {
        "steps": record.steps,
        "when": when,
        "When": when.capitalize(),
        "longest": number(record.norm[at]),
        "jump": number(record.jump[at]),
        "loss": number(record.loss[-1]),
        "threshold": f"{record.threshold:g}",
        "clipped": record.clipped or "none",
        "turned": f"{record.turned:.0f}",
        "times": {1: "once", 2: "twice"}.get(record.crossings, f"{record.crossings} times"),
        "starts": record.starts,
        "share": f"{100 * record.share_out:.0f}\u00a0%" if record.share_out else "none",
        "median": number(record.median_loss, 2),
    }
    crossed = CROSSED["often" if record.crossings else "never"]
    parts = [THROWN if thrown else KEPT, CUT[cut]] + ([] if thrown else [crossed])
    parts.append(SENSITIVE if record.sensitive else AROUND_HERE)
    label = LABELS[record.kind].format(f"{record.threshold:g}")
    text = " ".join(parts).format(**values)
    value = float(np.log10(record.loss[-1])) if record.loss[-1] else None
    return Sentence("exploding" if thrown else "reading", text, label, value)
