"""The window of one sigmoid link, its explorer [d], and the factor per layer by width that chapter 3 states."""

import math
import re

import numpy as np
import plotly.graph_objects as go
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit

from gradlab import theory
from gradlab.explorer import table
from gradlab.plots.window import by_width
from gradlab.records import WidthRecord
from gradlab.widgets.window import CENTRES, WEIGHTS, evaluate, window

STATES = [(w, c) for w in WEIGHTS for c in CENTRES]


def factor(weight, bias, inputs):
    """|w sigma'(w a + b)|, written apart from gradlab."""
    z = weight * inputs + bias
    return abs(weight) * expit(z) * expit(-z)


def nielsen(weight):
    """The width as Nielsen (2015), chapter 5, prints it."""
    return 2 / weight * math.log(weight * (1 + math.sqrt(1 - 4 / weight)) / 2 - 1)


# ------------------------------------------------------------------------------------------------------ theory


@pytest.mark.parametrize("weight", [4.0001, 4.5, 6.894, 20, 100, 200, 1e4])
def test_the_window_is_where_the_factor_is_one(weight):
    edge = brentq(lambda a: factor(weight, 0.0, a) - 1, 0.0, 20 / math.sqrt(weight), xtol=1e-14)
    found = theory.unstable_window(weight)
    assert found.high == pytest.approx(edge, rel=1e-8) and found.low == -found.high
    assert found.width == pytest.approx(nielsen(weight), rel=1e-8)
    assert theory.unstable_window(-weight) == found


@pytest.mark.parametrize("weight", [0, 1, -3.9, 4])
def test_no_window_up_to_a_weight_of_four(weight):
    assert theory.unstable_window(weight).width == 0
    assert factor(weight, -weight / 2, np.linspace(0, 1, 100_001)).max() <= 1


def test_the_widest_window():
    found = minimize_scalar(lambda w: -nielsen(w), bounds=(4, 200), method="bounded", options={"xatol": 1e-10})
    weight, width = theory.widest_window()
    assert weight == pytest.approx(found.x, abs=1e-6) and width == pytest.approx(-found.fun, abs=1e-12)
    assert (round(weight, 3), round(width, 4)) == (6.894, 0.4477)


def test_mean_field_border_of_n01_weights():
    """Where sqrt(n) times the rms slope is 1; 36 pi by the large-width form, which is 8 % off."""
    border = theory.critical_sigma_w("sigmoid", sigma_b2=1.0) ** 2
    assert border == pytest.approx(105.4, abs=0.05)
    assert border == pytest.approx(36 * math.pi, rel=0.08)


# -------------------------------------------------------------------------------------------------- the record


@pytest.mark.parametrize(("weight", "centre"), [(3.9, 0.5), (4, 0.3), (4.5, 0.5), (6.9, 0.0), (50, 0.95), (200, 1.0)])
def test_the_record_against_a_direct_count(weight, centre):
    record = evaluate(weight=weight, centre=centre)
    inputs = np.linspace(0, 1, 200_001)
    reached = inputs[factor(weight, record.bias, inputs) >= 1]
    assert record.bias == pytest.approx(-weight * centre)
    assert record.factors == pytest.approx(factor(weight, record.bias, record.inputs), rel=1e-9)
    assert record.inputs[0] == 0 and record.inputs[-1] == 1 and np.all(np.diff(record.inputs) > 0)
    assert record.counted == pytest.approx(record.share, abs=1 / 2000)
    if weight < 4:
        assert record.low is None and record.high is None and record.share == 0 and len(reached) == 0
    elif weight > 4:
        assert (record.low, record.high) == pytest.approx((reached[0], reached[-1]), abs=1e-5)


def test_the_family_is_the_same_computation():
    for centre in (0.0, 0.5, 0.85):
        record = evaluate(weight=6.9, centre=centre)
        for weight, width, counted in zip(
            record.family_weights, record.family_width, record.family_counted, strict=True
        ):
            one = evaluate(weight=weight, centre=centre)
            assert one.width == width and one.counted == counted


def test_no_weight_opens_it_by_more_than_the_title_says():
    records = [evaluate(weight=w, centre=c) for w, c in STATES]
    assert max(record.share for record in records) <= 0.4478
    assert "0.448" in window().title
    assert max(record.family_width.max() for record in records) < theory.widest_window()[1] + 1e-12


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"weight": 0.5, "centre": 0.5}, "weight: got 0.5, expected a number from 1 to 200"),
        ({"weight": 201, "centre": 0.5}, "weight: got 201"),
        ({"weight": math.nan, "centre": 0.5}, "weight: got nan"),
        ({"weight": 5, "centre": 1.5}, "centre: got 1.5, expected a number from 0 to 1"),
    ],
)
def test_bad_input_names_the_argument(state, message):
    with pytest.raises(ValueError, match=message):
        evaluate(**state)


# ------------------------------------------------------------------------------------------------ the explorer


def test_every_state_draws_and_says_something_sound():
    explorer = window()
    assert explorer.state_count == len(STATES) < 2500
    for state in explorer.states():
        record = explorer.evaluate(**state)
        figure, said = explorer.figure(record).to_plotly_json(), explorer.sentence(record)
        assert [len(table.array(trace["x"])) for trace in figure["data"]] == [
            2,
            len(record.inputs),
            *[len(WEIGHTS)] * 2,
            *[1] * 2,
        ]
        low, high = figure["layout"]["yaxis"]["range"]
        assert low <= record.factors.min() and record.factors.max() <= high and low <= 1 <= high
        assert 1 in figure["layout"]["yaxis"]["tickvals"]
        assert not re.search(r"nan\b|inf\b|undefined|None|\de[-+]?\d", said.whole), said.whole
        assert len(said.whole) < 200
        assert (said.verdict == "vanishing") == (record.low is None)


@pytest.mark.parametrize(
    ("state", "verdict", "parts"),
    [
        ({}, "reading", ["weight 6.9", "bias −3.45", "0.276 to 0.724", "44.8 %", "the most that any weight"]),
        ({"weight": 3.9}, "vanishing", ["0.975 at most", "A weight below 4 opens no window"]),
        ({"weight": 4}, "reading", ["at a single input, 0.500"]),
        ({"weight": 4.5}, "reading", ["0.346 to 0.654", "30.8 %", "The best weight, 6.89, gives 44.8 %"]),
        ({"weight": 100}, "reading", ["0.454 to 0.546", "9.17 %"]),
        ({"weight": 100, "centre": 0.0}, "reading", ["bias 0 ", "from 0 to 0.0458", "the whole window, 9.17 %"]),
    ],
)
def test_the_sentence(state, verdict, parts):
    explorer = window()
    said = explorer.sentence(explorer.evaluate(**explorer.state(**state)))
    assert said.verdict == verdict
    assert all(part in said.whole for part in parts), said.whole


def test_the_presets_tell_the_story():
    explorer = window()
    shares = [explorer.evaluate(**explorer.state(**preset.state)).share for preset in explorer.presets]
    assert shares == pytest.approx([0, 0.308, 0.4477, 0.0917, 0.0458], abs=1e-4)


def test_the_figure_is_valid_plotly_and_its_family_sets_the_weight():
    explorer = window()
    spec = explorer.figure(explorer.evaluate(**explorer.default)).to_plotly_json()
    go.Figure(spec)  # validates
    family = next(trace for trace in spec["data"] if trace["meta"].get("sets"))
    assert family["meta"]["sets"] == "weight" and family["meta"]["values"] == list(WEIGHTS)
    assert 10 ** table.array(family["x"]) == pytest.approx(WEIGHTS, rel=1e-5)


# ---------------------------------------------------------------------------------------------------- by width


def test_factor_by_width_figure():
    drawn = {100: np.log10([0.9, 1.0]), 1: np.log10([0.05, 0.1, 0.2])}
    record = WidthRecord.of("sigmoid", drawn, lambda n: np.log10(0.2 * n**0.25))
    assert record.networks == (3, 2) and record.widths.tolist() == [1, 100]
    assert 10**record.log10_factor == pytest.approx([0.1, 0.9**0.5])
    assert 10**record.log10_low == pytest.approx([0.05 * 2**0.2, 0.9 * (1 / 0.9) ** 0.1])
    assert 10**record.log10_theory_at_widths == pytest.approx([0.2, 0.2 * 10**0.5])
    assert record.log10_theory[[0, -1]] == pytest.approx(record.log10_theory_at_widths)
    spec = by_width(record).to_plotly_json()
    go.Figure(spec)
    meta = spec["layout"]["meta"]
    assert meta["title"] == "From 1 to 100 units a layer, the factor per layer goes from 0.100 to 0.949"
    assert "by theory from 0.200 to 0.632" in meta["alt"]
    assert len(spec["data"]) == 5
    low, high = spec["layout"]["yaxis2"]["range"]
    assert low < np.log10(0.1 / 0.2) and high == -low


@pytest.mark.parametrize("drawn", [{}, {3: []}, {3: [np.nan]}])
def test_widths_without_a_measurement_are_refused(drawn):
    with pytest.raises(ValueError, match="log10_factors"):
        WidthRecord.of("sigmoid", drawn, np.log10)


def test_mean_field_meets_networks_of_n01_weights_from_width_thirty_on():
    """Twenty layers, weights and biases N(0,1): geometric mean over networks within 10 % of theory.

    Theory is an rms at infinite width; a typical network lies exp(-(3/k - 1/n)/4) below, k the units that transmit.
    """
    from gradlab.backprop import Stack, profile

    rng = np.random.default_rng(0)
    for n, networks in ((30, 60), (100, 60)):
        found = []
        for _ in range(networks):
            weights = tuple(rng.standard_normal((20, n, n)))
            stack = Stack(weights, tuple(rng.standard_normal((20, n))), ("sigmoid",) * 20)
            found.append(profile(stack, *rng.standard_normal((2, 1, n))).relative_dz[0] / 19)
        assert np.mean(found) == pytest.approx(theory.gradient_profile(20, "sigmoid", n, 1.0)[0] / 19, abs=0.04)
