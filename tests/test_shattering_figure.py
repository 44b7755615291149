"""The picture of gradients along a line: each network in its panel, at its own scale."""

import numpy as np
import plotly.graph_objects as go
import pytest

from gradlab.explorer import poster
from gradlab.explorer.table import floats
from gradlab.plots.shattering import shattering
from gradlab.records import LineGradients
from gradlab.style import colour

TITLE = "Two networks and a line"


def record(networks=2, points=64):
    gradients = np.random.default_rng(1).normal(size=(networks, points)) * 1e-9
    return LineGradients(tuple(f"network {k}" for k in range(networks)), np.linspace(-2, 2, points), gradients)


def test_the_scale_is_divided_out():
    one = record()
    np.testing.assert_allclose(np.mean(one.gradients**2, axis=1), 1)
    more = LineGradients(one.names, one.points, one.gradients * [[1e80], [7.0]])
    np.testing.assert_allclose(more.gradients, one.gradients)
    np.testing.assert_allclose(record(points=20_000).steps, np.sqrt(2), rtol=0.02)  # white noise
    slow = LineGradients(("slow",), one.points, np.cos(one.points)[None])
    assert slow.steps[0] < 0.1


@pytest.mark.parametrize("networks", [1, 2, 3, 4])
def test_each_network_has_its_panel(networks):
    one = record(networks)
    spec = shattering(one, "sigmoid", title=TITLE).to_plotly_json()
    for k, (trace, gradient) in enumerate(zip(spec["data"], one.gradients, strict=True)):
        np.testing.assert_array_equal(floats(trace["y"]), gradient)
        np.testing.assert_array_equal(floats(trace["x"]), one.points)
        assert trace["line"]["color"] == colour("sigmoid")
        axis = spec["layout"][f"yaxis{k + 1 if k else ''}"]
        assert axis["range"][0] < gradient.min() and gradient.max() < axis["range"][1]
        assert one.names[k] in spec["layout"]["annotations"][k]["text"]
    domains = [spec["layout"][f"yaxis{k + 1 if k else ''}"]["domain"] for k in range(networks)]
    edges = [edge for low, high in domains[::-1] for edge in (low, high)]
    assert edges == sorted(edges) and edges[0] == pytest.approx(0, abs=1e-12) and edges[-1] == 1


def test_plotly_and_the_poster_take_it():
    made = shattering(record(), title=TITLE)
    go.Figure(made.to_plotly_json())
    assert made.layout.meta["title"] == TITLE and "network 1: 1.4" in made.layout.meta["alt"]
    assert "nan" not in poster.svg(made, alt="gradients")


def test_what_is_refused():
    one = record()
    with pytest.raises(ValueError, match=r"gradients has shape \(2, 63\); .* \(2, 64\)"):
        LineGradients(one.names, one.points, one.gradients[:, 1:])
    with pytest.raises(ValueError, match="points has shape"):
        LineGradients(one.names, one.points[:, None], one.gradients)
    with pytest.raises(ValueError, match="0 everywhere"):
        LineGradients(one.names, one.points, 0 * one.gradients)
    with pytest.raises(ValueError, match="record has 5 networks; at most 4"):
        shattering(record(5), title=TITLE)
