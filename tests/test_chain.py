"""The chain of neurons: its product against autograd, backpropagation, nudges and known numbers."""

import math
import re

import numpy as np
import plotly.graph_objects as go
import pytest
import torch

from gradlab.backprop import bias_nudge, profile
from gradlab.explorer.core import plain
from gradlab.plots.chain import nudge_sizes
from gradlab.records import ChainRecord, NudgeSizes
from gradlab.widgets.chain import INPUT, chain, chain_stack, evaluate, sentence

STATES = [
    (4, 1, 0, "same"),
    (2, -100, -5, "same"),
    (20, 7, 0, "same"),
    (12, -4, 2, "aimed"),
    (7, 0.3, -2, "aimed"),
    (20, 100, 0, "aimed"),
]


def by_autograd(length, weight, bias, aim):
    """log10 |d a_ell / d b_1| of every neuron, by torch."""
    biases = [b.item() for b in chain_stack(length, weight, bias, aim).biases]
    first = torch.tensor(biases[0], dtype=torch.float64, requires_grad=True)
    a, gradients = torch.tensor(INPUT, dtype=torch.float64), []
    for b in [first, *biases[1:]]:
        # torch's own sigmoid loses the slope's digits where it saturates: this one keeps them
        z = weight * a + b
        a = torch.exp(-torch.nn.functional.softplus(-z))
        gradients.append(torch.autograd.grad(a, first, retain_graph=True)[0].item())
    return gradients


@pytest.mark.parametrize("state", [s for s in STATES if abs(s[1]) < 50])
def test_product_equals_autograd(state):
    record = evaluate(*state)
    np.testing.assert_allclose(record.log10_product, np.log10(np.abs(by_autograd(*state))), atol=1e-9)


@pytest.mark.parametrize("state", STATES)
def test_product_equals_the_backward_pass(state):
    record = evaluate(*state)
    backward = profile(chain_stack(*state), [[INPUT, 0.0]], [[1.0]]).log10_dz_norm
    assert backward[0] == pytest.approx(record.log10_product[-1], abs=1e-9)
    np.testing.assert_allclose(backward[:-1] - backward[1:], _links_from_below(record), atol=1e-9)


def _links_from_below(record):
    """dL/dz of neuron ell over that of ell + 1 is w times the slope of neuron ell."""
    return record.log10_weight + record.log10_slope[:-1]


@pytest.mark.parametrize("state", [s for s in STATES if abs(s[1]) < 50])
def test_measured_equals_a_nudge_of_the_first_bias(state):
    record, stack = evaluate(*state), chain_stack(*state)
    for depth in record.neurons[np.isfinite(record.log10_measured)]:
        nudge = 10 ** record.log10_nudge[depth - 1]
        by_nudge = bias_nudge(stack.cut(int(depth)), [[INPUT, 0.0]], 1, 0, nudge).item()
        assert math.log10(abs(by_nudge)) == pytest.approx(record.log10_measured[depth - 1], abs=1e-3)


def test_known_numbers():
    assert 10 ** evaluate(4, 1, 0, "same").log10_product[-1] == pytest.approx(0.002705, rel=1e-3)
    aimed, missed = evaluate(4, 100, 0, "aimed"), evaluate(4, 100, 5, "aimed")
    np.testing.assert_allclose(10**aimed.log10_link, 25, rtol=1e-12)
    assert 10 ** aimed.log10_product[-1] == pytest.approx(0.25 * 25**3, rel=1e-12)
    np.testing.assert_allclose(10**missed.log10_link, 100 / (4 * math.cosh(2.5) ** 2), rtol=1e-9)
    assert 10 ** (4 * missed.log10_link[0]) == pytest.approx(0.195, abs=5e-4)
    level = evaluate(12, 4, 0, "aimed")
    np.testing.assert_allclose(10**level.log10_product, 0.25, rtol=1e-12)


def test_one_more_neuron_is_one_more_link():
    short, long = evaluate(5, -10, 1, "same"), evaluate(6, -10, 1, "same")
    np.testing.assert_array_equal(short.log10_product, long.log10_product[:5])
    assert long.log10_product[5] == pytest.approx(short.log10_product[4] + long.log10_link[4], abs=1e-12)


def test_random_chains_lose_a_decade_a_neuron_and_none_explodes():
    for length, median in ((4, -3.6), (10, -9.6), (20, -19.7)):
        size = _random_chains(length)
        assert np.median(size) == pytest.approx(median, abs=0.15)
        assert size.max() < 0


def _random_chains(length, count=20_000):
    rng, a, size = np.random.default_rng(7), np.full(count, INPUT), np.zeros(count)
    for ell in range(length):
        w, b = rng.normal(size=(2, count))
        z = w * a + b
        a = 1 / (1 + np.exp(-z))
        size += np.log10(a * (1 - a)) + (np.log10(abs(w)) if ell else 0)
    return size


@pytest.fixture(scope="module")
def grid():
    explorer = chain()
    return explorer, [(state, explorer.evaluate(**state)) for state in explorer.states()]


def test_the_grid_is_small_enough_for_a_page(grid):
    assert grid[0].state_count < 3000


def test_every_ring_lies_on_its_product(grid):
    drawn = [(r.log10_measured - r.log10_product)[np.isfinite(r.log10_measured)] for _, r in grid[1]]
    assert np.abs(np.concatenate(drawn)).max() < 2e-4
    assert sum(map(len, drawn)) > 10_000


def test_every_state_says_what_it_shows(grid):
    for state, record in grid[1]:
        said = sentence(record)
        text = plain(said.whole)
        assert not re.search(r"nan|inf|undefined|\de-", text), (state, text)
        assert len(text) < 300, (state, text)
        assert said.log10_value == record.log10_product[-1]
        mean = record.log10_link.mean()
        assert (said.verdict == "level") == (abs(mean) < 0.02)
        if said.verdict != "level":
            assert said.verdict == ("exploding" if mean > 0 else "vanishing")


def test_every_figure_has_the_same_traces_inside_its_frame(grid):
    explorer, states = grid
    shapes = set()
    for state, record in states[::7]:
        figure = explorer.figure(record)
        layout = figure.layout.to_plotly_json()
        shapes.add((len(figure.data), len(layout["annotations"])))
        product, _, _, weights, slopes = (trace.y for trace in figure.data)
        for values, axis in ((product, "yaxis"), (weights, "yaxis2"), (slopes, "yaxis2")):
            low, high = layout[axis]["range"]
            assert len(values) and low <= values.min() and values.max() <= high, state
    assert len(shapes) == 1


def test_figures_are_valid_plotly(grid):
    explorer = grid[0]
    for record in (evaluate(), evaluate(20, 100, 0, "aimed"), evaluate(3, 0, 0, "same")):
        go.Figure(explorer.figure(record).to_plotly_json())
    sizes = np.arange(0, -14.0, -1)
    record = NudgeSizes(sizes, np.maximum(2 * sizes, -13 - sizes), 2 * sizes, -13 - sizes)
    go.Figure(nudge_sizes(record).to_plotly_json())


def test_a_weight_of_zero_cuts_the_chain():
    record = evaluate(5, 0, 0, "same")
    assert np.isneginf(record.log10_product[1:]).all() and np.isfinite(record.log10_product[0])
    assert sentence(record).verdict == "vanishing"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"length": 0}, "length: got 0, expected a whole number from 2 to 20"),
        ({"length": 21}, "length: got 21"),
        ({"length": 2.5}, "length: got 2.5"),
        ({"length": math.nan}, "length: got nan"),
        ({"length": True}, "length: got True"),
        ({"length": "four"}, "length: got 'four'"),
        ({"weight": math.nan}, "weight: got nan, expected a number from -100 to 100"),
        ({"weight": 101}, "weight: got 101"),
        ({"weight": "large"}, "weight: got 'large'"),
        ({"bias": math.inf}, "bias: got inf, expected a number from -10 to 10"),
        ({"aim": "aim"}, "aim: got 'aim', expected one of same, aimed; did you mean 'aimed'?"),
    ],
)
def test_bad_input_is_named(state, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        evaluate(**state)


def test_a_record_of_the_wrong_shape_is_named():
    two, three = np.zeros(2), np.zeros(3)
    with pytest.raises(ValueError, match=r"log10_slope has shape \(3,\); with length 2 it must be \(2,\)"):
        ChainRecord(2, 1.0, 0.0, "same", two, two, 0.0, three, two, two, two)
