"""A convolution as a matrix of tinted cells, the copies of one number of its kernel picked out."""

import numpy as np
import plotly.graph_objects as go

from gradlab.records import MatrixRecord
from gradlab.style import DIVERGING, axis_note, colour, figure, note

#: from the lowest number to the highest, without the darkest two, beside which ink would not stand out
TINTS = tuple(light for light, _ in DIVERGING[1:3] + DIVERGING[4:6])
SIDE = 2.5  # a cell of the kernel, in cells of the matrix


def toeplitz(record: MatrixRecord) -> go.Figure:
    """The matrix, row and column 1 at the top left, its blocks parted by lines; beside it the kernel, enlarged.

    Numbers are tinted, negative ones blue and positive ones orange; the number pointed out is drawn in ink, and so are
    its copies. A blank cell is 0.
    """
    (rows, columns), (k_h, k_w) = record.matrix.shape, record.kernel.shape
    filled, copies = np.count_nonzero(record.matrix), np.count_nonzero(record.copies)
    title = f"{record.kernel.size} numbers fill {filled} of {record.matrix.size} cells; one of them stands in {copies}"
    alt = (
        f"A matrix of {rows} rows, one an output pixel, and {columns} columns, one an input pixel, in blocks of "
        f"{record.block[0]} by {record.block[1]}. Only blocks on or beside the diagonal hold numbers, and within each of "
        f"them the same number runs along each diagonal. Beside it stands the kernel, {k_h} by {k_w}. One of its numbers "
        f"is drawn in ink, and so are its {copies} copies in the matrix."
    )
    left = columns + 3.5  # of the kernel
    marked = np.zeros((k_h, k_w), bool)
    marked[record.entry] = True
    traces = [
        *cells(record.matrix, record.copies, meta={"role": "measured"}),
        *cells(record.kernel, marked, left=left, top=-SIDE, side=SIDE),
    ]
    layout = {
        "height": 440,
        "xaxis": {
            "range": [0, left + k_w * SIDE + 2], "tickvals": [1, *_ends(record, 1)],
            "title": {"text": "input pixel, the image line by line →"},
        },
        "yaxis": {
            "range": [-rows - 1, 0], "tickvals": [-1, *(-end for end in _ends(record, 0))],
            "ticktext": [str(tick) for tick in (1, *_ends(record, 0))], "showgrid": False,
        },
        "shapes": _lines(record),
        "annotations": [
            axis_note("↓ output pixel"),
            note("kernel", x=left, y=-SIDE, xref="x", yref="y", xanchor="left", yanchor="bottom"),
        ],
    }  # fmt: skip
    return figure(traces, layout, title=title, alt=alt)


def cells(numbers, marked, *, left: float = 0.5, top: float = -0.5, side: float = 1.0, **more) -> list[dict]:
    """Two traces, one bar a cell: the numbers other than 0 by their tint, and in ink those that are marked.

    numbers, marked   (R, C); the upper left corner of cell (0, 0) is at x = left, y = top, and rows go down.
    """
    numbers = np.asarray(numbers, dtype=float)
    largest = np.abs(numbers).max() or 1.0
    plain = (numbers != 0) & ~marked
    tint = np.where(numbers < 0, 1, 2) + np.where(np.abs(numbers) > largest / 2, np.sign(numbers), 0).astype(int)
    paints = [TINTS[step] for step in tint[plain]], colour("ink")
    return [
        {
            "type": "bar", "x": left + (j + 0.5) * side, "y": np.full(len(i), side), "base": top - (i + 1) * side,
            "width": side, "offset": -side / 2, "marker": {"color": paint, "line": {"width": 0}},
        } | more
        for (i, j), paint in zip(map(np.nonzero, (plain, marked)), paints, strict=True)
    ]  # fmt: skip


def _ends(record: MatrixRecord, axis: int) -> list[int]:
    """The last row or column of every block."""
    step = record.block[axis]
    return list(range(step, record.matrix.shape[axis] + 1, step))


def _lines(record: MatrixRecord) -> list[dict]:
    """The frame of the matrix and the borders of its blocks."""
    (rows, columns), pen = record.matrix.shape, {"color": colour("theory"), "width": 1}
    across = [{"x0": 0.5, "x1": columns + 0.5, "y0": -y - 0.5, "y1": -y - 0.5} for y in (0, *_ends(record, 0))]
    down = [{"x0": x + 0.5, "x1": x + 0.5, "y0": -rows - 0.5, "y1": -0.5} for x in (0, *_ends(record, 1))]
    return [{"type": "line", "line": pen} | line for line in across + down]
