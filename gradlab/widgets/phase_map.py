"""Explorer [l]: for which weight and bias scales gradients keep their size."""

from functools import lru_cache
from math import log10, sqrt

import numpy as np

from gradlab import theory
from gradlab.backprop import Stack, dense_stack, forward, profile
from gradlab.explorer import Explorer, Menu, Preset, Sentence, Slider, limits
from gradlab.initializers import initializer
from gradlab.plots.phase_map import phase_map as draw
from gradlab.records import PhaseRecord, Start
from gradlab.signals import mean_cosine
from gradlab.style import ACTIVATION_LABELS, number, power

WIDTH = 100  # units in every layer, and inputs
NETWORKS = 4  # independent networks behind every number
BATCH = 8  # examples, orthogonal to each other
DEEPEST = 80
LEVEL = 2  # a gradient within this factor keeps its size
NEAR = 1e-9  # chi this close to 1 is 1

ACTIVATIONS = {name: ACTIVATION_LABELS[name] for name in ("sigmoid", "tanh", "relu")}
NAMED = ("torch_default", "xavier_normal", "kaiming_normal", "standard_normal")
PYTORCH = {"sigma_w": 0.577, "sigma_b": 0.058}  # what torch.nn.Linear draws at this width, 1/sqrt(3) and 1/sqrt(3 n)
WEIGHTS = (0.3, 0.5, PYTORCH["sigma_w"], 0.8, 1, 1.2, sqrt(2), 2, 3, 5, 7, 10, 14, 20)
BIASES = (0, PYTORCH["sigma_b"], 0.1, 0.2, 0.5, 1, 2)
DEPTHS = (10, 20, 40, 80)

FACTORS = (1 / 5, 1 / 2, 1 / 1.1, 1.1, 2, 5)  # a layer: the edges of the tints
POINTS = 17  # of a line, evenly spaced in the square root of sigma_b


def phase_map() -> Explorer:
    """The map of chi over weight and bias scale, and gradient and cosine over the layers at one point of it."""
    edge = {"activation": "tanh", "depth": DEEPEST}
    return Explorer(
        name="phase_map",
        title="For the sigmoid the border lies near 10, where nobody looks",
        controls=(
            Menu("activation", "Activation", ACTIVATIONS, "sigmoid"),
            Slider("sigma_w", "Weight scale", WEIGHTS, 1, scale="log", words={sqrt(2): "√2"}),
            Slider("sigma_b", "Bias scale", BIASES, 0, words={0: "none"}),
            Slider("depth", "Layers", DEPTHS, 40),
        ),
        evaluate=evaluate,
        figure=draw,
        sentence=sentence,
        presets=(
            Preset("Sigmoid, Xavier", {}),
            Preset("On the shore", {"sigma_w": 10}, pin={"sigma_w": 1}),
            Preset("A little bias", edge | {"sigma_b": 0.2}, pin=edge),
            Preset("Upright border", {"activation": "relu", "sigma_w": sqrt(2), "sigma_b": 0.5}),
            Preset("PyTorch’s own", {"activation": "relu"} | PYTORCH),
        ),
    )


def evaluate(activation: str = "sigmoid", sigma_w: float = 1, sigma_b: float = 0, depth: int = 40) -> PhaseRecord:
    """The map for an activation, and ``NETWORKS`` networks of ``WIDTH`` units at one point of it; see `PhaseRecord`.

    activation: "sigmoid", "tanh" or "relu". sigma_w: 0.3 to 20, deviation of a weight times sqrt(width). sigma_b: 0 to 2,
    deviation of a bias. depth: 2 to 80 layers. ValueError for anything else.

    >>> record = evaluate("tanh", 1, 0.05)
    >>> print(f"{record.settled_factor:.3f}, {record.depth_scale:.1f} layers, border {record.border:.2f}")
    0.966, 14.7 layers, border 1.12
    """
    limits.one_of(ACTIVATIONS, activation=activation)
    limits.number(WEIGHTS[0], WEIGHTS[-1], sigma_w=sigma_w)
    limits.number(BIASES[0], BIASES[-1], sigma_b=sigma_b)
    limits.whole(2, DEEPEST, depth=depth)
    sigma_w, sigma_b, depth = float(sigma_w), float(sigma_b), int(depth)
    gradients = _gradients(activation, sigma_w, sigma_b, depth)
    cosines = _cosines(activation, sigma_w, sigma_b)[:, :depth]
    gradient_theory, cosine_theory = (line[:depth] for line in _theory(activation, sigma_w, sigma_b))
    chi, border, tenfold = *_settled(activation, sigma_w, sigma_b), 10 ** (1 / (depth - 1))
    return PhaseRecord(
        activation=activation,
        sigma_w=sigma_w,
        sigma_b=sigma_b,
        depth=depth,
        width=WIDTH,
        networks=NETWORKS,
        chi=chi,
        depth_scale=theory.depth_scale(chi),
        sigma_w_values=np.array(WEIGHTS),
        sigma_b_values=np.array(BIASES, dtype=float),
        border=border,
        biases=_biases(),
        factors=np.array(FACTORS),
        lines_at=np.array([_line(activation, factor) for factor in FACTORS]),
        border_line=_line(activation, 1.0),
        channel=np.array([_line(activation, 1 / tenfold), _line(activation, tenfold)]),
        starts=_starts(),
        gradient=np.median(gradients, axis=0),
        gradient_band=np.array([gradients.min(axis=0), gradients.max(axis=0)]),
        gradient_theory=gradient_theory - gradient_theory[-1],
        cosine=np.median(cosines, axis=0),
        cosine_band=np.array([cosines.min(axis=0), cosines.max(axis=0)]),
        cosine_theory=cosine_theory,
    )


@lru_cache(maxsize=NETWORKS)
def _draws(seed: int):
    """Weights of variance 1/n, biases of variance 1, orthogonal inputs of mean square 1, the gradient at the output."""
    weights = dense_stack([WIDTH] * (DEEPEST + 1), "linear", "lecun_normal", seed=seed).weights
    rng = np.random.default_rng((seed, 1))
    inputs = sqrt(WIDTH) * initializer("orthogonal").draw(BATCH, WIDTH, rng)
    return weights, rng.normal(size=(DEEPEST, WIDTH)), inputs, rng.normal(size=(BATCH, WIDTH))


def _stacks(activation: str, sigma_w: float, sigma_b: float, depth: int):
    """The networks, with their inputs and the gradient at the output; a shorter one is the beginning of a longer one."""
    for seed in range(NETWORKS):
        weights, biases, inputs, output_gradient = _draws(seed)
        scaled = tuple(sigma_w * w for w in weights[:depth]), tuple(sigma_b * b for b in biases[:depth])
        yield Stack(*scaled, (activation,) * depth), inputs, output_gradient


@lru_cache(maxsize=4096)  # more than the grid has
def _gradients(activation: str, sigma_w: float, sigma_b: float, depth: int) -> np.ndarray:
    """log10 of ||dL/dz_ell|| relative to the last layer, (networks, depth)."""
    return np.array([profile(*net).relative_dz for net in _stacks(activation, sigma_w, sigma_b, depth)])


@lru_cache(maxsize=1024)
def _cosines(activation: str, sigma_w: float, sigma_b: float) -> np.ndarray:
    """Mean cosine of the activations, (networks, DEEPEST)."""
    nets = _stacks(activation, sigma_w, sigma_b, DEEPEST)
    return np.array([[mean_cosine(h) for h in forward(stack, inputs).post] for stack, inputs, _ in nets])


@lru_cache(maxsize=1024)
def _theory(activation: str, sigma_w: float, sigma_b: float) -> tuple[np.ndarray, np.ndarray]:
    """log10 of the gradient relative to layer ``DEEPEST``, and the cosine, (L,) each."""
    variances = sigma_w**2, sigma_b**2
    cosine = theory.correlation_profile(DEEPEST, activation, *variances)
    return theory.gradient_profile(DEEPEST, activation, *variances), cosine.round(12) + 0.0  # as good as the quadrature


@lru_cache(maxsize=1024)
def _settled(activation: str, sigma_w: float, sigma_b: float) -> tuple[float, float]:
    """chi, and the sigma_w of the border."""
    chi = theory.settled_chi(activation, sigma_w**2, sigma_b**2)
    return 1.0 if abs(chi - 1) < NEAR else chi, theory.critical_sigma_w(activation, sigma_b**2)


@lru_cache(maxsize=1)
def _biases() -> np.ndarray:
    return np.linspace(0, sqrt(BIASES[-1]), POINTS) ** 2


@lru_cache(maxsize=512)
def _line(activation: str, factor: float) -> np.ndarray:
    """The sigma_w at which a layer changes the norm by the factor, for every bias scale, (POINTS,)."""
    return np.array([theory.level_sigma_w(activation, factor**2, sigma_b**2) for sigma_b in _biases()])


@lru_cache(maxsize=1)
def _starts() -> tuple[Start, ...]:
    laws = [initializer(name) for name in NAMED]
    return tuple(
        Start(law.label, sqrt(WIDTH * law.weight_variance(WIDTH, WIDTH)), sqrt(law.bias_variance(WIDTH)))
        for law in laws
    )


WHERE = "{depth} {who} layers of weight scale {sigma_w}{biases}"
GRADIENT = {
    "vanishing": WHERE + " leave <b>{total}</b> of the gradient: a layer keeps {keeps}, theory says {says}.",
    "level": WHERE + " keep the gradient’s size, <b>{total}</b> of it: {keeps} a layer, theory says {says}.",
    "exploding": WHERE + " make the gradient <b>{total}</b> times as long: {keeps} a layer, theory says {says}.",
}
SETTLED = {
    "order": "The border lies at {border}; here the depth scale is {scale}.",
    "chaos": "The border lies at {border}; past it the depth scale is {scale}.",
    "border": "This is the border: the depth scale is infinite.",
}
COSINE = {
    "alike": "Orthogonal inputs end with cosine <b>{cosine}</b>: nearly one signal.",
    "between": "Orthogonal inputs end with cosine <b>{cosine}</b>.",
    "apart": "Orthogonal inputs end with cosine <b>{cosine}</b>: still apart.",
}
ALIKE, APART = 0.9, 0.5  # cosines from which two signals are nearly the same, and up to which they are still apart


def sentence(record: PhaseRecord) -> Sentence:
    """What becomes of the gradient, how far the border is, and what becomes of the difference between inputs."""
    total, cosine = float(record.gradient[0]), float(record.cosine[-1])
    verdict = "level" if abs(total) <= log10(LEVEL) else "vanishing" if total < 0 else "exploding"
    side = "border" if record.chi == 1 else "order" if record.chi < 1 else "chaos"
    scale = record.depth_scale
    values = {
        "depth": record.depth,
        "who": ACTIVATION_LABELS[record.activation],
        "sigma_w": f"{record.sigma_w:.3g}",
        "biases": f" and bias scale {record.sigma_b:.3g}" if record.sigma_b else " without biases",
        "total": power(total),
        "keeps": number(record.factor_measured),
        "says": number(record.factor_theory),
        "border": number(record.border),
        "scale": f"{number(scale)} layers",
        "cosine": "above 0.999" if cosine >= 0.9995 else f"{cosine:.3f}".replace("-", "−"),
    }
    kind = "alike" if cosine >= ALIKE else "apart" if cosine <= APART else "between"
    text = " ".join((GRADIENT[verdict], SETTLED[side], COSINE[kind])).format(**values)
    label = f"{values['who']}, {values['sigma_w']}" + (f", bias {record.sigma_b:.3g}" if record.sigma_b else "")
    return Sentence(verdict, text, label, total)
