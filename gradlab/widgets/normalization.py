"""Explorer [m]: normalization, activation, batch and depth."""

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np

from gradlab import theory
from gradlab.backprop import Normalization, Stack, dense_stack, profile
from gradlab.explorer import Explorer, Menu, Preset, Sentence, Slider, limits
from gradlab.initializers import initializer as initializer_named
from gradlab.plots.normalization import normalization as draw
from gradlab.records import NormalizationRecord
from gradlab.style import ACTIVATION_LABELS, number, power

WIDTH = 128  # units in every layer, and inputs
NETWORKS = 5  # independent networks behind every number
EXAMPLES = 32  # behind every norm where examples are not mixed
DEEPEST = 100
LEVEL = 0.5  # decades within which a gradient keeps its size

NORMALIZATIONS = {"none": "none", "batch": "batch", "layer": "layer", "rms": "RMS"}
ACTIVATIONS = {"sigmoid": "sigmoid, Xavier", "relu": "ReLU, He", "linear": "linear, LeCun"}
INITIALIZERS = {"sigmoid": "xavier_normal", "relu": "kaiming_normal", "linear": "lecun_normal"}
BATCHES = (4, 5, 6, 8, 16, 32, 128, 512)
DEPTHS = (2, 5, 10, 20, 30, 50, 100)


def normalization() -> Explorer:
    """The gradient over the layers with and without normalization, and the factor a layer against the batch."""
    return Explorer(
        name="normalization",
        title="The same layer cures one network and poisons the other",
        controls=(
            Menu("normalization", "Normalization", NORMALIZATIONS, "batch"),
            Menu("activation", "Activation", ACTIVATIONS, "sigmoid"),
            Slider("batch", "Batch", BATCHES, 128, scale="log"),
            Slider("depth", "Layers", DEPTHS, 30, scale="log"),
        ),
        evaluate=evaluate,
        figure=draw,
        sentence=sentence,
        presets=(
            Preset("Cure the sigmoid"),
            Preset("Poison ReLU", {"activation": "relu"}),
            Preset("Batch of four", {"activation": "linear", "batch": 4}),
            Preset("Layer norm", {"activation": "relu", "normalization": "layer"}),
            Preset("Not for sigmoids", {"normalization": "layer"}),
        ),
    )


def evaluate(
    normalization: str = "batch", activation: str = "sigmoid", batch: int = 128, depth: int = 30
) -> NormalizationRecord:
    """Gradient norms of ``NETWORKS`` normalized networks, beside theory; see `NormalizationRecord`.

    normalization: "none", "batch", "layer" or "rms". activation: "sigmoid" with Xavier's weights, "relu" with He's,
    "linear" with LeCun's. batch: 4 to 512 examples. depth: 2 to 100 layers. ValueError for anything else.

    128 units a layer, inputs and the gradient at the end N(0, 1); normalization adds no epsilon. Only batch
    normalization mixes examples: for the others the batch does not matter, and norms are taken over 32 examples.

    >>> record = evaluate(activation="linear", batch=4, depth=100)
    >>> round(record.factor_theory**2, 1), record.examples
    (2.0, 4)
    """
    limits.one_of(NORMALIZATIONS, normalization=normalization)
    limits.one_of(ACTIVATIONS, activation=activation)
    limits.whole(BATCHES[0], BATCHES[-1], batch=batch)
    limits.whole(DEPTHS[0], DEEPEST, depth=depth)
    batch, depth = int(batch), int(depth)
    examples = batch if normalization == "batch" else EXAMPLES
    measured = _measured(normalization, activation, examples, depth)
    factors = np.array([[_theory(each, activation, b, depth)[0] for b in BATCHES] for each in NORMALIZATIONS])
    return NormalizationRecord(
        normalization=normalization,
        activation=activation,
        batch=batch,
        depth=depth,
        networks=NETWORKS,
        initializer=INITIALIZERS[activation],
        examples=examples,
        measured=np.median(measured, axis=0),
        low=measured.min(axis=0),
        high=measured.max(axis=0),
        plain=np.median(_measured("none", activation, EXAMPLES, depth), axis=0),
        normalizations=tuple(NORMALIZATIONS),
        profiles=np.array([_theory(each, activation, batch, depth) for each in NORMALIZATIONS]),
        batches=BATCHES,
        factors=10 ** (factors / (depth - 1)),
        large=math.sqrt(theory.normalized_chi(activation)),
    )


@lru_cache(maxsize=512)  # more than the grid has
def _measured(normalization: str, activation: str, examples: int, depth: int) -> np.ndarray:
    """log10 of ||dL/dy_ell|| relative to the last layer in each network, (networks, depth)."""
    how, found = None if normalization == "none" else Normalization(normalization, epsilon=0), []
    for seed in range(NETWORKS):
        deepest = _drawn(activation, seed)
        layers = {name: getattr(deepest, name)[:depth] for name in ("weights", "biases", "activations")}
        stack = replace(deepest, **layers, normalizations=how)
        found.append(profile(stack, *np.random.default_rng((seed, 1)).normal(size=(2, examples, WIDTH))).relative_dz)
    return np.array(found)


@lru_cache(maxsize=NETWORKS)
def _drawn(activation: str, seed: int) -> Stack:
    """A network without normalization, of which a shallower one is the beginning."""
    return dense_stack([WIDTH] * (DEEPEST + 1), activation, INITIALIZERS[activation], seed=seed)


def _theory(normalization: str, activation: str, batch: int, depth: int) -> np.ndarray:
    """The same by theory, (depth,)."""
    if normalization == "none":  # the beginning of a deeper network
        expected = _deepest(normalization, activation, 0)[:depth]
        return expected - expected[-1]
    return _deepest(normalization, activation, batch if normalization == "batch" else 0)[-depth:]  # its end


@lru_cache(maxsize=512)
def _deepest(normalization: str, activation: str, batch: int) -> np.ndarray:
    if normalization == "none":
        weights = initializer_named(INITIALIZERS[activation])
        return theory.gradient_profile(DEEPEST, activation, WIDTH * weights.weight_variance(WIDTH, WIDTH), 0.0)
    return theory.normalized_gradient_profile(DEEPEST, activation, normalization, *([batch] if batch else []))


HOW = {
    "none": "without normalization",
    "batch": "with batch normalization over {batch} examples",
    "layer": "with layer normalization",
    "rms": "with RMS normalization",
}
TOTAL = (
    "Through {depth} {who} layers {how}, layer 1 receives <b>{total}</b> times the gradient of layer {depth}{plain}."
)
PLAIN = ", {plain} without it"
FACTOR = " Each layer multiplies it by <b>{measured}</b>, in theory by {theory}"
WOULD = ". By theory batch normalization makes it {with_batch} in all, layer normalization {with_layer}."
#: (normalization, activation) -> why, or what else
RULES = {
    ("batch", "sigmoid"): ", in large batches by {large}.",
    ("batch", "relu"): ", in large batches by √(π/(π − 1)) = {large}.",
    ("batch", "linear"): ", in the long run by √((B − 2)/(B − 3)) = {small}.",
    ("layer", "sigmoid"): ". What all examples share stays, and of a sigmoid’s values that is the most.",
    ("layer", "relu"): ". It sees one example at a time: no batch matters.",
    ("layer", "linear"): ". It sees one example at a time: no batch matters.",
}


def sentence(record: NormalizationRecord) -> Sentence:
    """What reaches layer 1, with and without the normalization, what each layer does, and what theory says."""
    how, who, total = record.normalization, record.activation, float(record.measured[0])
    verdict = "level" if abs(total) <= LEVEL else "vanishing" if total < 0 else "exploding"
    rule = WOULD if how == "none" else RULES["layer" if how == "rms" else how, who]
    text = (TOTAL + FACTOR + rule).format(
        depth=record.depth,
        who=ACTIVATION_LABELS[who],
        how=HOW[how].format(batch=record.batch),
        total=power(total),
        plain="" if how == "none" else PLAIN.format(plain=power(float(record.plain[0]))),
        measured=number(record.factor_measured),
        theory=number(record.factor_theory),
        large=number(record.large, 4),
        small=number(math.sqrt((record.batch - 2) / (record.batch - 3)), 4),
        **{f"with_{each}": power(float(record.profiles[record.normalizations.index(each), 0])) for each in ("batch", "layer")},
    )  # fmt: skip
    label = f"{ACTIVATION_LABELS[who]}, {NORMALIZATIONS[how]}"
    return Sentence(verdict, text, label + (f" of {record.batch}" if how == "batch" else ""), total)
