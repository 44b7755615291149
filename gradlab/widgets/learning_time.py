"""How long a deep linear network learns, by its depth and by what its layers do to a signal at the start."""

import math
from functools import lru_cache

import numpy as np

from gradlab import theory
from gradlab.deep_linear import linear_descent
from gradlab.explorer import Explorer, Menu, Preset, Sentence, Slider, limits
from gradlab.plots.learning_time import learning_time as draw
from gradlab.records import LearningTimeRecord, LinearDescent
from gradlab.style import power

NETWORKS = 4  # drawn networks behind every number
STEPS = 200
RATE = 0.2  # of the fastest rate: small enough for Saxe's flow
DEEPEST = 100

DEPTHS = (1, 2, 3, 5, 10, 20, 50, 100)
CURVE = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 63, 80, 100)  # depths of the curves of theory
STARTS = {
    "aligned": "aligned with the mode",
    "orthogonal": "random orthogonal",
    "gaussian": "random Gaussian",
}
SCALES = (0.5, 0.7, 0.8, 0.9, 0.95, 1)
STRENGTHS = (2, 3, 5, 10)


def learning_time() -> Explorer:
    """The strength of a mode over training, and the steps it takes at every depth."""
    return Explorer(
        name="learning_time",
        title="At scale 1, fifty aligned layers learn about as fast as ten; at 0.9, a hundred times slower",
        controls=(
            Slider("depth", "Layers", DEPTHS, 20, scale="log", words={1: "1 layer"}),
            Menu("start", "Start", STARTS, "aligned"),
            Slider("scale", "Scale of a layer", SCALES, 0.9),
            Slider("strength", "Strength s", STRENGTHS, 2, scale="log"),
        ),
        evaluate=evaluate,
        figure=draw,
        sentence=sentence,
        presets=(
            Preset("Shrinks a little"),
            Preset("Keeps the size", {"scale": 1, "depth": 100}),
            Preset("Orthogonal", {"scale": 1, "depth": 100, "start": "orthogonal"}),
            Preset("Gaussian", {"scale": 1, "depth": 100, "start": "gaussian"}),
            Preset("Small weights", {"scale": 0.5, "depth": 10}),
        ),
    )


def evaluate(depth: int = 20, start: str = "aligned", scale: float = 0.9, strength: float = 2) -> LearningTimeRecord:
    """Gradient descent on a deep linear network that is to learn one mode, beside Saxe's equation.

    depth: L, 1 to 100 layers. start: "aligned", every layer `scale` times the identity; "orthogonal", `scale` times a
    random orthogonal matrix; "gaussian", weights of variance scale^2 / n. scale: 0.5 to 1. strength: s, 2 to 10.
    ValueError for anything else.

    n = 16 units, a fifth of the fastest rate 1 / (L s^(2 - 2/L)). Learned: a tenth of s is missing at most. Theory is for
    layers that are aligned with the mode, and known at any depth; the descent ends after 200 steps.

    >>> evaluate(depth=100, scale=1).learned, evaluate(depth=10, scale=1).learned
    (15.0, 14.0)
    """
    limits.whole(1, DEEPEST, depth=depth)
    limits.one_of(STARTS, start=start)
    limits.number(SCALES[0], SCALES[-1], scale=scale)
    limits.number(STRENGTHS[0], STRENGTHS[-1], strength=strength)
    depth, scale, strength = int(depth), float(scale), float(strength)
    run, at = _measured(depth, start, scale, strength)
    mode = run.mode[:, at]
    return LearningTimeRecord(
        depth=depth,
        start=start,
        scale=scale,
        strength=strength,
        networks=mode.shape[1],
        rate=RATE,
        mode=np.median(mode, axis=1),
        low=mode.min(axis=1),
        high=mode.max(axis=1),
        theory=theory.mode_strength(depth, strength, scale, np.arange(STEPS + 1), rate=RATE),
        learned=float(np.quantile(run.learned_at()[at], 0.5, method="higher")),
        log10_theory=theory.log10_learning_steps(depth, strength, scale, rate=RATE),
        depths=np.array(CURVE),
        rail=_rail(strength, scale),
        scales=SCALES,
        family=np.array([_rail(strength, float(each)) for each in SCALES]),
    )


def _measured(depth: int, start: str, scale: float, strength: float) -> tuple[LinearDescent, int]:
    """A run, and which of its settings is asked for."""
    if scale in SCALES and strength in STRENGTHS and depth in DEPTHS:
        return _grid(depth, start), SCALES.index(scale) * len(STRENGTHS) + STRENGTHS.index(strength)
    return _alone(depth, start, scale, strength), 0


@lru_cache(maxsize=len(DEPTHS) * len(STARTS))
def _grid(depth: int, start: str) -> LinearDescent:
    """All scales and strengths at once: each of them costs little more than one."""
    pairs = np.array([(scale, strength) for scale in SCALES for strength in STRENGTHS], dtype=float)
    return _run(depth, start, *pairs.T)


@lru_cache(maxsize=64)
def _alone(depth: int, start: str, scale: float, strength: float) -> LinearDescent:
    return _run(depth, start, scale, strength)


def _run(depth, start, scale, strength) -> LinearDescent:
    return linear_descent(
        depth, start, seed=0, strength=strength, scale=scale, rate=RATE, steps=STEPS, networks=NETWORKS
    )


@lru_cache(maxsize=256)
def _rail(strength: float, scale: float) -> np.ndarray:
    return np.array([theory.log10_learning_steps(depth, strength, scale, rate=RATE) for depth in CURVE])


WHO = {
    "aligned": "{layers}, aligned with the mode, begin at {at} of its strength",
    "orthogonal": "{layers} of random orthogonal weights carry some other signal, at {at} of the mode’s strength",
    "gaussian": "{layers} of random Gaussian weights carry some other signal, at {at} of the mode’s strength, rms",
}
LEARNED = "{who}. The mode is learned after <b>{steps}</b> steps; theory{of} says {theory}. {rule}"
NEVER = "{who}. In {steps} steps the mode is <b>not learned</b>; theory{of} says {theory}. {rule}"
RULES = {
    "one": "One layer closes the same share of the gap in every step.",
    "level": "Nothing shrinks on the way, so no depth needs more than {limit} steps.",
    "shrinks": "Each layer multiplies the start by {scale}, and the gradient too.",
    "orthogonal": "Random layers must first turn to the mode; keeping every direction’s size, they can.",
    "gaussian": "The deeper a product of Gaussian layers, the fewer directions it keeps.",
}


def sentence(record: LearningTimeRecord) -> Sentence:
    """How long it took, what theory says, and why."""
    layers = "1 layer" if record.depth == 1 else f"{record.depth} layers"
    start = record.depth * math.log10(record.scale) - math.log10(record.strength)
    scale = f"{record.scale:g}"
    who = WHO[record.start].format(layers=layers, at=power(start))
    if record.depth == 1:
        who, rule = who.replace(" begin ", " begins ").replace(" carry ", " carries "), "one"
    elif record.start == "gaussian":
        rule = "gaussian"
    elif record.scale < 1:
        rule = "shrinks"
    else:
        rule = "level" if record.start == "aligned" else "orthogonal"
    learned = math.isfinite(record.learned)
    limit = 10 ** theory.log10_learning_steps(10**6, record.strength, 1.0, rate=RATE)
    text = (LEARNED if learned else NEVER).format(
        who=who,
        of="" if record.start == "aligned" else " for aligned layers",
        steps=f"{record.learned if learned else record.steps:.0f}",
        theory=_whole(record.log10_theory),
        rule=RULES[rule].format(limit=math.ceil(limit), scale=scale),
    )
    name = {"aligned": "", "orthogonal": ", orthogonal", "gaussian": ", Gaussian"}[record.start]
    label = f"{layers} at {scale}{name}, s = {record.strength:g}"
    if not learned:
        return Sentence("vanishing", text, label)
    verdict = "reading" if rule in ("shrinks", "gaussian") else "level"
    return Sentence(verdict, text, label, math.log10(record.learned))


def _whole(log10_steps: float) -> str:
    return f"{10**log10_steps:.0f}" if log10_steps < 3 else power(log10_steps)
