"""What the blocks of a transformer make of the tokens at the start, in wide layers with fresh independent weights.

A block is attention and a feed-forward part, each with a shortcut: h + W_V (mean over the tokens), then
h + W_2 relu(W_1 h). Queries and keys are 0, so that every token attends to all of them alike; all other matrices are
(d, d) with entries N(0, 1/d), as Xavier draws them; biases are 0. Layer normalization stands "before" each part (pre-norm)
or "after" each sum (post-norm).
"""

from dataclasses import dataclass
from numbers import Integral

import numpy as np

from gradlab.theory.correlation import correlation_map


@dataclass(frozen=True, eq=False)
class TransformerProfile:
    """A wide transformer, block by block: arrays (L,), index 0 is the block that touches the input.

    mean_square  of a unit of the stream after the block
    cosine       between two tokens there; at 1 all tokens have become the same
    last_rms     what the last normalization divides by: rms of the stream it reads, a number
    """

    mean_square: np.ndarray
    cosine: np.ndarray
    last_rms: float


def transformer_profile(
    layers: int, tokens: int, position: str = "before", *, cosine: float = 0.0
) -> TransformerProfile:
    """Signal through L blocks, for tokens of mean square 1 and of `cosine` between any two.

    The mean over n normalized tokens has the mean square a = 1/n + (1 - 1/n) c; this is what attention adds to the
    stream, the same vector for all tokens. The feed-forward part adds 1/2, with a cosine of at least 1/pi between two
    tokens.
    "before": the stream grows by 1/2 + a a block. "after": it is 1 after each block, and 3/2 before the last
    normalization.
    The gradient of the last W_2, for one token, is the norm of the gradient that comes in, times sqrt(d/2), over
    `last_rms`.
    Raises ValueError for whole numbers below 1, another position, or a cosine outside 0 to 1.
    Source: the setting of Xiong et al. 2020, whose bounds replace a by 0 and 1.

    >>> profile = transformer_profile(6, 16)
    >>> bool((1 + np.arange(1, 7) / 2 < profile.mean_square).all() and profile.mean_square[-1] < 1 + 3 * 6 / 2)
    True
    """
    for name, value in (("layers", layers), ("tokens", tokens)):
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} = {value!r}: a whole number of at least 1 is wanted")
    if position not in ("before", "after"):
        raise ValueError(f"position = {position!r}: it may be one of before, after")
    if not 0 <= cosine <= 1:
        raise ValueError(f"cosine = {cosine}: a number from 0 to 1 is wanted")
    square, c, states = 1.0, cosine, []
    for _ in range(layers):
        added = 1 / tokens + (1 - 1 / tokens) * c
        square, c = _sum(square, c, added, 1.0)
        square = square if position == "before" else 1.0
        square, c = _sum(square, c, 0.5, correlation_map(c, "relu", 1.0, 2.0))
        last = square
        square = square if position == "before" else 1.0
        states.append((square, c))
    return TransformerProfile(*np.array(states).T, last**0.5)


def _sum(square, cosine, added, alike):
    """Mean square and cosine of a stream to which a branch of mean square `added` and cosine `alike` is added."""
    total = square + added
    return total, min((square * cosine + added * alike) / total, 1.0)
