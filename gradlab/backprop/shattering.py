"""How fast the gradient changes as the input moves: gradients of a deep plain network come to look like white noise."""

import numpy as np

from gradlab.backprop.layers import Layers, batch, index
from gradlab.backprop.passes import backward, forward


def input_gradients(stack: Layers, x) -> np.ndarray:
    """d(sum of all outputs of the batch)/dx, (B, n_0): how the output answers each input.

    Without batch normalization, row by row the gradient of one example. Raises ValueError as `forward`.

    >>> from gradlab.backprop import Stack
    >>> input_gradients(Stack([[[3.0]]], [[0.0]], ["linear"]), [[2.0], [5.0]]).ravel().tolist()
    [3.0, 3.0]
    """
    states = forward(stack, x)
    return backward(stack, states, np.ones_like(states.post[-1])).inputs


def autocorrelation(values, most: int) -> np.ndarray:
    """Correlation of a sequence with itself shifted by 0, 1, ..., most, (most + 1,).

    The mean is taken out; each sum of products is divided by the sum of squares, so the first entry is 1. For white
    noise the others are about 0, give or take 1/sqrt(length). Of m sequences, (length, m), the mean over them.
    Raises ValueError for a sequence that is constant, empty or not finite, or `most` outside 0..length - 1.
    Source: Balduzzi et al. 2017 measure by it how gradients shatter.

    >>> autocorrelation([1.0, -1.0, 1.0, -1.0], 2).tolist()
    [1.0, -0.75, 0.5]
    """
    values = np.asarray(values, np.float64)
    values = batch("values", values.reshape(len(values), -1), np.float64, ("length", "m"))
    index(most=(most, 0, len(values) - 1))
    values = values - values.mean(axis=0)
    squares = (values**2).sum(axis=0)
    if not squares.all():
        raise ValueError("values are constant: they have no autocorrelation")
    products = [(values[: len(values) - lag] * values[lag:]).sum(axis=0) for lag in range(most + 1)]
    return np.mean(products / squares, axis=1)
