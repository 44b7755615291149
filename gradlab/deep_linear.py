"""Gradient descent on deep linear networks that are to learn one mode, by hand: many networks at once.

The network is the product p = W_L ... W_1, a row: n inputs, one output. It is to become s times a row v of length 1, and
the loss is |p - s v|^2 / 2, the mean squared error for inputs that are white. Its gradient needs two chains of vectors,
what is above a layer and what the error becomes below it:

    dL/dW_ell = above^T (below)^T,    above = W_L ... W_{ell+1},    below = W_{ell-1} ... W_1 (p - s v)^T.
"""

import numpy as np

from gradlab.initializers import initializer
from gradlab.records import LinearDescent

STARTS = ("aligned", "orthogonal", "gaussian")


def linear_descent(
    depth: int, start: str, *, seed: int, strength=2.0, scale=1.0, rate=0.2, steps=300, width=16, networks=4
) -> LinearDescent:
    """`steps` steps of gradient descent on all layers of deep linear networks; see `LinearDescent`.

    start      "aligned": every layer is `scale` times the identity, and the last one scale * v; "orthogonal": `scale` times
               a random orthogonal matrix; "gaussian": weights of variance scale^2 / n
    strength, scale, rate   s, the factor on all layers, and the learning rate in units of 1 / (L s^(2 - 2/L)): numbers, or
               P of them
    networks   N independent starts; aligned layers leave nothing to draw, and are one

    A deeper network of one seed begins with the layers of the shallower. Nothing stops at inf or nan.
    Raises ValueError for an unknown start, whole numbers below 1, a width below 2, and numbers that are not positive.

    >>> [int(linear_descent(depth, "aligned", seed=0).learned_at()[0, 0]) for depth in (2, 10, 50)]
    [11, 14, 15]
    """
    if start not in STARTS:
        raise ValueError(f"start: got {start!r}, expected one of {', '.join(STARTS)}")
    wholes = {"depth": (depth, 1), "steps": (steps, 1), "width": (width, 2), "networks": (networks, 1)}
    for name, (value, least) in wholes.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{name}: got {value!r}, expected a whole number from {least}")
    s, g, share = (_positive(n, v) for n, v in {"strength": strength, "scale": scale, "rate": rate}.items())
    s, g, share = np.broadcast_arrays(s, g, share)
    count = 1 if start == "aligned" else networks
    layers = [g[:, None, None, None] * _drawn(start, seed, ell, depth, width, count) for ell in range(depth)]
    s = s[:, None]
    eta = (share[:, None] / (depth * s ** (2 - 2 / depth)))[..., None, None]
    modes, errors = [], []
    with np.errstate(all="ignore"):
        for step in range(steps + 1):
            above = _above(layers)
            product = above[0][..., 0, :]
            wrong = product.copy()
            wrong[..., 0] -= s  # v is the first unit row
            modes.append(product[..., 0] / s)
            errors.append(np.linalg.norm(wrong, axis=-1) / s)
            if step == steps:
                break
            below = wrong[..., None]
            for ell, w in enumerate(layers):
                passed = w @ below
                w -= (eta * above[ell + 1].swapaxes(-1, -2)) * below.swapaxes(-1, -2)
                below = passed
    return LinearDescent(depth, start, s[:, 0], np.array(modes), np.array(errors))


def _above(layers) -> list[np.ndarray]:
    """W_L ... W_{ell+1} for ell = 0..L, rows (P, N, 1, n): the first is the whole product, the last is 1."""
    rows = [np.ones((*layers[-1].shape[:2], 1, 1))]
    for w in reversed(layers):
        rows.append(rows[-1] @ w)
    return rows[::-1]


def _drawn(start, seed, ell, depth, width, count) -> np.ndarray:
    """Layer ell of every network at scale 1, (N, n, n); the last one a row, (N, 1, n)."""
    n_out = 1 if ell == depth - 1 else width
    if start == "aligned":
        return np.eye(n_out, width)[None]
    law = initializer("orthogonal" if start == "orthogonal" else "lecun_normal")
    return np.array([law.draw(n_out, width, np.random.default_rng((seed, k, ell))) for k in range(count)])


def _positive(name, values) -> np.ndarray:
    values = np.atleast_1d(np.asarray(values, dtype=float))
    if values.ndim != 1 or not ((values > 0) & np.isfinite(values)).all():
        raise ValueError(f"{name}: got {values.tolist()!r}, expected a positive number, or a row of them")
    return values
