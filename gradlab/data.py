"""The real handwritten digits that ship with scikit-learn, 1797 images of 8 x 8 pixels, and tasks of sequences."""

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


def adding_problem(length: int, examples: int, *, seed) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of numbers, two of them marked, and the sum of the two: inputs (T, B, 2) and targets (B,), float64.

    Column 0 of the inputs holds numbers drawn evenly from [0, 1]; column 1 a mark, 1 at one step of the first half and
    at one of the second half, 0 elsewhere. Who always answers the mean, 1, has a mean squared error of 1/6: the variance
    of the sum of two such numbers. seed: an integer from 0, or a NumPy generator, which goes on from where it is.
    ValueError for a length below 2 or fewer than one example. Source: Hochreiter and Schmidhuber 1997, section 5.4; the
    form with one mark in each half is that of Arjovsky, Shah and Bengio 2016.

    >>> inputs, targets = adding_problem(10, 5000, seed=0)
    >>> inputs.shape, targets.shape, round(float(6 * targets.var()), 2)
    ((10, 5000, 2), (5000,), 1.0)
    """
    _whole(length=(length, 2), examples=(examples, 1))
    rng = _generator(seed)
    numbers, marks = rng.uniform(size=(length, examples)), np.zeros((length, examples))
    half = length // 2
    for low, high in ((0, half), (half, length)):
        marks[rng.integers(low, high, size=examples), np.arange(examples)] = 1.0
    return np.stack([numbers, marks], axis=-1), (numbers * marks).sum(axis=0)


def keyword_problem(
    length: int, examples: int, *, seed, rate: float = 0.0, keywords: int = 3, fillers: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of symbols, most of which mean nothing: which keyword came last? Inputs (T, B, K + F) and targets (B,).

    Each symbol is a 1 in its own column, float64: keywords in the first K columns, fillers in the others. The first
    symbol is a keyword; every later one is a keyword with probability `rate`, else a filler. Which one, is drawn evenly.
    targets: the column of the last keyword, int. With rate 0 there is one keyword, T - 1 steps before the answer: the
    latching problem of Bengio et al. 1994. Who guesses has a cross-entropy of ln K.
    seed: an integer from 0, or a NumPy generator, which goes on from where it is. ValueError for a length, a number of
    examples, of keywords or of fillers below 1, or a rate outside [0, 1].

    >>> inputs, targets = keyword_problem(5, 2, seed=0)
    >>> inputs.shape, inputs.argmax(-1).T.tolist(), targets.tolist()
    ((5, 2, 6), [[0, 3, 3, 3, 4], [2, 5, 4, 3, 4]], [0, 2])
    """
    _whole(length=(length, 1), examples=(examples, 1), keywords=(keywords, 1), fillers=(fillers, 1))
    if not 0 <= rate <= 1:
        raise ValueError(f"rate is {rate!r}; it may be a number from 0 to 1")
    rng, shape = _generator(seed), (length, examples)
    is_keyword = rng.random(shape) < rate
    is_keyword[0] = True
    symbols = np.where(is_keyword, rng.integers(keywords, size=shape), keywords + rng.integers(fillers, size=shape))
    last = length - 1 - is_keyword[::-1].argmax(axis=0)
    return np.eye(keywords + fillers)[symbols], symbols[last, np.arange(examples)]


def _whole(**given):
    """ValueError unless every number is whole and not below the least one: name=(number, least)."""
    for name, (value, least) in given.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{name} is {value!r}; it may be an integer from {least}")


def _generator(seed) -> np.random.Generator:
    """The generator of a seed, or the one given; ValueError for anything else."""
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed is {seed!r}; it may be an integer from 0 or a NumPy generator")
    return np.random.default_rng(seed)
