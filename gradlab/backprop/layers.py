"""What a stack of layers is, how its weights are drawn, and what is asked of numbers that come from outside.

A layer knows two things: z = apply(h), and pull_back(h, delta) -> (dL/dh, dL/dW, dL/db) for delta = dL/dz, linear in
delta. An activation phi follows: h_ell = phi(z_ell).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from numbers import Integral
from typing import ClassVar

import numpy as np

from gradlab.activations import Activation, activation


@dataclass(frozen=True, eq=False)
class Layers:
    """Layers of one kind, one after another; a subclass says which by `layer`, `weight_axes` and `input_axes`.

    weights, biases, activations   L of each, one a layer; the first axis of a weight is its outputs, the second its
    inputs. Raises ValueError where shapes do not chain or a number is not finite.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    activations: tuple[Activation, ...]

    weight_axes: ClassVar[tuple[str, ...]]
    input_axes: ClassVar[tuple[str, ...]]

    def __post_init__(self):
        weights = tuple(map(np.asarray, self.weights))
        dtype = np.result_type(np.float32, *weights)
        object.__setattr__(self, "weights", tuple(np.ascontiguousarray(w, dtype) for w in weights))
        object.__setattr__(self, "biases", tuple(np.ascontiguousarray(b, dtype) for b in self.biases))
        object.__setattr__(self, "activations", tuple(map(activation, self.activations)))
        lengths = len(self.weights), len(self.biases), len(self.activations)
        if min(lengths) < 1 or len(set(lengths)) > 1:
            raise ValueError(f"weights, biases, activations: {lengths} of them came; one of each a layer, at least one")
        for i, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            n_in = self.weights[i - 1].shape[0] if i else self.weight_axes[1]
            checked(f"weights[{i}]", w, (self.weight_axes[0], n_in, *self.weight_axes[2:]))
            checked(f"biases[{i}]", b, w.shape[:1])

    @property
    def depth(self) -> int:
        return len(self.weights)

    @property
    def widths(self) -> tuple[int, ...]:
        """(n_0, n_1, ..., n_L), n_0 the number of inputs."""
        return (self.weights[0].shape[1], *map(len, self.biases))

    @property
    def dtype(self) -> np.dtype:
        return self.weights[0].dtype

    @cached_property
    def layers(self) -> tuple:
        """The L layers, each with `apply` and `pull_back`."""
        return tuple(map(self.layer, self.weights, self.biases))

    def cut(self, depth: int):
        """The first `depth` layers. Raises ValueError where depth is not one of 1..L."""
        index(depth=(depth, 1, self.depth))
        parts = {name: getattr(self, name)[:depth] for name in ("weights", "biases", "activations")}
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
