"""What a stack of layers is, how its weights are drawn, and what is asked of numbers that come from outside.

A layer knows two things: apply(h) -> (z, kept), where kept is what it wants to see again on the way back, and
pull_back(kept, delta) -> (dL/dh, dL/dW, dL/db) for delta = dL/dz, linear in delta. An activation phi follows: h_ell =
phi(z_ell). A normalization may stand between them, and is then part of the layer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from numbers import Integral
from typing import ClassVar

import numpy as np

from gradlab.activations import Activation, activation
from gradlab.backprop.normalization import Normalization, Normalized, per_layer


@dataclass(frozen=True, eq=False)
class Layers:
    """Layers of one kind, one after another; a subclass says which by `layer`, `weight_axes` and `input_axes`.

    weights, biases, activations   L of each, one a layer
    normalizations                 L of them, one a layer: how z_ell is normalized, None for not at all; or one for
                                   all, by name

    Raises ValueError where shapes do not chain or a number is not finite.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    activations: tuple[Activation, ...]
    normalizations: tuple[Normalization | None, ...] = field(default=None, kw_only=True)

    weight_axes: ClassVar[tuple[str, ...]]
    input_axes: ClassVar[tuple[str, ...]]
    inputs_axis: ClassVar[int] = 1  # of a weight; its outputs are the axis before

    def __post_init__(self):
        weights = tuple(map(np.asarray, self.weights))
        dtype = np.result_type(np.float32, *weights)
        object.__setattr__(self, "weights", tuple(np.ascontiguousarray(w, dtype) for w in weights))
        object.__setattr__(self, "biases", tuple(np.ascontiguousarray(b, dtype) for b in self.biases))
        object.__setattr__(self, "activations", tuple(map(activation, self.activations)))
        lengths = len(self.weights), len(self.biases), len(self.activations)
        if min(lengths) < 1 or len(set(lengths)) > 1:
            raise ValueError(f"weights, biases, activations: {lengths} of them came; one of each a layer, at least one")
        object.__setattr__(self, "normalizations", per_layer(self.normalizations, self.depth))
        axes, inputs = list(self.weight_axes), self.inputs_axis
        for i, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            checked(f"weights[{i}]", w, axes)
            checked(f"biases[{i}]", b, w.shape[:inputs])
            axes[inputs] = w.shape[inputs - 1]  # what this layer gives, the next one takes

    @property
    def depth(self) -> int:
        return len(self.weights)

    @property
    def widths(self) -> tuple[int, ...]:
        """(n_0, n_1, ..., n_L), n_0 the number of inputs."""
        return (self.weights[0].shape[self.inputs_axis], *(b.shape[-1] for b in self.biases))

    @property
    def dtype(self) -> np.dtype:
        return self.weights[0].dtype

    @cached_property
    def layers(self) -> tuple:
        """The L layers, each with `apply` and `pull_back`."""
        return self._normalized(map(self.layer, self.weights, self.biases))

    def _normalized(self, layers):
        pairs = zip(layers, self.normalizations, strict=True)
        return tuple(layer if how is None else Normalized(layer, how) for layer, how in pairs)

    @property
    def outer_activations(self) -> tuple[Activation, ...]:
        """What follows each layer."""
        return self.activations

    def cut(self, depth: int):
        """The first `depth` layers. Raises ValueError where depth is not one of 1..L."""
        index(depth=(depth, 1, self.depth))
        parts = {name: getattr(self, name)[:depth] for name in ("weights", "biases", "activations", "normalizations")}
        return replace(self, **parts)


def drawn(name: str, widths: Sequence[int], activation_names, seed: int, dtype, draw: Callable) -> tuple:
    """(weights, biases, activations) of a stack; `name` is what the caller calls the widths.

    draw  (n_out, n_in, rng) -> weight and bias of one layer

    Layer by layer from one generator: a deeper stack of one seed begins with the shallower.
    """
    widths = list(widths)
    depth = len(widths) - 1
    if depth < 1:
        raise ValueError(f"{name} = {widths} gives depth {depth}; the input's and at least one more are wanted")
    for n in widths:
        if not isinstance(n, Integral) or n < 1:
            raise ValueError(f"{name} = {widths}: {n!r} is not a width; whole numbers of at least 1 are wanted")
    if seed is None:
        raise TypeError("seed = None: a whole number is wanted, so that the draw can be repeated")
    if isinstance(activation_names, str | Activation):
        activation_names = (activation_names,) * depth
    rng = np.random.default_rng(seed)
    pairs = [[a.astype(dtype) for a in draw(n_out, n_in, rng)] for n_in, n_out in pairwise(widths)]
    return *zip(*pairs, strict=True), tuple(activation_names)


def checked(name, array, shape):
    """The array, where it is finite, not empty and of that shape, in which a letter stands for any number."""
    fits = len(shape) == array.ndim and all(
        n == m or isinstance(n, str) for n, m in zip(shape, array.shape, strict=True)
    )
    if not fits or not array.size:
        wanted = f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
        raise ValueError(f"{name} has shape {array.shape}; {wanted} is wanted")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds {array[~np.isfinite(array)][0]}; finite numbers are wanted")
    return array


def batch(name, values, dtype, shape):
    """The values as a checked array of that dtype."""
    with np.errstate(over="ignore"):
        return checked(name, np.ascontiguousarray(values, dtype), shape)


def index(**bounds):
    for name, (value, low, high) in bounds.items():
        if not isinstance(value, Integral) or not low <= value <= high:
            raise ValueError(f"{name} = {value!r}: a whole number from {low} to {high} is wanted")
