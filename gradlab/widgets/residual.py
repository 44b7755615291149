"""Explorer [n]: residual blocks, how large their branches are, and where they normalize."""

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np

from gradlab import theory
from gradlab.backprop import Normalization, ResidualStack, forward, residual_stack
from gradlab.explorer import Explorer, Menu, Preset, Sentence, Slider, limits
from gradlab.plots.residual import residual as draw
from gradlab.records import ResidualRecord
from gradlab.style import number, power

WIDTH = 64  # units
BATCH = 64  # examples behind every norm
NETWORKS = 4  # independent networks behind every number
DEEPEST = 100
LEVEL = 0.5  # decades within which a gradient keeps its size

BLOCKS = (1, 2, 3, 5, 10, 20, 30, 50, 100)
BRANCHES = {
    "alpha": "h + αF(h)",
    "root": "h + αF(h)/√L",
    "depth": "h + αF(h)/L",
    "alone": "αF(h), no shortcut",
}
SCALES = (0, 0.25, 0.5, 0.7, 1, 1.4, 2)
#: normalization -> how, and where
PLACES = {
    "none": ("none", "before"),
    "batch_before": ("batch", "before"),
    "batch_after": ("batch", "after"),
    "layer_before": ("layer", "before"),
    "layer_after": ("layer", "after"),
}
NORMALIZATIONS = {
    "none": "none",
    "batch_before": "batch, before F",
    "batch_after": "batch, after the sum",
    "layer_before": "layer, before F",
    "layer_after": "layer, after the sum",
}
FAMILY = np.linspace(0, 2, 21)


def residual() -> Explorer:
    """The gradient over the blocks, and what so many blocks make of it for every scale of the branch."""
    return Explorer(
        name="residual",
        title="A hundred residual blocks add fifteen powers of ten; with a tenth of the branch, 0.2",
        controls=(
            Slider("blocks", "Blocks", BLOCKS, 20, scale="log", words={1: "1 block"}),
            Menu("branch", "Each block", BRANCHES, "alpha"),
            Slider("scale", "Scale α", SCALES, 1),
            Menu("normalization", "Normalization", NORMALIZATIONS, "none"),
        ),
        evaluate=evaluate,
        figure=draw,
        sentence=sentence,
        presets=(
            Preset("He branches"),
            Preset("One over root L", {"branch": "root", "blocks": 100}),
            Preset("Last layer zero", {"scale": 0}),
            Preset("Normalize before F", {"normalization": "batch_before", "blocks": 100}),
            Preset("No shortcut", {"branch": "alone"}),
        ),
    )


def evaluate(blocks: int = 20, branch: str = "alpha", scale: float = 1, normalization: str = "none") -> ResidualRecord:
    """The gradient at every block of ``NETWORKS`` residual networks, beside theory; see `ResidualRecord`.

    blocks: L, 1 to 100. branch: "alpha" for h + alpha F(h), "root" and "depth" for the same with F divided by sqrt(L)
    and by L, "alone" for alpha F(h). scale: alpha, 0 to 2. normalization: "none", or "batch" or "layer" with "_before",
    before the activation of the branch, or "_after", after the sum. ValueError for anything else.

    F(h) = W relu(h), 64 units, W of He's variance; inputs and the gradient at the end are N(0, 1), 64 examples, and
    normalization adds no epsilon. A shallower network is the beginning of a deeper one.

    >>> record = evaluate(blocks=50, branch="root", scale=1)
    >>> float(10 ** record.theory[0]) < math.sqrt(math.e), float(evaluate(scale=0).measured[0])
    (True, 0.0)
    """
    limits.whole(1, DEEPEST, blocks=blocks)
    limits.one_of(BRANCHES, branch=branch)
    limits.number(SCALES[0], SCALES[-1], scale=scale)
    limits.one_of(PLACES, normalization=normalization)
    blocks, scale = int(blocks), float(scale)
    measured = _rescaled(_measured, blocks, branch, scale, normalization)
    return ResidualRecord(
        blocks=blocks,
        branch=branch,
        scale=scale,
        normalization=normalization,
        networks=NETWORKS,
        branch_scale=_branch_scale(blocks, branch, scale),
        measured=np.median(measured, axis=0),
        low=measured.min(axis=0),
        high=measured.max(axis=0),
        branches=tuple(BRANCHES),
        profiles=np.array([_rescaled(_theory, blocks, each, scale, normalization) for each in BRANCHES]),
        scales=FAMILY,
        family=_family(blocks, normalization),
    )


def _branch_scale(blocks: int, branch: str, scale: float) -> float:
    return scale / {"root": math.sqrt(blocks), "depth": blocks}.get(branch, 1)


def _rescaled(profile, blocks: int, branch: str, scale: float, normalization: str) -> np.ndarray:
    """``profile``, which is given L, shortcut, branch scale and normalization; without a shortcut from that of scale 1.

    ReLU carries a factor through, and normalization takes it out of all but its own block.
    """
    if branch != "alone":
        return profile(blocks, 1.0, _branch_scale(blocks, branch, scale), normalization)
    ones = profile(blocks, 0.0, 1.0, normalization)
    if scale == 0:
        return np.where(np.arange(blocks + 1) < blocks, -np.inf, ones)
    how, where = PLACES[normalization]
    if how == "none":
        factors = np.arange(blocks, -1, -1)
    else:
        factors = np.arange(blocks + 1) < (where == "before")  # at the inputs, which no scale was applied to
    return ones + factors * math.log10(scale)


@lru_cache(maxsize=2048)  # more than the grid has
def _measured(blocks: int, shortcut: float, branch_scale: float, normalization: str) -> np.ndarray:
    """log10 of ||dL/dh_ell|| relative to the last, ell = 0..L, in each network, (networks, L + 1)."""
    how, where = PLACES[normalization]
    norm = None if how == "none" else Normalization(how, epsilon=0)
    found = np.zeros((NETWORKS, blocks + 1))
    for seed in range(NETWORKS):
        deepest = _drawn(seed)
        layers = {name: getattr(deepest, name)[:blocks] for name in ("weights", "biases", "activations")}
        scales = {"branch_scale": branch_scale, "shortcut_scale": shortcut}
        stack = replace(deepest, **layers, **scales, position=where, normalizations=norm)
        x, gradient = np.random.default_rng((seed, 1)).normal(size=(2, BATCH, WIDTH))
        kept, start = forward(stack, x).kept, np.linalg.norm(gradient)
        for ell in reversed(range(blocks)):
            gradient, _, _ = stack.layers[ell].pull_back(kept[ell], gradient)
            found[seed, ell] = math.log10(np.linalg.norm(gradient) / start)
    return found


@lru_cache(maxsize=NETWORKS)
def _drawn(seed: int) -> ResidualStack:
    """A network of plain blocks, of which a shallower one is the beginning."""
    return residual_stack(WIDTH, DEEPEST, "relu", "kaiming_normal", seed=seed)


@lru_cache(maxsize=16384)
def _theory(blocks: int, shortcut: float, branch_scale: float, normalization: str) -> np.ndarray:
    """The same by theory, (L + 1,)."""
    how, where = PLACES[normalization]
    profile = theory.residual_profile(
        blocks, "relu", 2.0, branch_scale=branch_scale, shortcut_scale=shortcut, normalization=how, position=where
    )
    return np.append(profile.log10_whole, profile.log10_gradient)


@lru_cache(maxsize=64)
def _family(blocks: int, normalization: str) -> np.ndarray:
    """Theory for L blocks of every kind and scale, (branches, scales)."""
    return np.array([[_rescaled(_theory, blocks, b, float(s), normalization)[0] for s in FAMILY] for b in BRANCHES])


WHERE = {
    "none": "",
    "batch_before": " behind batch normalization",
    "batch_after": " and batch normalization after each sum",
    "layer_before": " behind layer normalization",
    "layer_after": " and layer normalization after each sum",
}
WHO = {
    "shortcut": "Through {blocks} with branches of scale {beta}{where}",
    "alone": "Through {blocks} with branches of scale {beta}{where} but no shortcut",
}
TOTAL = "{who}, the gradient is multiplied by <b>{total}</b>; theory says {theory}. {rule}"
SILENT = "{who}, exactly <b>0</b> comes back: neither shortcut nor branch carries anything."
RULES = {
    "zero": "A last layer of zeros silences the branch: each block starts as its shortcut.",
    "alpha": "Each block multiplies it by √(1 + α²) = {factor}; with F(h)/√L all of them would stay below {limit}.",
    "root": "However deep, theory stays below e<sup>α²/2</sup> = {limit}.",
    "depth": "The deeper, the nearer to 1.",
    "before": "The stream grows and the branch does not: each block adds less than the one before.",
    "layer_after": "Each normalization takes back what the sum has added.",
    "batch_after": "Each normalization takes back most of what the sum has added, not all.",
    "alone": "Each block multiplies it by α.",
    "plain": "This is a plain network with {how} normalization, which undoes α.",
}


def sentence(record: ResidualRecord) -> Sentence:
    """What the blocks make of the gradient, what theory says, and why."""
    total = float(record.measured[0])
    how, place = PLACES[record.normalization]
    blocks = "1 block" if record.blocks == 1 else f"{record.blocks} blocks"
    who = WHO["alone" if record.branch == "alone" else "shortcut"].format(
        blocks=blocks, beta=_scale_text(record), where=WHERE[record.normalization]
    )
    scale = f"{record.scale:g}"
    label = f"{blocks}, " + {"alone": f"α = {scale} alone"}.get(record.branch, f"α = {_short(record)}")
    if how != "none":
        label += f", {how} {place}"
    if total == -math.inf:
        return Sentence("vanishing", SILENT.format(who=who), label)
    if record.branch == "alone":
        rule = "alone" if how == "none" else "plain"
    elif record.scale == 0:
        rule = "zero"
    else:
        rule = record.branch if how == "none" else "before" if place == "before" else record.normalization
    verdict = "level" if abs(total) <= LEVEL else "vanishing" if total < 0 else "exploding"
    text = TOTAL.format(
        who=who,
        total=power(total),
        theory=power(float(record.theory[0])),
        rule=RULES[rule].format(
            factor=number(math.hypot(1, record.scale)), limit=number(math.exp(record.scale**2 / 2)), how=how
        ),
    )
    return Sentence(verdict, text, label, total)


def _short(record: ResidualRecord) -> str:
    """The scale of the branch as the reader would write it down."""
    divided = {"root": "/√{}", "depth": "/{}"}.get(record.branch, "") if record.blocks > 1 and record.scale else ""
    return f"{record.scale:g}{divided.format(record.blocks)}"


def _scale_text(record: ResidualRecord) -> str:
    short = _short(record)
    return f"{short} = {number(record.branch_scale)}" if "/" in short else short
