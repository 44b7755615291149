"""[a] The front page: depth x activation x initial weights, and the gradient norm at every layer."""

from functools import lru_cache

import numpy as np

from gradlab import plots, theory
from gradlab.activations import activation as activation_named
from gradlab.backprop import dense_stack, profiles_of_all_depths
from gradlab.explorer import Explorer, Menu, Preset, Sentence, Slider
from gradlab.initializers import initializer as initializer_named
from gradlab.records import DepthProfiles, GradientsRecord
from gradlab.style import number, power

WIDTH = 64  # units in every layer, and inputs
BATCH = 8  # examples behind every norm
NETWORKS = 20  # independent networks behind every band
DEEPEST = 50

ACTIVATIONS = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "ReLU", "gelu": "GELU", "linear": "linear"}
WEIGHTS = {
    "xavier_normal": "Xavier",
    "kaiming_normal": "He",
    "orthogonal": "orthogonal",
    "torch_default": "PyTorch default",
    "standard_normal": "N(0, 1)",
}


@lru_cache(maxsize=64)
def _networks(deepest: int, activation: str, initializer: str) -> tuple[DepthProfiles, ...]:
    """One pass through each of the networks gives every depth up to ``deepest``: shorter nets are their beginnings."""
    measured = []
    for seed in range(NETWORKS):
        stack = dense_stack([WIDTH] * (deepest + 1), activation, initializer, seed=seed)
        draw = np.random.default_rng((seed, 1))
        inputs, output_gradient = draw.normal(size=(2, BATCH, WIDTH))
        measured.append(profiles_of_all_depths(stack, inputs, output_gradient))
    return tuple(measured)


@lru_cache(maxsize=64)
def _theory(deepest: int, activation: str, initializer: str) -> np.ndarray:
    start = initializer_named(initializer)
    return theory.gradient_profile(
        deepest, activation, WIDTH * start.weight_variance(WIDTH, WIDTH), start.bias_variance(WIDTH)
    )


def evaluate(depth: int = 30, activation: str = "sigmoid", initializer: str = "xavier_normal") -> GradientsRecord:
    """Gradient norms of ``NETWORKS`` nets of ``depth`` layers of ``WIDTH`` units, beside the mean-field theory.

    depth: layers, 1 or more. activation, initializer: a name that gradlab knows.
    """
    if isinstance(depth, bool) or not isinstance(depth, (int, np.integer)) or depth < 1:
        raise ValueError(f"depth: got {depth!r}, expected a whole number of layers, 1 or more")
    activation_named(activation), initializer_named(initializer)  # a clear error before any work
    deepest = max(int(depth), DEEPEST)
    nets = [net.at(int(depth)) for net in _networks(deepest, activation, initializer)]
    relative = np.array([net.relative_dz for net in nets])
    low, median, high = np.quantile(relative, (0.1, 0.5, 0.9), axis=0)
    predicted = _theory(deepest, activation, initializer)[:depth]
    overflow = [net.overflow_layer for net in nets if net.overflow_layer is not None]
    return GradientsRecord(
        int(depth), WIDTH, activation, initializer, NETWORKS, median, low, high, predicted - predicted[-1],
        min(overflow, default=None),
    )  # fmt: skip


def _label(record: GradientsRecord) -> str:
    return f"{ACTIVATIONS.get(record.activation, record.activation)}, {WEIGHTS.get(record.initializer, record.initializer)}"


def sentence(record: GradientsRecord) -> Sentence:
    """What the state says, for a reader who does not see the figure."""
    who = ACTIVATIONS.get(record.activation, record.activation)
    weights = WEIGHTS.get(record.initializer, record.initializer)
    total, label = float(record.measured[0]), _label(record)
    if record.overflow_layer is not None:
        text = f"With {record.depth} {who} layers and {weights} weights the signal passes every float at layer <b>{record.overflow_layer}</b>: no gradient comes back from there."
        return Sentence("broken", text, label)
    if record.depth == 1:
        text = f"With one {who} layer and {weights} weights there is no layer before the last: nothing is multiplied yet. Make it deeper."
        return Sentence("level", text, label, total)
    keeps, says = number(record.factor_measured), number(record.factor_theory)
    if total < -0.5:
        text = f"With {record.depth} {who} layers and {weights} weights, layer 1 receives <b>{power(total)}</b> of the gradient of layer {record.depth}. Each layer keeps <b>{keeps}</b>; theory says {says}."
        return Sentence("vanishing", text, label, total)
    if total > 0.5:
        text = f"With {record.depth} {who} layers and {weights} weights, layer 1 receives <b>{power(total)}</b> times the gradient of layer {record.depth}. Each layer multiplies it by <b>{keeps}</b>; theory says {says}."
        return Sentence("exploding", text, label, total)
    text = f"With {record.depth} {who} layers and {weights} weights, layer 1 receives <b>{power(total)}</b> times the gradient of layer {record.depth}: the same size. Each layer passes <b>{keeps}</b> of it; theory says {says}."
    return Sentence("level", text, label, total)


def gradients() -> Explorer:
    """One word in a menu is worth sixteen powers of ten."""
    taught = {"activation": "sigmoid", "initializer": "xavier_normal"}
    return Explorer(
        name="gradients",
        title="One word in a menu is worth sixteen powers of ten",
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
            Preset("The modern pair", {"activation": "relu", "initializer": "kaiming_normal"}),
            Preset("Blow it up", {"activation": "relu", "initializer": "standard_normal"}),
            Preset("What PyTorch gives you", {"initializer": "torch_default"}),
        ),
        linear_axis=True,
    )
