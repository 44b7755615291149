"""Weights scaled to the data: layer-sequential unit variance."""

from dataclasses import replace
from numbers import Integral

import numpy as np

from gradlab.backprop.convolution import ConvolutionStack
from gradlab.backprop.dense import Stack
from gradlab.backprop.layers import Layers, batch


def unit_variance(stack: Layers, x, *, tolerance: float = 0.1, most: int = 10) -> Layers:
    """LSUV: the stack with every weight tensor divided by a number, so that z_ell has variance 1 for the inputs x.

    Layer after layer, from the input on: W_ell is divided by the standard deviation of z_ell over examples and units (of
    convolutions, and positions) until its variance is within `tolerance` of 1, at most `most` times. Biases stay as they
    are; where they are 0 one division is exact. Meant for orthogonal weights, to be drawn first ("orthogonal").
    It levels the signal forward, whatever the activation; what that makes of the gradient is chi at variance 1.

    Raises ValueError as `forward`, for residual stacks and normalized layers, a layer whose z is the same number
    throughout or not finite, and one that `most` divisions leave outside the tolerance, as large biases do.
    Source: Mishkin and Matas 2016, algorithm 1.

    >>> from gradlab.backprop import dense_stack, forward
    >>> stack, x = dense_stack([50] * 4, "tanh", "orthogonal", seed=0), np.random.default_rng(1).normal(size=(32, 50))
    >>> [float(z.var().round(12)) for z in forward(unit_variance(stack, x, tolerance=1e-12), x).pre]
    [1.0, 1.0, 1.0]
    """
    if not isinstance(stack, Stack | ConvolutionStack) or any(stack.normalizations):
        raise ValueError(
            f"stack is a {type(stack).__name__}; dense or convolution layers that nothing normalizes are wanted"
        )
    if not 0 < tolerance < np.inf:
        raise ValueError(f"tolerance = {tolerance}: a positive finite number is wanted")
    if not isinstance(most, Integral) or most < 1:
        raise ValueError(f"most = {most!r}: a whole number of at least 1 is wanted")
    h = batch("x", x, stack.dtype, ("B", stack.widths[0], *stack.input_axes))
    weights = []
    for ell, layer in enumerate(stack.layers):
        for _ in range(most + 1):
            with np.errstate(over="ignore", invalid="ignore"):
                z, _ = layer.apply(h)
                variance = float(np.var(z, dtype=np.float64))
            if not 0 < variance < np.inf:
                raise ValueError(f"layer {ell + 1} has pre-activations of variance {variance}; no weight makes it 1")
            if abs(variance - 1) <= tolerance:
                break
            layer = replace(layer, weight=layer.weight / layer.weight.dtype.type(np.sqrt(variance)))
        else:
            raise ValueError(
                f"layer {ell + 1} has variance {variance:.3g} after {most} divisions; tolerance = {tolerance} asks for 1"
            )
        weights.append(layer.weight)
        h = stack.activations[ell].value(z)
    return replace(stack, weights=tuple(weights))
