"""The real handwritten digits that ship with scikit-learn: 1797 images of 8 x 8 pixels, no download."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

CLASSES = 10
PIXELS = 64
AVAILABLE = 1797


@dataclass(frozen=True)
class Digits:
    """Images with their labels, in a fixed order.

    `images` (B, 64) float64 in [0, 1], 0 paper and 1 ink; `labels` (B, 10) float64, a 1 in the column of the digit;
    `values` (B,) int, the digit itself. The arrays are read-only.
    """

    images: np.ndarray
    labels: np.ndarray
    values: np.ndarray

    def __post_init__(self):
        for array in (self.images, self.labels, self.values):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def mean_square(self) -> float:
        """Mean square of a pixel, the `input_mean_square` of the theory. Between 0 (blank) and 1 (all ink)."""
        return float(np.mean(self.images**2))

    def split(self, count: int) -> tuple["Digits", "Digits"]:
        """The first `count` images, and the rest. ValueError unless 0 < count < len(self)."""
        if not isinstance(count, (int, np.integer)) or not 0 < count < len(self):
            raise ValueError(f"count is {count!r}; it may be an integer from 1 to {len(self) - 1}")
        return self._rows(slice(count)), self._rows(slice(count, None))

    def _rows(self, rows) -> "Digits":
        return Digits(self.images[rows].copy(), self.labels[rows].copy(), self.values[rows].copy())


def digits(count: int | None = None, *, seed: int) -> Digits:
    """`count` different digits in an order drawn from `seed`; all 1797 when `count` is None.

    The same seed gives the same order, so a smaller count is the beginning of a larger one. Pixels are the counts
    0..16 of the source divided by 16. ValueError for a count that is not 1..1797 or a seed that is not an integer >= 0.
    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository
    (1998), the test part, as `sklearn.datasets.load_digits` holds it.

    >>> few = digits(1000, seed=0)
    >>> few.images.shape, few.labels.shape, float(few.images.max())
    ((1000, 64), (1000, 10), 1.0)
    """
    whole = AVAILABLE if count is None else count
    if isinstance(whole, bool) or not isinstance(whole, (int, np.integer)) or not 0 < whole <= AVAILABLE:
        raise ValueError(f"count is {count!r}; it may be None (all) or an integer from 1 to {AVAILABLE}")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed is {seed!r}; it may be an integer from 0")
    images, values = _source()
    order = np.random.default_rng(seed).permutation(AVAILABLE)[:whole]
    return Digits(images[order], np.eye(CLASSES)[values[order]], values[order])


@lru_cache(maxsize=1)
def _source() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits  # half a second: only for those who ask

    bunch = load_digits()
    return bunch.data / 16.0, bunch.target.astype(int)
