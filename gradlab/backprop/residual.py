"""Residual blocks by hand: h_ell = a * h_{ell-1} + alpha * F_ell(h_{ell-1}), a = 1 for the identity shortcut.

The branch F is m times an activation and a matrix: for m = 1, F(h) = W phi(h) + b. Its gradient joins that of the
shortcut,

    dL/dh_{ell-1} = a * dL/dh_ell + (alpha * dL/dh_ell pulled back through F)

A normalization N stands before each activation, F(h) = W phi(N(h)) + b, or after the sum, h_ell = N(a h + alpha F(h)).
"""

from dataclasses import dataclass
from functools import cached_property
from numbers import Integral

import numpy as np

from gradlab.activations import Activation, activation
from gradlab.backprop.layers import Layers, drawn
from gradlab.backprop.normalization import Normalization
from gradlab.initializers import initializer

POSITIONS = ("before", "after")


@dataclass(frozen=True, eq=False)
class Block:
    """One residual block.

    weight         (m, n, n): the branch's matrices, the first it meets first
    bias           (m, n)
    phi            the activation before each of them
    branch_scale, shortcut_scale   alpha and a
    normalization  before each activation, or None
    """

    weight: np.ndarray
    bias: np.ndarray
    phi: Activation
    branch_scale: float
    shortcut_scale: float
    normalization: Normalization | None

    def apply(self, h):
        branch, kept = h, []
        for w, b in zip(self.weight, self.bias, strict=True):
            z, kept_of_z = branch, None
            if self.normalization is not None:
                z, kept_of_z = self.normalization.apply(z)
            value = self.phi.value(z)
            kept.append((z, kept_of_z, value))
            branch = value @ w.T + b
        return self.shortcut_scale * h + self.branch_scale * branch, kept

    def pull_back(self, kept, delta):
        weight_gradient, bias_gradient = np.empty_like(self.weight), np.empty_like(self.bias)
        back = self.branch_scale * delta
        for j in reversed(range(len(kept))):
            z, kept_of_z, value = kept[j]
            weight_gradient[j], bias_gradient[j] = back.T @ value, back.sum(axis=0)
            back = back @ self.weight[j] * self.phi.slope(z)
            if self.normalization is not None:
                back = self.normalization.pull_back(kept_of_z, back)
        return self.shortcut_scale * delta + back, weight_gradient, bias_gradient


@dataclass(frozen=True, eq=False)
class ResidualStack(Layers):
    """Residual blocks, one after another, all n wide.

    weights         L arrays (m, n, n): the m matrices of each branch
    biases          L arrays (m, n)
    activations     L of them: phi in each branch. None follows the sum
    branch_scale    alpha, before the branch
    shortcut_scale  1 for the identity, 0 for none
    position        "before": the normalizations stand before each activation of the branch; "after": after the sum
    normalizations  L of them, None for a block without; or one for all, by name

    `forward`, `backward`, `profile` and `bias_nudge` take it as they take a `Stack`: z_ell and h_ell are both what
    block ell gives. Raises ValueError where shapes do not chain or a number is not finite.

    >>> from gradlab.backprop import forward
    >>> stack = ResidualStack((np.zeros((2, 3, 3)),), (np.zeros((2, 3)),), ("relu",))
    >>> forward(stack, [[1.0, -2.0, 3.0]]).post[-1].tolist()  # a branch of zeros: the identity
    [[1.0, -2.0, 3.0]]
    """

    branch_scale: float = 1.0
    shortcut_scale: float = 1.0
    position: str = "before"

    weight_axes = ("m", "n", "n")
    input_axes = ()
    inputs_axis = 2

    def __post_init__(self):
        super().__post_init__()
        if len(set(self.widths)) > 1:
            raise ValueError(f"blocks of widths {self.widths}: a shortcut wants one width")
        for name in ("branch_scale", "shortcut_scale"):
            if not np.isfinite(getattr(self, name)):
                raise ValueError(f"{name} = {getattr(self, name)}: a finite number is wanted")
        if self.position not in POSITIONS:
            raise ValueError(f"position = {self.position!r}: it may be one of {', '.join(POSITIONS)}")
        if any(how is not None and how.statistics is not None for how in self.normalizations):
            raise ValueError("normalizations with statistics: residual blocks normalize by the batch at hand alone")

    def layer(self, weight, bias, phi, inside):
        return Block(weight, bias, phi, self.branch_scale, self.shortcut_scale, inside)

    @cached_property
    def layers(self) -> tuple:
        """The L blocks, each with `apply` and `pull_back`."""
        within = self.position == "before"
        inside = self.normalizations if within else (None,) * self.depth
        blocks = tuple(map(self.layer, self.weights, self.biases, self.activations, inside))
        return blocks if within else self._normalized(blocks)

    @cached_property
    def outer_activations(self) -> tuple[Activation, ...]:
        return (activation("linear"),) * self.depth


def residual_stack(
    width: int,
    blocks: int,
    activation_names,
    initializer_name,
    *,
    seed: int,
    branch_layers: int = 1,
    branch_scale: float = 1.0,
    shortcut_scale: float = 1.0,
    gain: float = 1.0,
    last_gain: float = 1.0,
    normalization: str = "none",
    position: str = "before",
    dtype=np.float64,
) -> ResidualStack:
    """A stack of residual blocks with drawn weights and biases: a deeper one of one seed begins with the shallower.

    width, blocks     n and L
    branch_layers     m, matrices a branch
    gain              factor on every weight
    last_gain         further factor on the last matrix of every branch; 0 starts each block as its shortcut
    normalization     "none", "batch", "layer" or "rms", or one a block. The weights are the same whichever it is
    activation_names, initializer_name, errors   as in `dense_stack`; the rest as in `ResidualStack`

    >>> residual_stack(4, 3, "relu", "kaiming_normal", seed=0, branch_layers=2).weights[0].shape
    (2, 4, 4)
    """
    for name, value in (("width", width), ("blocks", blocks), ("branch_layers", branch_layers)):
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} = {value!r}: a whole number of at least 1 is wanted")
    if not np.isfinite(last_gain):
        raise ValueError(f"last_gain = {last_gain}: a finite number is wanted")
    law = initializer(initializer_name)

    def draw(n_out, n_in, rng):
        drawn_layers = [
            (law.draw(n_out, n_in, rng, gain), law.draw_bias(n_out, n_in, rng)) for _ in range(branch_layers)
        ]
        weight, bias = map(np.stack, zip(*drawn_layers, strict=True))
        weight[-1] *= last_gain
        return weight, bias

    return ResidualStack(
        *drawn("width", [width] * (blocks + 1), activation_names, seed, dtype, draw),
        branch_scale,
        shortcut_scale,
        position,
        normalizations=normalization,
    )
