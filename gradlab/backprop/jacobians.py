"""The Jacobian of every layer as a matrix."""

from collections.abc import Iterator

import numpy as np

from gradlab.backprop.dense import Stack
from gradlab.backprop.passes import States


def layer_jacobians(stack: Stack, states: States) -> Iterator[np.ndarray]:
    """dh_ell/dh_{ell-1} of every example, (B, n_ell, n_{ell-1}), for ell = 1..L: slopes times weights, diag(phi'(z)) W.

    For one example, `gradlab.products.singular_values(j[0] for j in layer_jacobians(stack, states))` has all singular
    values of their products, as long as all layers are as wide as the input. ReLU sets rows to 0: a product of its
    Jacobians has exact zeros among its singular values, and what stands for them is rounding.
    Raises ValueError for other layers than dense ones, normalized ones, and where a state is not finite.

    >>> from gradlab.backprop import dense_stack, forward
    >>> stack = dense_stack([3, 3], "linear", "orthogonal", seed=0)
    >>> j = next(layer_jacobians(stack, forward(stack, np.ones((1, 3)))))
    >>> np.linalg.svd(j[0], compute_uv=False).round(12).tolist()
    [1.0, 1.0, 1.0]
    """
    if not isinstance(stack, Stack) or any(stack.normalizations):
        raise ValueError(f"stack is a {type(stack).__name__}; dense layers that nothing normalizes are wanted")
    if not all(np.isfinite(z).all() for z in states.pre):
        raise ValueError("states holds numbers that are not finite; a forward pass without overflow is wanted")
    layers = zip(stack.weights, stack.activations, states.pre, strict=True)
    return (phi.slope(z)[:, :, None] * weight for weight, phi, z in layers)
