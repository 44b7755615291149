"""Products of random matrices, and where number formats end."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class NumbersEnd:
    """Where a number format ends on the way through a product A_L ... A_1: numbers of factors, or None for never.

    dtype       the number format
    depth       L, number of factors
    first_inf   how many factors make the first product that holds inf
    first_nan   the same for nan
    first_zero  the same for a product whose entries are all 0

    >>> NumbersEnd("float32", 200, 129, 130, None).finite
    128
    """

    dtype: str
    depth: int
    first_inf: int | None = None
    first_nan: int | None = None
    first_zero: int | None = None

    @property
    def finite(self) -> int:
        """Number of factors up to which the product holds neither inf nor nan."""
        return min(ell for ell in (self.first_inf, self.first_nan, self.depth + 1) if ell is not None) - 1


def _reached_by(layers) -> np.ndarray:
    """(3, F) the layer by which one in ten, half and nine in ten of (F, S) have happened; nan is never."""
    never = np.where(np.isnan(layers), np.inf, layers)
    return np.quantile(never, (0.1, 0.5, 0.9), axis=-1, method="inverted_cdf")


@dataclass(frozen=True, eq=False)
class OverflowRecord:
    """Products A_ell ... A_1 of random (n, n) matrices: their singular values, and where number formats end.

    kind, width, gain       how the matrices are drawn, as `products.random_factors` names it; width is n
    layers                  L, the number of matrices of the longest product that is shown
    dtype                   the number format that is shown
    products                how many independent products were drawn
    at                      (P,) numbers of matrices from 0, the identity, to L
    log10_values            (3, P) log10 of the largest, the median and the smallest singular value, median product
    log10_low, log10_high   (3, P) 10th and 90th percentile of the products
    log10_theory            (3,) theory: decades that each of the three gains with one more matrix, in the long run
    formats                 F names of number formats
    log10_range             (F, 2) log10 of the smallest positive and of the largest number of each
    searched                every product was multiplied in every format up to this many matrices
    first_inf, first_nan    (F, products) length of the first product that holds inf, nan; nan where none up to there
    first_zero              (F, products) the same for a product that holds nothing but 0
    grows                   theory: the entries grow, and a format ends in inf; False: they shrink, and it ends in zeros
    predicted               (F, 3) theory: 10th percentile, median and 90th percentile of the length of the product
                            in which a format ends; inf for never
    """

    kind: str
    width: int
    gain: float
    layers: int
    dtype: str
    products: int
    at: np.ndarray = field(repr=False)
    log10_values: np.ndarray = field(repr=False)
    log10_low: np.ndarray = field(repr=False)
    log10_high: np.ndarray = field(repr=False)
    log10_theory: np.ndarray = field(repr=False)
    formats: tuple[str, ...] = field(repr=False)
    log10_range: np.ndarray = field(repr=False)
    searched: int = field(repr=False)
    first_inf: np.ndarray = field(repr=False)
    first_nan: np.ndarray = field(repr=False)
    first_zero: np.ndarray = field(repr=False)
    grows: bool
    predicted: np.ndarray = field(repr=False)

    @property
    def row(self) -> int:
        """Index of `dtype` among the formats."""
        return self.formats.index(self.dtype)

    @property
    def ends(self) -> np.ndarray:
        """(3, F) where one in ten, half and nine in ten of the products held inf or nothing but 0; inf: not by `searched`.

        From there on no gradient is left.
        """
        return _reached_by(np.fmin(self.first_inf, self.first_zero))

    @property
    def nan(self) -> np.ndarray:
        """(F,) where half of the products held nan; inf: not by `searched`."""
        return _reached_by(self.first_nan)[1]

    @property
    def ends_in_inf(self) -> np.ndarray:
        """(F,) whether more of the products, or as many, ended in inf as in zeros; theory says it where none ended."""
        count = [np.isfinite(first).sum(axis=1) for first in (self.first_inf, self.first_zero)]
        return np.where(count[0] + count[1] > 0, count[0] >= count[1], self.grows)

    @property
    def shown_end(self) -> int | None:
        """Where half of the products ended in `dtype`; None where that is not among the layers shown."""
        end = self.ends[1, self.row]
        return int(end) if end <= self.layers else None
