"""The picture of the steps that a gradient comes from: every term that is not 0 in its place."""

import numpy as np
import plotly.graph_objects as go
import pytest

from gradlab.explorer import poster
from gradlab.explorer.table import floats
from gradlab.plots.shares import shares
from gradlab.recurrent import gradient_terms, run, tanh_cell
from gradlab.style import PALETTE, colour


@pytest.fixture(scope="module")
def terms():
    inputs = np.random.default_rng(0).standard_normal((60, 1, 32))
    cells = {"small": tanh_cell(32, 32, seed=0), "large": tanh_cell(32, 32, seed=0, start="gaussian", gain=4)}
    return {name: gradient_terms(cell, run(cell, inputs), np.ones((1, 32))) for name, cell in cells.items()}


def test_every_term_stands_at_its_step(terms):
    drawn = shares(terms).to_plotly_json()
    assert len(drawn["data"]) == 2
    for trace, record in zip(drawn["data"], terms.values(), strict=True):
        assert floats(trace["x"]).tolist() == list(range(2, 61))  # the start is 0, so the term of step 1 is 0
        np.testing.assert_allclose(10 ** floats(trace["y"]), record.share[1:], rtol=1e-12)
        assert trace["line"]["color"] == colour("tanh")
    low, high = drawn["layout"]["yaxis"]["range"]
    assert low < min(floats(trace["y"]).min() for trace in drawn["data"]) and 0 < high


def test_title_and_text_equivalent_say_who_learns_from_what(terms):
    meta = shares(terms).layout.meta
    last = {name: record.share[-1] for name, record in terms.items()}
    assert last["small"] > 0.3 > 1e-2 > last["large"]
    assert "with small" in meta["title"] and meta["title"].endswith("with large")
    assert "small: " in meta["alt"] and "at step 2" in meta["alt"]
    assert shares({"one": terms["small"]}).layout.meta["title"].startswith("The last step’s share: 0.")


def test_it_is_a_figure_of_the_book(terms):
    drawn = shares(terms)
    go.Figure(drawn.to_plotly_json())
    light = {pair[0] for pair in PALETTE.values()}
    assert {trace["line"]["color"] for trace in drawn.to_plotly_json()["data"]} <= light
    assert "<svg" in poster.svg(drawn, alt="terms")
