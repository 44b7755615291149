"""Explorer [g]: what a convolution does to signal and gradient, by kernel, channels, depth and initial weights."""

from functools import lru_cache

import numpy as np

from gradlab import theory
from gradlab.backprop import convolution_matrix
from gradlab.backprop.undrawn import undrawn_sizes
from gradlab.explorer import Explorer, Menu, Preset, Sentence, Slider, limits
from gradlab.initializers import Initializer
from gradlab.initializers import initializer as initializer_named
from gradlab.plots.convolution import convolution as draw
from gradlab.records import ConvolutionRecord, MatrixRecord
from gradlab.style import number, power

NETWORKS = 6  # independent networks behind every number
DEEPEST = 50
SIDE = 5  # pixels along the image, or as many as the kernel is wide

KERNELS = {k: f"{k} × {k}" for k in (1, 3, 5, 7)}
CHANNELS = (16, 32, 64, 128, 256, 512)
DEPTHS = (2, 3, 5, 7, 10, 15, 20, 30, 40, 50)
#: the fifth is a second name of the second
WEIGHTS = {
    "fixed_001": "fixed 0.01",
    "kaiming_normal": "He",
    "xavier_normal": "Xavier",
    "torch_default": "PyTorch default",
    "notes": "formula of many notes",
}
LAWS = {"notes": "kaiming_normal"}
VGG_B = {"kernel": 3, "channels": 256, "depth": 10, "initializer": "fixed_001"}


def convolution() -> Explorer:
    """One weight's copies in the matrix of a convolution, and the factor that k^2 c of them make."""
    return Explorer(
        name="convolution",
        title="0.01 is neither small nor large",
        controls=(
            Slider("kernel", "Kernel", tuple(KERNELS), 3, words=KERNELS, between=False),
            Slider("channels", "Channels", CHANNELS, 64),
            Slider("depth", "Depth", DEPTHS, 20, unit="layers"),
            Menu("initializer", "Initial weights", WEIGHTS, "fixed_001"),
        ),
        evaluate=evaluate,
        figure=draw,
        sentence=sentence,
        presets=(
            Preset("One hundredth", {}),
            Preset("The same, wide", {"kernel": 7, "channels": 512}),
            Preset("Like VGG-B", VGG_B),
            Preset("In many notes", {"initializer": "notes"}, pin={"initializer": "xavier_normal"}),
            Preset("PyTorch’s own", {"initializer": "torch_default"}),
        ),
    )


def evaluate(kernel: int, channels: int, depth: int, initializer: str) -> ConvolutionRecord:
    """Signal and gradient through `depth` ReLU convolutions of `channels` each; see `ConvolutionRecord`.

    kernel: 1, 3, 5 or 7. channels: 16 to 512. depth: 2 to 50. initializer: a value of the explorer's menu. ValueError
    for anything else. Images wrap round their edges. The ``NETWORKS`` networks have 50 layers, of which the first
    `depth` are shown. Their kernels are not drawn number by number; what they do has the law of those that are, see
    `gradlab.backprop.undrawn`. Without biases a factor on all weights passes through ReLU unchanged, so the networks
    of He serve every such law, with the factor put in. Normal weights stand in for PyTorch's uniform ones of the same
    variance: at the smallest fan-in, 16, they take half a per cent more of the gradient a layer and spread by up to a
    fifth more; from 144 on nothing is seen of it.

    >>> record = evaluate(kernel=3, channels=64, depth=20, initializer="fixed_001")
    >>> print(f"{record.factor_measured:.2f} a layer, theory {record.factor_theory:.3f}")
    0.17 a layer, theory 0.170
    """
    limits.one_of(KERNELS, kernel=kernel)
    limits.whole(CHANNELS[0], CHANNELS[-1], channels=channels)
    limits.whole(2, DEEPEST, depth=depth)
    limits.one_of(WEIGHTS, initializer=initializer)
    kernel, channels, depth = int(kernel), int(channels), int(depth)
    law, fan_in = _law(initializer), kernel**2 * channels
    signal, gradient = _measured(kernel, channels, law)
    signal_theory, gradient_theory = _theory(fan_in, law)
    (signal, signal_band), (gradient, gradient_band) = (
        (np.median(lines, axis=0), np.quantile(lines, (0.1, 0.9), axis=0))
        for lines in (signal[:, :depth], gradient[:, :depth] - gradient[:, [depth - 1]])
    )
    fan_ins = np.array([CHANNELS[0], max(KERNELS) ** 2 * CHANNELS[-1]])
    return ConvolutionRecord(
        kernel_size=kernel,
        channels=channels,
        depth=depth,
        initializer=initializer,
        networks=NETWORKS,
        side=_side(kernel),
        signal=signal,
        signal_band=signal_band,
        signal_theory=signal_theory[:depth],
        gradient=gradient,
        gradient_band=gradient_band,
        gradient_theory=gradient_theory[:depth] - gradient_theory[depth - 1],
        fan_ins=fan_ins,
        factors=np.array([np.log10(theory.chi(1.0, "relu", n * law.weight_variance(n, n))) / 2 for n in fan_ins]),
        matrix=_matrix(kernel),
    )


def _law(name: str) -> Initializer:
    return initializer_named(LAWS.get(name, name))


def _side(kernel: int) -> int:
    return max(SIDE, kernel)


def _measured(kernel: int, channels: int, law: Initializer) -> tuple[np.ndarray, np.ndarray]:
    """log10 of signal and gradient of every network at every one of ``DEEPEST`` layers, (networks, L) each."""
    fan_in = kernel**2 * channels
    if law.bias_variance(fan_in):
        return _networks(kernel, channels, law)
    he = _law("kaiming_normal")
    signal, gradient = _networks(kernel, channels, he)
    factor = np.log10(law.weight_variance(fan_in, fan_in) / he.weight_variance(fan_in, fan_in)) / 2
    layers = np.arange(1, DEEPEST + 1)
    return signal + factor * layers, gradient + factor * (DEEPEST - layers)


@lru_cache(maxsize=64)
def _networks(kernel: int, channels: int, law: Initializer) -> tuple[np.ndarray, np.ndarray]:
    fan_in = kernel**2 * channels
    variance, half_width = law.weight_variance(fan_in, fan_in), np.sqrt(3 * law.bias_variance(fan_in))
    found = [
        undrawn_sizes(
            channels, kernel, DEEPEST, "relu", variance, side=_side(kernel), seed=seed, bias_half_width=half_width
        )
        for seed in range(NETWORKS)
    ]
    return tuple(np.array(lines) for lines in zip(*found, strict=True))


@lru_cache(maxsize=64)
def _theory(fan_in: int, law: Initializer) -> tuple[np.ndarray, np.ndarray]:
    """The same by mean-field theory, (L,) each."""
    variances = fan_in * law.weight_variance(fan_in, fan_in), law.bias_variance(fan_in)
    q = theory.variance_profile(DEEPEST, "relu", *variances)
    return np.log10(theory.mean_square(q, "relu", 1.0)) / 2, theory.gradient_profile(DEEPEST, "relu", *variances)


@lru_cache(maxsize=4)
def _matrix(kernel: int) -> MatrixRecord:
    """The matrix of one kernel on an image of side x side pixels, with the copies of its upper right number."""
    side, entry = _side(kernel), (0, kernel - 1)
    numbers, there = np.random.default_rng(0).normal(size=(kernel, kernel)), np.zeros((kernel, kernel))
    there[entry] = 1
    matrix, copies = (
        convolution_matrix(k[None, None], side, side, padding=kernel // 2, padding_mode="circular")
        for k in (numbers, there)
    )
    return MatrixRecord(numbers, entry, matrix, copies == 1, (side, side))


#: verdict -> what is said of the gradient, in whole sentences
TEXTS = {
    "vanishing": (
        "With {kernel} kernels and {channels} channels, {weights} keep <b>{keeps}</b> of the gradient per layer; theory "
        "says {says}. Of the gradient of layer {depth}, layer 1 receives <b>{total}</b>."
    ),
    "level": (
        "With {kernel} kernels and {channels} channels, {weights} pass on <b>{keeps}</b> times the gradient per layer; "
        "theory says {says}. Layer 1 receives <b>{total}</b> times the gradient of layer {depth}."
    ),
    "exploding": (
        "With {kernel} kernels and {channels} channels, {weights} multiply the gradient by <b>{keeps}</b> per layer; "
        "theory says {says}. Layer 1 receives <b>{total}</b> times the gradient of layer {depth}."
    ),
}
NAMES = {
    "fixed_001": "weights of size 0.01",
    "kaiming_normal": "He’s weights",
    "xavier_normal": "Xavier’s weights",
    "torch_default": "PyTorch’s default weights",
    "notes": "the weights of many notes",
}
#: where there is little room
SHORT = {
    "fixed_001": "0.01",
    "kaiming_normal": "He",
    "xavier_normal": "Xavier",
    "torch_default": "PyTorch",
    "notes": "notes",
}
#: initial weights -> what is said of them
REASONS = {
    "fixed_001": "The signal ends at {signal}. A size of {he} would keep both level.",
    "kaiming_normal": "The signal ends at {signal}. Here He’s size is √(2/{fan_in}) = {he}.",
    "xavier_normal": "The signal ends at {signal}. With equal channels Xavier’s variance is half of He’s.",
    "torch_default": "The signal ends at {signal}: the biases keep it up. The variance is a sixth of He’s.",
    "notes": "Notes name their formula after Xavier, but it is He’s: with equal channels Xavier’s is half of it.",
    "vgg_b": "VGG-B’s channels have the geometric mean 256: by theory its ten layers keep {theory} too.",
}


def sentence(record: ConvolutionRecord) -> Sentence:
    """What the gradient becomes, what the signal becomes, and what that says of the initial weights."""
    total = float(record.gradient[0])
    verdict = "vanishing" if total < -0.5 else "exploding" if total > 0.5 else "level"
    kernel = KERNELS[record.kernel_size]
    values = {
        "kernel": kernel,
        "channels": record.channels,
        "depth": record.depth,
        "weights": NAMES[record.initializer],
        "keeps": number(record.factor_measured),
        "says": number(record.factor_theory),
        "total": power(total),
        "signal": power(float(record.signal[-1])),
        "theory": power(float(record.gradient_theory[0])),
        "he": number((2 / record.fan_in) ** 0.5),
        "fan_in": record.fan_in,
    }
    state = record.kernel_size, record.channels, record.depth, record.initializer
    reason = REASONS["vgg_b" if state == tuple(VGG_B.values()) else record.initializer]
    label = f"{SHORT[record.initializer]} {record.kernel_size}²·{record.channels}"
    return Sentence(verdict, f"{TEXTS[verdict]} {reason}".format(**values), label, total)
