"""Explorer [c]: a chain of neurons, its factors and what a nudge of the first bias measures."""

import numpy as np

from gradlab.activations import activation
from gradlab.backprop import Stack, forward
from gradlab.explorer import Explorer, Menu, Preset, Sentence, Slider, limits
from gradlab.plots.chain import chain as draw
from gradlab.records import ChainRecord
from gradlab.style import power
from gradlab.theory import unstable_window

SIGMOID = activation("sigmoid")
INPUT = 0.5  # what the first neuron reads
LENGTHS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20)
WEIGHTS = (-100, -30, -10, -4, -1, -0.3, 0.3, 1, 2, 4, 7, 10, 20, 50, 100)
BIASES = (-5, -4, -2, -1, 0, 1, 2, 4, 5)
AIMS = {"same": "all equal b", "aimed": "aimed: z = b"}

NUDGES = 10.0 ** -np.arange(1, 13)
AGREEMENT = 1e-4  # a nudge and half of it must agree this well
ROUNDINGS = 2e4  # and move the output, and be resolved by the input, by this many rounding steps


def chain_stack(length: int, weight: float, bias: float, aim: str) -> Stack:
    """The chain as a stack of width 1, with a second input that is added to the first bias.

    A nudge of the first bias is a number on that second input, so that one forward pass measures many nudges.
    Units, ranges and errors as in ``evaluate``.
    """
    state = np.float64(INPUT) if aim == "same" else SIGMOID.value(np.float64(bias))
    aimed = [bias - weight * INPUT] + [bias - weight * float(state)] * (length - 1)
    biases = [bias] * length if aim == "same" else aimed
    weights = [np.array([[weight, 1.0]])] + [np.array([[float(weight)]])] * (length - 1)
    return Stack(tuple(weights), tuple(np.array([float(b)]) for b in biases), (SIGMOID,) * length)


def evaluate(length: int = 4, weight: float = 1, bias: float = 0, aim: str = "same") -> ChainRecord:
    """A chain of ``length`` sigmoid neurons that reads the input 0.5, and a nudge of its first bias.

    length: 2 to 20. weight: the same on every link, -100 to 100. bias: -10 to 10; with aim "same" the bias of every
    neuron, with "aimed" the z of every neuron (b_ell = bias - weight * a_{ell-1}).
    ValueError for anything else. Source: Nielsen (2015), chapter 5, "What's causing the vanishing gradient problem?".

    >>> nielsen = evaluate(length=4, weight=100, bias=0, aim="aimed")
    >>> (10 ** nielsen.log10_link).round(9).tolist(), round(float(10 ** nielsen.log10_product[-1]), 6)
    ([25.0, 25.0, 25.0], 3906.25)
    """
    limits.whole(2, 20, length=length)
    limits.number(-100, 100, weight=weight)
    limits.number(-10, 10, bias=bias)
    limits.one_of(AIMS, aim=aim)
    length = int(length)
    shifts = np.concatenate([[0.0], *([h, -h, h / 2, -h / 2] for h in NUDGES)])
    states = forward(chain_stack(length, weight, bias, aim), np.stack([np.full_like(shifts, INPUT), shifts], axis=1))
    z, outputs = np.hstack(states.pre)[0], np.hstack(states.post)
    log10_slope = np.log10(SIGMOID.slope(z))
    log10_weight = np.log10(abs(weight)) if weight else -np.inf
    product = np.cumsum(log10_slope + np.where(np.arange(length) > 0, log10_weight, 0.0))
    measured, nudge = _nudged(outputs, abs(z[0]) + abs(weight) * INPUT)
    return ChainRecord(length, weight, bias, aim, z, outputs[0], log10_weight, log10_slope, product, measured, nudge)


def _nudged(outputs, first_size):
    """log10 of the measured slopes (L,) and of the nudges (L,): the largest nudge that can be trusted, or nan."""
    whole, half = outputs[1::4] - outputs[2::4], outputs[3::4] - outputs[4::4]  # (nudges, L)
    slope, slope_of_half = whole / (2 * NUDGES[:, None]), half / NUDGES[:, None]
    trusted = abs(slope - slope_of_half) <= AGREEMENT * abs(slope_of_half)
    trusted &= abs(half) >= ROUNDINGS * np.spacing(outputs[0])
    trusted &= NUDGES[:, None] >= ROUNDINGS * np.spacing(first_size)
    best = trusted.argmax(axis=0)
    found = trusted[best, np.arange(trusted.shape[1])]
    with np.errstate(divide="ignore"):
        measured = np.log10(abs(slope_of_half[best, np.arange(len(best))]))
    return np.where(found, measured, np.nan), np.where(found, np.log10(NUDGES[best] / 2), np.nan)


def sentence(record: ChainRecord) -> Sentence:
    """What the chain does to a nudge, how it was measured, and what the aim is worth."""
    end, link = float(record.log10_product[-1]), float(record.log10_link.mean())
    label = f"{record.length} neurons, w = {record.weight:g}, {'z' if record.aim == 'aimed' else 'b'} = {record.bias:g}"
    label = label.replace("-", "−")
    if record.weight == 0:
        return Sentence("vanishing", "A weight of 0 cuts the chain: nothing passes the first neuron.", label)
    verdict = "level" if abs(link) < 0.02 else "vanishing" if link < 0 else "exploding"
    text = (
        f"Nudge the first bias, and neuron {record.length} moves <b>{power(end)}</b> times as far; "
        f"a link, weight times slope, multiplies by {power(link)} on average. "
    )
    return Sentence(verdict, text + _measurement(record) + _aim(record), label, end)


def _measurement(record: ChainRecord) -> str:
    gone = np.flatnonzero(~np.isfinite(record.log10_measured))
    if gone.size == 0:
        return f"Measured with a real nudge: {power(float(record.log10_measured[-1]))}. "
    if record.log10_product[gone[0]] > 0:
        return f"From neuron {gone[0] + 1} on, every nudge that float64 can hold is too large to measure this. "
    return f"From neuron {gone[0] + 1} on, the nudge moves the output too little to be measured. "


def _aim(record: ChainRecord) -> str:
    if abs(record.weight) < 4:
        return "No bias can help a weight below 4, since a slope is at most a quarter."
    if abs(record.weight) == 4:
        exact = int((record.z[1:] == 0).sum())
        return f"A link of this weight reaches 1 only where z is 0: {exact} of {record.length - 1} do."
    half_width = unstable_window(record.weight).width * abs(record.weight) / 2
    reached = int((record.log10_link > -1e-9).sum())
    return f"A link reaches 1 while z is within {half_width:.2f} of 0: {reached} of {record.length - 1} are."


def chain() -> Explorer:
    """Length, weight and bias of a chain of sigmoid neurons: factors as bars, their running product as dots."""
    aimed = {"aim": "aimed"}
    return Explorer(
        name="chain",
        title="Exploding takes aim; vanishing needs none",
        controls=(
            Slider("length", "Length", values=LENGTHS, default=4, unit="neurons"),
            Slider("weight", "Weight w", values=WEIGHTS, default=1, scale="signed log"),
            Slider("bias", "b", values=BIASES, default=0),
            Menu("aim", "Biases", AIMS, default="same"),
        ),
        evaluate=evaluate,
        figure=draw,
        sentence=sentence,
        presets=(
            Preset("Four sigmoids"),
            Preset("Ten", {"length": 10}),
            Preset("Large weights, no aim", {"weight": 100}),
            Preset("Nielsen’s explosion", {"weight": 100} | aimed),
            Preset("Miss by five", {"weight": 100, "bias": 5} | aimed, pin={"weight": 100} | aimed),
        ),
        linear_axis=True,
    )
