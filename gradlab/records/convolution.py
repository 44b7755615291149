"""Convolutions: one as a matrix, many in a row."""

from dataclasses import dataclass, field

import numpy as np

from gradlab.records.base import Lines, shaped


@dataclass(frozen=True, eq=False)
class MatrixRecord:
    """A convolution of one channel as a matrix, and where one number of its kernel stands in it.

    kernel  (k_h, k_w)
    entry   row and column, from 0, of the number of the kernel that is pointed out
    matrix  (h_out * w_out, h * w): row = one output pixel, column = one input pixel, both counted line by line
    copies  (h_out * w_out, h * w) booleans: the cells that hold that number
    block   (w_out, w): size of the block that links one line of outputs with one line of inputs

    Raises ValueError where matrix and copies differ in shape, or do not divide into blocks.

    >>> MatrixRecord(np.ones((1, 1)), (0, 0), np.eye(4), np.eye(4) == 1, (2, 2)).blocks
    (2, 2)
    """

    kernel: np.ndarray = field(repr=False)
    entry: tuple[int, int]
    matrix: np.ndarray = field(repr=False)
    copies: np.ndarray = field(repr=False)
    block: tuple[int, int]

    def __post_init__(self):
        if self.matrix.shape != self.copies.shape or np.remainder(self.matrix.shape, self.block).any():
            raise ValueError(
                f"matrix is {self.matrix.shape}, copies {self.copies.shape} and a block {self.block}; matrix and copies "
                "must have one shape, a whole number of blocks each way"
            )

    @property
    def blocks(self) -> tuple[int, int]:
        """How many blocks stand one above the other, and side by side."""
        rows, columns = np.floor_divide(self.matrix.shape, self.block)
        return int(rows), int(columns)


@dataclass(frozen=True, eq=False)
class ConvolutionRecord(Lines):
    """ReLU networks of L equal convolutions: the signal on its way up, the gradient on its way down, and the theory.

    kernel_size, channels, depth, initializer   the state; initializer as the explorer's menu names it
    networks       independent networks behind every number
    side           the images have side x side pixels and wrapped edges
    signal         (L,) log10 of the rms of h_ell; the rms of the input is 1
    gradient       (L,) log10 of ||dL/dz_ell|| over that of layer L
    factors        (F,) log10 of the factor per layer that theory gives the gradient, for `fan_ins` = k^2 c
    matrix         what links one channel with another

    Lines are medians over the networks, `_band` (2, L) the 10th and the 90th percentile, `_theory` (L,) the prediction
    for many channels. Raises ValueError where an array has another shape.
    """

    kernel_size: int
    channels: int
    depth: int
    initializer: str
    networks: int
    side: int
    signal: np.ndarray = field(repr=False)
    signal_band: np.ndarray = field(repr=False)
    signal_theory: np.ndarray = field(repr=False)
    gradient: np.ndarray = field(repr=False)
    gradient_band: np.ndarray = field(repr=False)
    gradient_theory: np.ndarray = field(repr=False)
    fan_ins: np.ndarray = field(repr=False)
    factors: np.ndarray = field(repr=False)
    matrix: MatrixRecord = field(repr=False)

    def __post_init__(self):
        shaped(self, f"depth {self.depth}", self.lines("signal", "gradient"))

    @property
    def fan_in(self) -> int:
        """How many numbers one output reads, k^2 c; with equal channels as many outputs read one number."""
        return self.kernel_size**2 * self.channels
