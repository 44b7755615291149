"""Products of many square matrices: their singular values over any number of decades, and where a number format ends.

P_ell = A_ell ... A_1 is what a deep linear network does to its input; its transpose is what it does to a gradient. After
a hundred factors the singular values of P lie a hundred decades apart, and rounding has swallowed all but the largest.
They are therefore never taken from P. With A_ell Q_{ell-1} = Q_ell T_ell, a QR decomposition a factor, P_ell is an
orthogonal matrix times R_ell = T_ell ... T_1, and R is kept as diag(e^s) U: the size of each row, as a logarithm, apart
from the row itself, of norm 1.
"""

from collections.abc import Iterable, Iterator
from numbers import Integral

import numpy as np

from gradlab.initializers import initializer
from gradlab.records import NumbersEnd

KINDS = {"gaussian": "lecun_normal", "orthogonal": "orthogonal", "standard_normal": "standard_normal"}


def random_factors(
    kind: str, n: int, depth: int, *, seed: int, gain: float = 1.0, tied: bool = False
) -> Iterator[np.ndarray]:
    """`depth` random matrices (n, n), one after another; a longer product of one seed begins with the shorter.

    kind   "gaussian": entries N(0, gain^2/n); "orthogonal": gain times a uniform rotation or reflection;
           "standard_normal": gain times N(0, 1) entries
    tied   one matrix, `depth` times, as in a recurrent network

    Raises ValueError for another kind, n below 1, a negative depth, a gain that is not finite.

    >>> a, b = random_factors("orthogonal", 3, 2, seed=0, gain=2.0)
    >>> np.allclose(a @ a.T, 4 * np.eye(3)), np.array_equal(a, b)
    (True, False)
    """
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r}: it may be one of {', '.join(KINDS)}")
    if not isinstance(depth, Integral) or depth < 0:
        raise ValueError(f"depth = {depth!r}: a whole number of at least 0 is wanted")
    if seed is None:
        raise TypeError("seed = None: a whole number is wanted, so that the draw can be repeated")
    law, rng = initializer(KINDS[kind]), np.random.default_rng(seed)
    first = law.draw(n, n, rng, gain)
    return (first if tied or not ell else law.draw(n, n, rng, gain) for ell in range(depth))


def singular_values(matrices: Iterable[np.ndarray], layers=None) -> np.ndarray:
    """log10 of the singular values of A_1, A_2 A_1, A_3 A_2 A_1, ..., shape (L, n), largest first.

    matrices   A_1, ..., A_L, each (n, n) and finite
    layers     which of the L products are wanted, whole numbers from 1; (len(layers), n) then

    Each value is right to about 1e-12 of itself however many decades it lies below the largest, as long as the factors
    themselves are well conditioned: each brings an error of its condition number times 1e-16. A factor without an
    inverse leaves values that are rounding, or -inf.
    Raises ValueError for no matrix, another shape, entries that are not finite, a layer outside 1..L.

    >>> a = np.array([[1.0, 1.0], [0.0, 1e-3]])
    >>> (singular_values([a] * 200).sum(axis=1)[-1]).round(9)  # log10 |det|: 200 times -3
    np.float64(-600.0)
    """
    sizes, rows = _triangles(_square(matrices))
    if layers is not None:
        layers = np.asarray(layers)
        if (
            not np.issubdtype(layers.dtype, np.integer)
            or layers.ndim != 1
            or np.any((layers < 1) | (layers > len(rows)))
        ):
            raise ValueError(f"layers = {layers.tolist()}: whole numbers from 1 to {len(rows)} are wanted")
        sizes, rows = sizes[layers - 1], rows[layers - 1]
    for _ in range(2):  # R^T = Q S has the singular values of R, and S is nearly diagonal where R is steeply graded
        sizes, rows = _rescaled(np.linalg.qr(rows.mT, mode="r"), sizes)
    return _graded_singular_values(sizes, rows) / np.log(10)


def vector_growth(matrices: Iterable[np.ndarray], x) -> np.ndarray:
    """log10 of ||A_ell ... A_1 x|| / ||x|| for ell = 1..L, shape (L,): what the product does to one vector x, (n,).

    Never under- or overflows. Raises ValueError as `singular_values`, and for an x of another shape, not finite, or 0.

    >>> vector_growth([np.diag([10.0, 1.0])] * 400, [1.0, 0.0])[-1]
    np.float64(400.0)
    """
    matrices, x = _square(matrices), np.asarray(x, dtype=np.float64)
    if x.shape != matrices[0].shape[:1] or not np.isfinite(x).all() or not x.any():
        raise ValueError(f"x = {x}: {len(matrices[0])} finite numbers, not all 0, are wanted")
    sizes = np.full(len(matrices), -np.inf)
    x = x / np.linalg.norm(x)
    for ell, a in enumerate(matrices):
        x = a @ x
        size = np.linalg.norm(x)
        if not size:  # and nothing comes back from 0
            break
        sizes[ell] = np.log10(size)
        x /= size
    return np.cumsum(sizes)


def where_numbers_end(matrices: Iterable[np.ndarray], dtype="float32") -> NumbersEnd:
    """Multiplies A_ell ... A_1 in a number format and says at which factor it first holds inf, nan, and nothing but 0.

    dtype   "float16", "bfloat16", "float32" or "float64". The factors are rounded to it first. The two short formats
            add up in float32 and round each finished entry, as hardware does; the long ones add up in themselves.

    One inf makes a whole column of the next product inf. Two in one column, with opposite signs in a sum, make nan:
    inf - inf. So nan comes one or two factors after inf where the factors have many entries of both signs; it never
    comes where all entries are positive, nor for n = 1.
    Raises ValueError as `singular_values`, and for another dtype.

    >>> where_numbers_end(random_factors("standard_normal", 4, 200, seed=0))
    NumbersEnd(dtype='float32', depth=200, first_inf=164, first_nan=166, first_zero=None)
    """
    name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    if name not in _ROUND:
        raise ValueError(f"dtype = {dtype!r}: it may be one of {', '.join(_ROUND)}")
    matrices, rounded = _square(matrices), _ROUND[name]
    first = dict.fromkeys(("first_inf", "first_nan", "first_zero"))
    with np.errstate(all="ignore"):
        product = None
        for ell, a in enumerate(matrices, 1):
            a = rounded(a)
            product = a if product is None else rounded(a @ product)
            nan = np.isnan(product)
            seen = np.isinf(product).any(), nan.any(), not product.any()
            for key, now in zip(first, seen, strict=True):
                if now and first[key] is None:
                    first[key] = ell
            if nan.all() or seen[2]:  # nothing changes any more
                break
    return NumbersEnd(name, len(matrices), **first)


def _bfloat16(x):
    """float32 numbers of which the upper 16 bits are used: rounded to nearest, ties to even, and past the end to inf."""
    x = np.asarray(x, np.float32)
    bits = x.view(np.uint32)
    short = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    return np.where(np.isnan(x), x, short.view(np.float32))


# how a number format rounds; what comes back is held in the type that the format adds up in
_ROUND = {
    "float16": lambda x: np.asarray(x, np.float16).astype(np.float32),
    "bfloat16": _bfloat16,
    "float32": lambda x: np.asarray(x, np.float32),
    "float64": lambda x: np.asarray(x, np.float64),
}


def _square(matrices):
    """The matrices as a list of (n, n) float64 arrays."""
    matrices = [np.asarray(a, dtype=np.float64) for a in matrices]
    if not matrices:
        raise ValueError("matrices is empty; at least one is wanted")
    n = len(matrices[0]) if matrices[0].ndim else 0
    for i, a in enumerate(matrices):
        if a.shape != (n, n) or not n:
            raise ValueError(f"matrices[{i}] has shape {a.shape}; square ones of one size are wanted")
        if not np.isfinite(a).all():
            raise ValueError(f"matrices[{i}] holds {a[~np.isfinite(a)][0]}; finite numbers are wanted")
    return matrices


def _triangles(matrices):
    """R_ell of every product as (sizes, rows), (L, n) and (L, n, n): R = diag(e^sizes) rows, upper triangular."""
    depth, n = len(matrices), len(matrices[0])
    sizes, rows = np.empty((depth, n)), np.empty((depth, n, n))
    # a frame in general position: a product that grows along its last axis alone would be graded upside down
    frame = initializer("orthogonal").draw(n, n, np.random.default_rng(0))
    size, row = np.zeros(n), np.eye(n)
    for ell, a in enumerate(matrices):
        frame, t = np.linalg.qr(a @ frame)
        size, row = sizes[ell], rows[ell] = _rescaled(t, size, row)
    return sizes, rows


def _rescaled(triangle, sizes, rows=None):
    """triangle diag(e^sizes) rows, as sizes and rows again; for one upper triangle or many, nothing overflows."""
    with np.errstate(divide="ignore"):
        top = np.maximum.accumulate(sizes[..., ::-1], axis=-1)[..., ::-1]  # of the rows that each row adds up
        top = np.where(np.isfinite(top), top, 0.0)
        product = triangle * np.exp(np.minimum(sizes[..., None, :] - top[..., :, None], 0))
        if rows is not None:
            product = product @ rows
        norms = np.linalg.norm(product, axis=-1)
        return top + np.log(norms), product / np.where(norms > 0, norms, 1)[..., None]


_SPAN = 300.0  # nats above and below a middle that one decomposition takes in; LAPACK squares what it is given
_CORE = 240.0  # within these the singular values do not feel what lies outside


def _graded_singular_values(sizes, rows):
    """ln of the singular values, largest first, of diag(e^sizes) rows, (L, n), where the rows are nearly orthogonal.

    LAPACK finds the small ones of such a matrix as exactly as the large ones. Where they span more than a float64 does,
    it is asked again with another middle, and what lies far off is brought to the edge: a row that is e^60 times as
    large or as small as a singular value moves it by e^-120 of itself.
    """
    ordered = -np.sort(-sizes, axis=1)  # each close to its singular value
    found = np.full(sizes.shape, -np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):  # sizes of -inf are in no window
        window = np.floor((ordered[:, :1] - ordered) / (2 * _CORE))
        for w in range(int(window[np.isfinite(window)].max(initial=-1)) + 1):
            these = (window == w).any(axis=1)
            middle = ordered[these, :1] - (2 * w + 1) * _CORE
            centred = np.exp(np.clip(sizes[these] - middle, -_SPAN, _SPAN))
            values = middle + np.log(np.linalg.svd(centred[..., None] * rows[these], compute_uv=False))
            found[these] = np.where(window[these] == w, values, found[these])
    return found
