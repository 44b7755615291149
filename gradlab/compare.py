"""Measured beside theory, as a text table that refuses to print when the two part."""

import numpy as np


class Disagreement(AssertionError):
    """Measurement and theory differ by more than the tolerance. `table` holds the whole table as text."""

    def __init__(self, message: str, table: str):
        super().__init__(f"{message}\n\n{table}")
        self.table = table


def table(
    measured,
    theory,
    *,
    tolerance: float,
    rows=None,
    label: str = "layer",
    low=None,
    high=None,
    decades: bool = False,
    digits: int = 3,
) -> str:
    """One row a value: measured, theory and how far they are apart; raises `Disagreement` past the tolerance.

    measured, theory: same shape (N,), or two numbers. The last column is measured / theory, and the tolerance is the
    largest allowed |measured / theory - 1|; 0 / 0 counts as equal. With `decades=True` both are log10 of the quantity,
    the last column is their difference and the tolerance is in decades. `rows` (N,) names the rows (default 1..N) under
    the heading `label`; `low` and `high` (N,), given together, add the edges of a band; `digits` are the significant
    ones.
    Not finite on either side is a disagreement. ValueError for shapes that do not match, no rows, or a bad tolerance.

    >>> print(table([0.26, 0.0624], [0.25, 0.0625], tolerance=0.05, rows=["one", "two"], label="slopes"))
    slopes  measured  theory  measured/theory
       one     0.260   0.250            1.040
       two    0.0624  0.0625            0.998
    apart at most 4.0 %, allowed 5 %
    """
    measured, theory = _column("measured", measured), _column("theory", theory)
    if measured.shape != theory.shape:
        raise ValueError(f"theory has {theory.size} values and measured {measured.size}; they must be as many")
    if isinstance(tolerance, bool) or not np.isfinite(tolerance) or tolerance < 0:
        raise ValueError(f"tolerance is {tolerance!r}; it may be a finite number from 0")
    names = [str(name) for name in (range(1, measured.size + 1) if rows is None else rows)]
    if len(names) != measured.size:
        raise ValueError(f"rows has {len(names)} names; there are {measured.size} values")
    columns = {label: names, "measured": [_number(value, digits) for value in measured]}
    if (low is None) != (high is None):
        raise ValueError("low and high belong together: give both or neither")
    if low is not None:
        edges = [_column(name, value) for name, value in (("low", low), ("high", high))]
        if any(edge.shape != measured.shape for edge in edges):
            raise ValueError(f"low has {edges[0].size} and high {edges[1].size} values; there are {measured.size} rows")
        columns |= {
            name: [_number(value, digits) for value in edge] for name, edge in zip(("low", "high"), edges, strict=True)
        }
    columns["theory"] = [_number(value, digits) for value in theory]
    apart, shown = _distance(measured, theory, decades)
    columns["measured - theory" if decades else "measured/theory"] = [
        f"{value:+.3f}" if decades else f"{value:.3f}" for value in shown
    ]
    text = _lines(columns)
    worst = int(np.argmax(apart))
    if not apart[worst] <= tolerance:
        raise Disagreement(
            f"{label} {names[worst]}: {_size(apart[worst], decades)} apart, allowed "
            f"{_size(tolerance, decades, bare=True)}",
            text,
        )
    return f"{text}\napart at most {_size(apart[worst], decades)}, allowed {_size(tolerance, decades, bare=True)}"


def _column(name: str, values) -> np.ndarray:
    array = np.atleast_1d(np.asarray(values, dtype=float))
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} has the shape {np.shape(values)}; it may be a number or a list of at least one")
    return array


def _distance(measured, theory, decades):
    """How far apart (N,), infinite where either is not finite, and what the last column shows (N,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shown = measured - theory if decades else measured / theory
        if not decades:
            shown = np.where((measured == 0) & (theory == 0), 1.0, shown)
        apart = np.abs(shown if decades else shown - 1)
    return np.where(np.isfinite(measured) & np.isfinite(theory) & np.isfinite(apart), apart, np.inf), shown


def _number(value: float, digits: int) -> str:
    if not np.isfinite(value):
        return str(value)
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        places = digits - 1 - (int(np.floor(np.log10(abs(value)))) if value else 0)
        return f"{value:.{max(places, 0)}f}"
    return f"{value:.{digits - 1}e}"


def _size(value: float, decades: bool, bare: bool = False) -> str:
    if decades:
        return f"{value:.{'3g' if bare else '3f'}} decades"
    return f"{100 * value:.{'3g' if bare else '1f'}} %"


def _lines(columns: dict[str, list[str]]) -> str:
    widths = [max(len(cell) for cell in [head, *cells]) for head, cells in columns.items()]
    rows = [tuple(columns), *zip(*columns.values(), strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
