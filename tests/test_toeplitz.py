"""The picture of a convolution's matrix: every number in its cell, every copy in ink."""

import numpy as np
import plotly.graph_objects as go
import pytest

from gradlab.backprop import convolution_matrix
from gradlab.explorer import poster
from gradlab.explorer.table import floats
from gradlab.plots.toeplitz import cells, toeplitz
from gradlab.records import MatrixRecord
from gradlab.style import DIVERGING, PALETTE, colour

KERNEL = np.array([[1, -1, 3], [2, 4, 3.5], [-4, 1.5, 0.0]])


def record():
    def matrix(kernel):
        return convolution_matrix(kernel[None, None], 4, 5, padding=1)

    taps = matrix(np.arange(1.0, 10.0).reshape(3, 3))
    return MatrixRecord(KERNEL, (1, 2), matrix(KERNEL), taps == 6, (5, 5))


def places(trace):
    """Row and column, from 0, of the cells that a trace of the matrix draws."""
    assert np.all(floats(trace["y"]) == 1)
    return np.array([-floats(trace["base"]) - 1.5, floats(trace["x"]) - 1]).round(12).astype(int)


def test_every_number_stands_in_its_cell():
    one = record()
    plain, marked, *_ = toeplitz(one).to_plotly_json()["data"]
    drawn = np.zeros(one.matrix.shape, int)
    for value, trace in ((1, plain), (2, marked)):
        drawn[tuple(places(trace))] += value
    np.testing.assert_array_equal(drawn, np.where(one.copies, 2, (one.matrix != 0).astype(int)))
    assert one.copies.sum() == 4 * 4 and np.all(one.matrix[one.copies] == 3.5)
    assert marked["marker"]["color"] == colour("ink")


def test_tints_follow_the_numbers():
    plain, _ = cells(KERNEL, np.zeros((3, 3), bool))
    values = KERNEL[tuple(places(plain))]
    assert len(values) == 8, "0 is a blank cell"
    tint = [light for light, _ in DIVERGING]
    for value, paint in zip(values, plain["marker"]["color"], strict=True):
        assert (tint.index(paint) < 3) == (value < 0) and (tint.index(paint) in (1, 5)) == (abs(value) > 2)
    blank, none = cells(np.zeros((2, 2)), np.zeros((2, 2), bool))
    assert len(blank["x"]) == len(none["x"]) == 0


def test_plotly_and_the_poster_take_it():
    made = toeplitz(record())
    go.Figure(made.to_plotly_json())
    light = {pair[0] for pair in (*PALETTE.values(), *DIVERGING)}
    for trace in made.to_plotly_json()["data"]:
        paint = trace["marker"]["color"]
        assert {paint} if isinstance(paint, str) else set(paint) <= light
    assert made.layout.meta["title"].startswith("9 numbers fill") and made.layout.meta["title"].endswith("stands in 16")
    still = poster.svg(made, alt="a matrix")
    assert "nan" not in still and still.count("M") > np.count_nonzero(record().matrix)


def test_blocks():
    one = record()
    assert one.blocks == (4, 4)
    with pytest.raises(ValueError, match="matrix is"):
        MatrixRecord(KERNEL, (0, 0), one.matrix, one.copies[:-1], (5, 5))
    with pytest.raises(ValueError, match="block"):
        MatrixRecord(KERNEL, (0, 0), one.matrix, one.copies, (3, 5))
