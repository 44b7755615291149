"""[a] The front page: depth x activation x initial weights, and the gradient norm at every layer."""

from functools import lru_cache

import numpy as np

from gradlab import plots, theory
from gradlab.activations import activation as activation_named
from gradlab.backprop import Stack, dense_stack, profile, profiles_of_all_depths
from gradlab.explorer import Explorer, Menu, Preset, Sentence, Slider, limits
from gradlab.initializers import initializer as initializer_named
from gradlab.records import DepthProfiles, GradientsRecord, LayerProfile
from gradlab.style import ACTIVATION_LABELS, number, power

WIDTH = 64  # units in every layer, and inputs
BATCH = 8  # examples behind every norm
NETWORKS = 20  # independent networks behind every band
DEEPEST = 50

ACTIVATIONS = {name: ACTIVATION_LABELS[name] for name in ("sigmoid", "tanh", "relu", "gelu", "linear")}
WEIGHTS = {
    "xavier_normal": "Xavier",
    "kaiming_normal": "He",
    "orthogonal": "orthogonal",
    "torch_default": "PyTorch default",
    "standard_normal": "N(0, 1)",
}


def _network(seed: int, depth: int, activation: str, initializer: str) -> tuple[Stack, np.ndarray, np.ndarray]:
    """A network, its inputs and the gradient at its output; a shorter network is the beginning of a longer one."""
    inputs, output_gradient = np.random.default_rng((seed, 1)).normal(size=(2, BATCH, WIDTH))
    return dense_stack([WIDTH] * (depth + 1), activation, initializer, seed=seed), inputs, output_gradient


@lru_cache(maxsize=64)
def _all_depths(activation: str, initializer: str) -> tuple[DepthProfiles, ...]:
    """One pass through each of the networks gives every depth up to ``DEEPEST``."""
    nets = (_network(seed, DEEPEST, activation, initializer) for seed in range(NETWORKS))
    return tuple(profiles_of_all_depths(*net) for net in nets)


def _profiles(depth: int, activation: str, initializer: str) -> list[LayerProfile]:
    """Every network at one depth."""
    if depth <= DEEPEST:
        return [net.at(depth) for net in _all_depths(activation, initializer)]
    return [profile(*_network(seed, depth, activation, initializer)) for seed in range(NETWORKS)]


@lru_cache(maxsize=64)
def _theory(deepest: int, activation: str, initializer: str) -> np.ndarray:
    start = initializer_named(initializer)
    return theory.gradient_profile(
        deepest, activation, WIDTH * start.weight_variance(WIDTH, WIDTH), start.bias_variance(WIDTH)
    )


def evaluate(depth: int = 30, activation: str = "sigmoid", initializer: str = "xavier_normal") -> GradientsRecord:
    """Gradient norms of ``NETWORKS`` nets of ``depth`` layers of ``WIDTH`` units, beside the mean-field theory.

    depth: layers, 1 or more. activation, initializer: a name that gradlab knows. ValueError for anything else.
    Where the forward signal of a network passes the range of float64, ``overflow_layer`` is the first layer where it
    does. No gradient comes back from there: the nets are then cut before it, all values are relative to the layer
    before it, and those of the deeper layers are nan.

    >>> record = evaluate(depth=10, activation="linear", initializer="orthogonal")
    >>> round(float(record.measured[0]), 6), record.overflow_layer
    (0.0, None)
    """
    limits.whole(1, depth=depth)
    activation_named(activation), initializer_named(initializer)  # a clear error before any work
    depth = int(depth)
    nets = _profiles(depth, activation, initializer)
    overflow = min((net.overflow_layer for net in nets if net.overflow_layer is not None), default=None)
    whole = depth if overflow is None else overflow - 1  # layers that carry a gradient
    relative = np.full((NETWORKS, depth), np.nan)
    nets = nets if overflow is None else _profiles(whole, activation, initializer)
    relative[:, :whole] = [net.relative_dz for net in nets]
    low, median, high = np.quantile(relative, (0.1, 0.5, 0.9), axis=0)
    predicted = _theory(max(depth, DEEPEST), activation, initializer)[:depth].copy()
    predicted[whole:] = np.nan
    return GradientsRecord(
        depth, WIDTH, activation, initializer, NETWORKS, median, low, high, predicted - predicted[whole - 1], overflow
    )


def _words(record: GradientsRecord) -> tuple[str, str]:
    """Activation and initial weights as the reader sees them; names that stand in no menu as they are."""
    who, weights = record.activation, record.initializer
    return ACTIVATIONS.get(who, who), WEIGHTS.get(weights, weights)


def _label(record: GradientsRecord) -> str:
    return ", ".join(_words(record))


#: verdict -> what is said, in whole sentences
TEXTS = {
    "broken": (
        "With {depth} {who} layers and {weights} weights the signal passes every float at layer <b>{overflow}</b>: no "
        "gradient comes back from there. Among the first {whole} layers alone, layer 1 receives <b>{total}</b> times "
        "the gradient of layer {whole}."
    ),
    "one": (
        "With one {who} layer and {weights} weights there is no layer before the last: nothing is multiplied yet. "
        "Make it deeper."
    ),
    "vanishing": (
        "With {depth} {who} layers and {weights} weights, layer 1 receives <b>{total}</b> of the gradient of layer "
        "{depth}. Each layer keeps <b>{keeps}</b>; theory says {says}."
    ),
    "exploding": (
        "With {depth} {who} layers and {weights} weights, layer 1 receives <b>{total}</b> times the gradient of layer "
        "{depth}. Each layer multiplies it by <b>{keeps}</b>; theory says {says}."
    ),
    "level": (
        "With {depth} {who} layers and {weights} weights, layer 1 receives <b>{total}</b> times the gradient of layer "
        "{depth}: the same size. Each layer passes <b>{keeps}</b> of it; theory says {says}."
    ),
}


def sentence(record: GradientsRecord) -> Sentence:
    """What the state says, for a reader who does not see the figure."""
    total, label, (who, weights) = float(record.measured[0]), _label(record), _words(record)
    values = {
        "depth": record.depth,
        "who": who,
        "weights": weights,
        "total": power(total),
        "keeps": number(record.factor_measured),
        "says": number(record.factor_theory),
    }
    if record.overflow_layer is not None:
        values |= {"overflow": record.overflow_layer, "whole": record.overflow_layer - 1}
        return Sentence("broken", TEXTS["broken"].format(**values), label)
    if record.depth == 1:
        return Sentence("level", TEXTS["one"].format(**values), label, total)
    verdict = "vanishing" if total < -0.5 else "exploding" if total > 0.5 else "level"
    return Sentence(verdict, TEXTS[verdict].format(**values), label, total)


def gradients() -> Explorer:
    """One word in a menu is worth sixteen powers of ten."""
    taught = {"activation": "sigmoid", "initializer": "xavier_normal"}
    return Explorer(
        name="gradients",
        title="At thirty layers, one word in a menu is worth sixteen powers of ten",
        controls=(
            Slider("depth", "Depth", tuple(range(1, DEEPEST + 1)), 30, unit="layers"),
            Menu("activation", "Activation", ACTIVATIONS, "sigmoid"),
            Menu("initializer", "Initial weights", WEIGHTS, "xavier_normal"),
        ),
        evaluate=evaluate,
        figure=lambda record: plots.gradients(record, _label(record)),
        sentence=sentence,
        presets=(
            Preset("As taught", taught),
            Preset("Change one word", {"initializer": "standard_normal"}, pin=taught),
            Preset("Modern pair", {"activation": "relu", "initializer": "kaiming_normal"}),
            Preset("Blow it up", {"activation": "relu", "initializer": "standard_normal"}),
            Preset("PyTorch’s own", {"initializer": "torch_default"}),
        ),
        linear_axis=True,
    )
