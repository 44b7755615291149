"""Explorer [f]: products of random matrices, their singular values, and where number formats end."""

import math
from functools import lru_cache

import numpy as np

from gradlab import plots, theory
from gradlab.explorer import Explorer, Menu, Preset, Sentence, Slider, limits
from gradlab.products import random_factors, singular_values, where_numbers_end
from gradlab.records import OverflowRecord
from gradlab.style import power

PRODUCTS = 16  # independent products behind every band
SEARCHED = 200  # matrices in each of them

WIDTHS = {"gaussian": 64, "orthogonal": 64, "standard_normal": 4}
KINDS = {
    "gaussian": "Gaussian, 64 × 64",
    "orthogonal": "orthogonal, 64 × 64",
    "standard_normal": "N(0, 1), 4 × 4",
}
LAYERS = (1, 2, 5, 10, 20, 30, 50, 75, 100, 125, 150, 200)
GAINS = (0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2)
FORMATS = ("float16", "bfloat16", "float32", "float64")
#: lengths of the products whose singular values are drawn; those of the slider among them
DRAWN = tuple(sorted({*LAYERS, 3, 4, 6, 8, 15, 25, 40, 60, 90, 110, 140, 160, 175, 190}))


def _log10_range(dtype: str) -> tuple[float, float]:
    """log10 of the smallest positive and of the largest number."""
    if dtype == "bfloat16":  # the exponents of float32, and 7 binary digits
        return -133 * math.log10(2), 128 * math.log10(2) + math.log10(1 - 2**-8)
    info = np.finfo(dtype)
    return math.log10(info.smallest_subnormal), math.log10(info.max)


@lru_cache(maxsize=PRODUCTS)
def _factors(kind: str, seed: int) -> tuple[np.ndarray, ...]:
    return tuple(random_factors(kind, WIDTHS[kind], SEARCHED, seed=seed))


@lru_cache(maxsize=8)
def _singular_values(kind: str, lengths: tuple[int, ...]) -> np.ndarray:
    """log10 of the largest, median and smallest singular value at gain 1, (PRODUCTS, len(lengths), 3)."""
    found = []
    for seed in range(PRODUCTS):
        values = singular_values(_factors(kind, seed)[: lengths[-1]], lengths)
        found.append(np.stack([values[:, 0], np.median(values, axis=1), values[:, -1]], axis=1))
    return np.array(found)


@lru_cache(maxsize=64)
def _ends(kind: str, gain: float) -> np.ndarray:
    """Length of the first product that holds inf, nan and only 0, (3, formats, PRODUCTS); nan where none does."""
    found = np.full((3, len(FORMATS), PRODUCTS), np.nan)
    for seed in range(PRODUCTS):
        factors = [gain * factor for factor in _factors(kind, seed)]
        for row, dtype in enumerate(FORMATS):
            end = where_numbers_end(factors, dtype)
            found[:, row, seed] = [
                np.nan if at is None else at for at in (end.first_inf, end.first_nan, end.first_zero)
            ]
    return found


@lru_cache(maxsize=64)
def _predicted(kind: str, gain: float) -> np.ndarray:
    """Theory: where each format ends, in inf if the product grows and in zeros if it shrinks, (formats, 3)."""
    crossing = theory.overflow_layer if _exponents(kind, gain)[0] > 0 else theory.zero_layer
    found = (crossing(kind, WIDTHS[kind], dtype, gain=gain) for dtype in FORMATS)
    return np.array([(one.low, one.middle, one.high) for one in found])


def _exponents(kind: str, gain: float) -> np.ndarray:
    """Theory: what one more matrix adds to ln of each singular value in the long run, (n,), largest first."""
    n = WIDTHS[kind]
    if kind == "orthogonal":
        return np.full(n, math.log(gain))
    return theory.gaussian_exponents(n, gain**2 * (1 if kind == "standard_normal" else 1 / n))


def evaluate(kind: str, layers: int, gain: float, dtype: str) -> OverflowRecord:
    """Products of up to ``layers`` random matrices, multiplied exactly and in four number formats.

    kind: "gaussian" (64 x 64, entries N(0, 1/64)), "orthogonal" (64 x 64) or "standard_normal" (4 x 4, entries N(0, 1)).
    layers: 1 to 200. gain: 0.5 to 2, multiplies every matrix. dtype: the format to look at, one of ``FORMATS``.
    ValueError for anything else.

    The singular values are those of the exact products. A gain g multiplies those of ell matrices by g^ell, so one set
    of products serves every gain; the number formats round, and every gain is multiplied out in each of them.

    >>> record = evaluate(kind="orthogonal", layers=30, gain=2, dtype="float16")
    >>> record.log10_values[:, -1].round(2).tolist(), record.shown_end
    ([9.03, 9.03, 9.03], 18)
    """
    limits.whole(1, SEARCHED, layers=layers)
    limits.number(GAINS[0], GAINS[-1], gain=gain)
    limits.one_of(KINDS, kind=kind)
    limits.one_of(FORMATS, dtype=dtype)
    at = np.array([0, *_spread_out(int(layers))])
    values = np.stack([np.zeros((PRODUCTS, 3)), *(_at_length(kind, int(length)) for length in at[1:])], axis=1)
    values += at[:, None] * math.log10(gain)
    low, median, high = (quantile.T for quantile in np.quantile(values, (0.1, 0.5, 0.9), axis=0))
    exponents = _exponents(kind, gain)
    first_inf, first_nan, first_zero = _ends(kind, float(gain))
    return OverflowRecord(
        kind=kind,
        width=WIDTHS[kind],
        gain=gain,
        layers=int(layers),
        dtype=dtype,
        products=PRODUCTS,
        at=at,
        log10_values=median,
        log10_low=low,
        log10_high=high,
        log10_theory=np.array([exponents[0], np.median(exponents), exponents[-1]]) / math.log(10),
        formats=FORMATS,
        log10_range=np.array([_log10_range(name) for name in FORMATS]),
        searched=SEARCHED,
        first_inf=first_inf,
        first_nan=first_nan,
        first_zero=first_zero,
        grows=bool(exponents[0] > 0),
        predicted=_predicted(kind, float(gain)),
    )


def _spread_out(last: int) -> list[int]:
    """The lengths that are drawn up to ``last``: far enough apart to be seen apart, ``last`` among them."""
    kept = [last]
    for length in reversed(DRAWN):
        if last / 30 <= length <= kept[0] - last / 30:
            kept.insert(0, length)
    return kept


def _at_length(kind: str, length: int) -> np.ndarray:
    """log10 of the largest, median and smallest singular value of products of that length, (PRODUCTS, 3)."""
    if length in DRAWN:
        return _singular_values(kind, DRAWN)[:, DRAWN.index(length)]
    return _singular_values(kind, (length,))[:, 0]


def sentence(record: OverflowRecord) -> Sentence:
    """What the product does to the longest and the shortest direction, and where the format ends."""
    largest, _, smallest = (float(values[-1]) for values in record.log10_values)
    label = f"{KINDS[record.kind].split(',')[0]}, gain {record.gain:g}"
    if record.shown_end is not None and record.ends_in_inf[record.row]:
        verdict = "broken"
    elif largest > 1 and smallest < -1:
        verdict = "both"
    else:
        larger = max(largest, smallest, key=abs)
        verdict = "exploding" if larger > 0.5 else "vanishing" if larger < -0.5 else "level"
    return Sentence(verdict, f"{_directions(record, largest, smallest)} {_end(record)}", label, largest)


def _directions(record: OverflowRecord, largest: float, smallest: float) -> str:
    start = f"After {record.layers} layer{'s' * (record.layers > 1)} of gain {record.gain:g}"
    long, short = f"<b>{power(largest)}</b>", f"<b>{power(smallest)}</b>"
    if largest - smallest < 1e-6:
        return f"{start} every direction has length {long}: orthogonal matrices fold the fan into one line."
    first, second = (
        "has grown to" if value > 0.5 else "has shrunk to" if value < -0.5 else "has length"
        for value in (largest, smallest)
    )
    second = "to" if second == first and first != "has length" else second
    return f"{start} the longest direction {first} {long} and the shortest {second} {short}."


def _end(record: OverflowRecord) -> str:
    """Where the format ends: measured, and what theory says."""
    dtype, row = record.dtype, record.row
    end, nan, predicted = record.ends[1, row], record.nan[row], record.predicted[row, 1]
    if math.isinf(predicted):
        return f"Nothing grows or shrinks, so {dtype} should never end."
    said = math.ceil(predicted)
    if math.isinf(end):
        return _unseen(record, said)
    if not record.ends_in_inf[row]:
        return f"{dtype} holds only zeros from layer <b>{end:.0f}</b> on; theory, which does not round, says {said}."
    then = f" and is not a number from {nan:.0f} on" if math.isfinite(nan) else ""
    return f"{dtype} overflows at layer <b>{end:.0f}</b>{then}; theory says {said}."


def _unseen(record: OverflowRecord, said: int) -> str:
    """Where fewer than half of the products have ended: what theory says, and what was seen if it said too little."""
    dtype, searched = record.dtype, record.searched
    if record.grows:
        first = f"{dtype} should overflow at layer <b>{said:,}</b>"
        return f"{first}; most products still hold at layer {searched}." if said <= searched else f"{first}."
    first = f"From layer <b>{said:,}</b> on every entry should be too small for {dtype}"
    if said <= searched:
        return f"{first}, yet in most products rounding up keeps some alive past layer {searched}."
    return f"{first}."


def overflow() -> Explorer:
    """Largest, median and smallest singular value of a product of random matrices, and the ends of number formats."""
    return Explorer(
        name="overflow",
        title="The same product can explode and vanish",
        controls=(
            Menu("kind", "Matrices", KINDS, "gaussian"),
            Slider("layers", "Layers", LAYERS, 150),
            Slider("gain", "Gain", GAINS, 2),
            Menu("dtype", "Number format", {name: name for name in ("float32", *FORMATS[:2], "float64")}, "float32"),
        ),
        evaluate=evaluate,
        figure=plots.overflow,
        sentence=sentence,
        presets=(
            Preset("Both, then NaN"),
            Preset("Gain one fades", {"gain": 1, "layers": 100}),
            Preset("Orthogonal", {"gain": 1, "layers": 100, "kind": "orthogonal"}),
            Preset("4 × 4 of courses", {"gain": 1, "layers": 200, "kind": "standard_normal"}),
            Preset("Half precision", {"layers": 20, "dtype": "float16"}),
        ),
    )
