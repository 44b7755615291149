"""Explorer [e]: nine activations; what goes back through their slopes, and what goes forward through their layers."""

from functools import lru_cache
from math import log10, sqrt

import numpy as np

from gradlab import theory
from gradlab.activations import SATURATED, Activation
from gradlab.activations import activation as activation_named
from gradlab.backprop import Stack, dense_stack, forward, profiles_of_all_depths
from gradlab.explorer import Explorer, Menu, Preset, Sentence, Slider, limits
from gradlab.initializers import initializer
from gradlab.plots.activation_zoo import activation_zoo as draw
from gradlab.records import ZooRecord
from gradlab.signals import signal_profile
from gradlab.style import ACTIVATION_LABELS, number, power

WIDTH = 128  # units in every layer, and inputs
NETWORKS = 4  # independent networks behind every number
EXAMPLES = 24  # inputs behind the signals; a unit is dead when it is flat for all of them
BATCH = 4  # of those, the ones behind the gradients; twice as many are behind the bars
DEEPEST = 100
LOWEST, HIGHEST = 0.5, 3  # gains for which the figure has room
EDGE = 5  # pre-activations are counted in bins of 1/2 from -EDGE to EDGE, and beyond
LEVEL = 2  # a gradient within this factor keeps its size
ALIKE, APART = 0.9, 0.5  # cosines from which two signals are called nearly the same, and up to which still apart

ACTIVATIONS = {name: label for name, label in ACTIVATION_LABELS.items() if name != "linear"}
GAINS = {
    1 / sqrt(3): "1/√3, torch",
    0.75: "0.75",
    1: "1, LeCun",
    1.25: "1.25",
    sqrt(2): "√2, He",
    5 / 3: "5/3",
    2: "2",
    3: "3",
}
BIASES = {"zero": "zero", "torch": "PyTorch’s own"}
DEPTHS = (2, 3, 5, 10, 15, 20, 30, 50, 70, 100)


def activation_zoo() -> Explorer:
    """Slopes in use, pre-activations, gradient norm and the cosine of two inputs, for nine activations."""
    return Explorer(
        name="activation_zoo",
        title="A perfect norm can hide a lost difference",
        controls=(
            Menu("activation", "Activation", ACTIVATIONS, "relu"),
            Slider("gain", "Gain", tuple(GAINS), sqrt(2), words=GAINS),
            Menu("biases", "Biases", BIASES, "zero"),
            Slider("depth", "Layers", DEPTHS, 50),
        ),
        evaluate=evaluate,
        figure=draw,
        sentence=sentence,
        presets=(
            Preset("A quarter at most", {"activation": "sigmoid", "gain": 1}),
            Preset("On the edge", {"activation": "tanh", "gain": 1}),
            Preset("Lost difference", {}),
            Preset("Slopes above one", {"activation": "selu", "gain": 1}),
            Preset("Half dead", {"gain": 1 / sqrt(3), "biases": "torch", "depth": 10}),
        ),
    )


def evaluate(activation: str = "relu", gain: float = sqrt(2), biases: str = "zero", depth: int = 50) -> ZooRecord:
    """Slopes, signals and gradients of ``NETWORKS`` nets of ``depth`` layers of ``WIDTH`` units; see `ZooRecord`.

    activation: a name that gradlab knows. gain: of weights N(0, gain^2 / n), from 0.5 to 3. biases: "zero", or
    "torch" for uniform ones on +-1/sqrt(n). depth: 2 to 100. Inputs are N(0, 1). A network is the beginning of a
    deeper one, and those of another gain or activation are made of the same draws. ValueError for anything else.

    >>> record = evaluate(activation="relu", gain=2**0.5, biases="zero", depth=20)
    >>> bool(abs(record.gradient[0]) < 0.5), bool(record.cosine[-1] > 0.9)
    (True, True)
    """
    phi = activation_named(activation)
    limits.number(LOWEST, HIGHEST, gain=gain)
    limits.one_of(BIASES, biases=biases)
    limits.whole(2, DEEPEST, depth=depth)
    depth, nets = int(depth), _networks(phi, float(gain), biases)
    signals, counts = [net[0] for net in nets], np.sum([net[2][depth - 1] for net in nets], axis=0)
    gradients = np.array([net[1][depth - 1, :depth] - net[1][depth - 1, depth - 1] for net in nets])
    cosines = np.array([signal.orthogonal_cosine[:depth] for signal in signals])
    quantiles = np.median([signal.z_quantiles[:depth] for signal in signals], axis=0)
    gradient_theory, cosine_theory = _theory(phi, float(gain), biases)
    z = _slope_points(phi)
    first, last = (int(np.abs(z - end).argmin()) for end in np.clip(quantiles[-1, [0, -1]], z[0], z[-1]))
    return ZooRecord(
        activation=activation,
        gain=float(gain),
        biases=biases,
        depth=depth,
        networks=NETWORKS,
        slope_supremum=phi.slope_supremum,
        z=z,
        slope=phi.slope(z),
        used=slice(first, last + 1),
        steep=_steep(phi),
        bins=(np.arange(-2 * EDGE - 1, 2 * EDGE + 1) + 0.5) / 2,
        shares=counts / counts.sum(),
        log10_z_rms=np.median([signal.log10_z_rms[:depth] for signal in signals], axis=0),
        z_quantiles=quantiles,
        gradient=np.median(gradients, axis=0),
        gradient_band=np.array([gradients.min(axis=0), gradients.max(axis=0)]),
        gradient_theory=gradient_theory[:depth] - gradient_theory[depth - 1],
        cosine=np.median(cosines, axis=0),
        cosine_band=np.array([cosines.min(axis=0), cosines.max(axis=0)]),
        cosine_theory=cosine_theory[:depth],
        saturated=float(np.mean([signal.saturated[depth - 1] for signal in signals])),
        dead=float(np.mean([signal.dead[depth - 1] for signal in signals])),
    )


@lru_cache(maxsize=NETWORKS)
def _draws(seed: int):
    """Weights of variance 1/n, PyTorch's biases, the inputs and the gradient at the output."""
    weights = dense_stack([WIDTH] * (DEEPEST + 1), "linear", "lecun_normal", seed=seed).weights
    rng = np.random.default_rng((seed, 1))
    drawn = tuple(initializer("torch_default").draw_bias(WIDTH, WIDTH, rng) for _ in weights)
    return weights, drawn, rng.normal(size=(EXAMPLES, WIDTH)), rng.normal(size=(BATCH, WIDTH))


@lru_cache(maxsize=256)  # more than the grid has
def _networks(phi: Activation, gain: float, biases: str) -> list[tuple]:
    """For each network of ``DEEPEST`` layers: its `SignalProfile`, log10 ||dL/dz_ell|| of every depth, (L, L), and how
    many pre-activations of each layer stand in each bin, (L, bins)."""
    nets = []
    for seed in range(NETWORKS):
        weights, drawn, inputs, output_gradient = _draws(seed)
        drawn = drawn if biases == "torch" else [np.zeros(WIDTH)] * DEEPEST
        stack = Stack(tuple(gain * w for w in weights), tuple(drawn), (phi,) * DEEPEST)
        gradients = profiles_of_all_depths(stack, inputs[:BATCH], output_gradient).log10_dz_norm
        counts = np.array([_counted(z) for z in forward(stack, inputs[: 2 * BATCH]).pre])
        nets.append((signal_profile(stack, inputs), gradients, counts))
    return nets


def _counted(z) -> np.ndarray:
    """How many stand below -EDGE, in each half from there to EDGE, and beyond it."""
    place = np.floor(np.clip(2 * z, -2 * EDGE - 1, 2 * EDGE)).astype(int)
    return np.bincount(place.ravel() + 2 * EDGE + 1, minlength=4 * EDGE + 2)


@lru_cache(maxsize=256)  # more than the grid has
def _theory(phi: Activation, gain: float, biases: str) -> tuple[np.ndarray, np.ndarray]:
    """log10 of the gradient relative to layer ``DEEPEST``, and the cosine, (L,) each."""
    variances = gain**2, initializer("torch_default").bias_variance(WIDTH) if biases == "torch" else 0.0
    cosine = theory.correlation_profile(DEEPEST, phi, *variances)
    return theory.gradient_profile(DEEPEST, phi, *variances), cosine.round(12) + 0.0  # as good as the quadrature


@lru_cache(maxsize=16)
def _slope_points(phi: Activation) -> np.ndarray:
    """Where the slope is drawn: every quarter from -EDGE - 1/2 to EDGE + 1/2, and beside a jump at 0."""
    jump = [] if abs(phi.slope(np.array(1e-9)) - phi.slope(np.array(0.0))) < 1e-6 else [1e-9]
    return np.sort(np.concatenate([np.arange(-4 * EDGE - 2, 4 * EDGE + 3) / 4, jump]))


@lru_cache(maxsize=16)
def _steep(phi: Activation) -> tuple[float, float]:
    """From which z to which the slope is above `SATURATED` of its supremum; infinite where there is no end."""
    z = np.linspace(-20, 20, 40_001)
    steep = z[np.abs(phi.slope(z)) >= SATURATED * phi.slope_supremum]
    return (-np.inf if steep[0] == z[0] else float(steep[0]), np.inf if steep[-1] == z[-1] else float(steep[-1]))


GRADIENT = {
    "vanishing": (
        "Through {depth} {who} layers of gain {gain}{biases} the gradient shrinks to <b>{total}</b>: it keeps {keeps} a "
        "layer, theory says {says}."
    ),
    "level": (
        "Through {depth} {who} layers of gain {gain}{biases} the gradient keeps its size, times "
        "<b>{keeps}</b> a layer; theory says {says}."
    ),
    "exploding": (
        "Through {depth} {who} layers of gain {gain}{biases} the gradient grows <b>{total}</b>-fold, times {keeps} a layer; "
        "theory says {says}."
    ),
}
COSINE = {
    "yet": "Yet two orthogonal inputs end with cosine <b>{cosine}</b>: nearly the same signal.",
    "alike": "Two orthogonal inputs end with cosine <b>{cosine}</b>: nearly the same signal.",
    "between": "Two orthogonal inputs end with cosine <b>{cosine}</b>.",
    "apart": "Two orthogonal inputs end with cosine <b>{cosine}</b>: still apart.",
}
SHARES = {
    "dead": "In the last layer {dead} % of the units are dead.",
    "flat": "In the last layer {saturated} % of the slopes are nearly flat.",
    "none": "In the last layer no slope is nearly flat.",
}
WITH_BIASES = " and PyTorch’s biases"


def sentence(record: ZooRecord) -> Sentence:
    """What the gradient becomes, what becomes of the difference between two inputs, and the slopes behind it."""
    total, cosine = float(record.gradient[0]), float(record.cosine[-1])
    verdict = "level" if abs(total) <= log10(LEVEL) else "vanishing" if total < 0 else "exploding"
    if cosine >= ALIKE:
        kind = "yet" if verdict == "level" else "alike"
    else:
        kind = "apart" if cosine <= APART else "between"
    who, gain = ACTIVATIONS.get(record.activation, record.activation), GAINS.get(record.gain, number(record.gain))
    values = {
        "depth": record.depth,
        "who": who,
        "gain": gain.split(",")[0],
        "biases": WITH_BIASES if record.biases == "torch" else "",
        "total": power(total),
        "keeps": number(record.factor_measured),
        "says": number(record.factor_theory),
        "cosine": "above 0.999" if cosine >= 0.9995 else f"{cosine:.3f}".replace("-", "−"),
        "saturated": f"{100 * record.saturated:.0f}",
        "dead": f"{100 * record.dead:.0f}",
    }
    parts = (
        GRADIENT[verdict],
        COSINE[kind],
        SHARES["dead" if record.dead >= 0.005 else "flat" if record.saturated >= 0.005 else "none"],
    )
    label = f"{who}, {values['gain']}"
    return Sentence(verdict, " ".join(parts).format(**values), label, total)
