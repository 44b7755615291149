"""Explorer [e]: its numbers are autograd's and a direct count's, theory is near, and every state is sound."""

import re

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from states import states

from gradlab import theory
from gradlab.activations import activation as activation_named
from gradlab.explorer.core import plain
from gradlab.explorer.table import floats
from gradlab.plots.activation_zoo import FRAMES, _drawn
from gradlab.plots.activation_zoo import activation_zoo as draw
from gradlab.records import ZooRecord
from gradlab.widgets.activation_zoo import (
    ACTIVATIONS,
    BATCH,
    DEPTHS,
    EDGE,
    EXAMPLES,
    GAINS,
    NETWORKS,
    WIDTH,
    _draws,
    activation_zoo,
    evaluate,
    sentence,
)

HE, TORCH_GAIN = 2**0.5, 3**-0.5
STATE = {"activation": "relu", "gain": HE, "biases": "zero", "depth": 50}
TORCH = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": lambda z: torch.nn.functional.leaky_relu(z, 0.01),
    "elu": torch.nn.functional.elu,
    "selu": torch.selu,
    "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu,
    "softplus": torch.nn.functional.softplus,
}


def networks(activation, gain, biases, depth, examples):
    """The pre-activations of every net, (NETWORKS, depth, examples, WIDTH), by torch, with the graph behind them."""
    for seed in range(NETWORKS):
        weights, drawn, inputs, output_gradient = _draws(seed)
        h, pre = torch.tensor(inputs[:examples]), []
        for ell in range(depth):
            z = h @ torch.tensor(gain * weights[ell]).T + (torch.tensor(drawn[ell]) if biases == "torch" else 0)
            z.requires_grad_()
            z.retain_grad()
            pre.append(z)
            h = TORCH[activation](z)
        yield pre, h, torch.tensor(output_gradient)


# -------------------------------------------------------------------------------------------------- the record


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_against_torch(activation):
    state = {"activation": activation, "gain": 1.25, "biases": "torch", "depth": 10}
    record = evaluate(**state)
    relative, counts, quantiles, rms = [], 0, [], []
    for pre, h, output_gradient in networks(**state, examples=EXAMPLES):
        (h[:BATCH] * output_gradient).sum().backward()
        norms = np.array([np.log10(z.grad[:BATCH].norm().item()) for z in pre])
        relative.append(norms - norms[-1])
        z = torch.stack(pre).detach().numpy()
        quantiles.append(np.quantile(z.reshape(10, -1), (0.05, 0.25, 0.5, 0.75, 0.95), axis=1).T)
        rms.append(np.log10((z**2).mean(axis=(1, 2)) ** 0.5))
        edges = [-np.inf, *np.arange(-EDGE, EDGE + 0.25, 0.5), np.inf]
        counts = counts + np.histogram(z[-1, : 2 * BATCH], edges)[0]
    assert record.gradient == pytest.approx(np.median(relative, axis=0), abs=1e-9)
    assert record.gradient_band == pytest.approx(np.array([np.min(relative, 0), np.max(relative, 0)]), abs=1e-9)
    assert record.z_quantiles == pytest.approx(np.median(quantiles, axis=0), abs=1e-9)
    assert record.log10_z_rms == pytest.approx(np.median(rms, axis=0), abs=1e-9)
    assert record.shares == pytest.approx(counts / counts.sum(), abs=1e-12) and len(record.bins) == len(counts)


def test_dead_and_saturated_against_a_count():
    for activation, gain, depth in (("relu", HE, 20), ("tanh", 3.0, 5), ("gelu", 2.0, 30)):
        state = {"activation": activation, "gain": gain, "biases": "zero", "depth": depth}
        phi, flat, dead = activation_named(activation), [], []
        for pre, _, _ in networks(**state, examples=EXAMPLES):
            slope = abs(phi.slope(pre[-1].detach().numpy())) / phi.slope_supremum
            flat.append((slope < 1 / 20).mean())
            dead.append((slope < 1 / 1000).all(axis=0).mean())
        record = evaluate(**state)
        assert (record.saturated, record.dead) == pytest.approx((np.mean(flat), np.mean(dead)), abs=1e-12)


def test_a_shallow_network_is_the_beginning_of_a_deep_one():
    deep, shallow = evaluate(**STATE), evaluate(**STATE | {"depth": 7})
    for name in ("z_quantiles", "log10_z_rms", "cosine", "cosine_theory"):
        np.testing.assert_array_equal(getattr(deep, name)[:7], getattr(shallow, name))
    assert shallow.gradient[-1] == shallow.gradient_theory[-1] == deep.gradient[-1] == 0


def test_medians_lie_in_their_bands_and_rows_sum_to_one():
    for _, record, _, _ in states("activation_zoo"):
        for line in ("gradient", "cosine"):
            low, high = getattr(record, f"{line}_band")
            assert (low <= getattr(record, line)).all() and (getattr(record, line) <= high).all()
        assert record.shares.sum() == pytest.approx(1) and (np.diff(record.z_quantiles, axis=1) >= 0).all()
        assert 0 <= record.dead <= record.saturated <= 1 and np.isfinite(record.cosine).all()
        assert record.slope.max() <= record.slope_supremum + 1e-12


def test_theory_is_near():
    """The factor a layer to 5 %, from ten layers on; the cosine to 0.2 where the signal keeps a size.

    Where it shrinks to nothing every activation but the rectifiers becomes a straight line, theory says that cosines
    stay, and narrow layers let them drift. GELU at sqrt(2) just does so: narrow nets are late by some layers.
    """
    for values, record, _, _ in states("activation_zoo"):
        if record.depth >= 10:
            late = values["activation"] == "gelu" and values["gain"] == HE
            assert record.factor_measured == pytest.approx(record.factor_theory, rel=0.1 if late else 0.05), values
        if record.log10_z_rms[-1] > -0.5:
            assert record.cosine[-1] == pytest.approx(record.cosine_theory[-1], abs=0.2), values


def test_the_steep_part():
    assert evaluate(**STATE).steep == pytest.approx((0, np.inf), abs=2e-3)
    assert evaluate(**STATE | {"activation": "leaky_relu"}).steep == pytest.approx((0, np.inf), abs=2e-3)
    low, high = evaluate(**STATE | {"activation": "tanh"}).steep
    assert low == -high and 1 - np.tanh(high) ** 2 == pytest.approx(0.05, rel=1e-2)
    assert evaluate(**STATE | {"activation": "linear"}).steep == (-np.inf, np.inf)


def test_the_part_in_use():
    record = evaluate(**STATE | {"activation": "tanh"})
    used = record.z[record.used]
    assert used[[0, -1]] == pytest.approx(record.z_quantiles[-1, [0, -1]], abs=0.125)
    needle = evaluate(**STATE | {"activation": "tanh", "gain": 0.75})
    assert needle.z[needle.used].tolist() == [0.0]
    spread = evaluate(**STATE | {"activation": "selu", "gain": 3, "depth": 100})  # z reaches 10^35
    assert spread.z[spread.used].tolist() == spread.z.tolist() and spread.shares[[0, -1]].sum() > 0.99


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"activation": "relo"}, "activation = 'relo': did you mean 'relu'"),
        ({"gain": 0.1}, "gain: got 0.1, expected a number from 0.5 to 3"),
        ({"gain": np.nan}, "gain: got nan"),
        ({"biases": "one"}, "biases: got 'one', expected one of zero, torch"),
        ({"depth": 1}, "depth: got 1, expected a whole number from 2 to 100"),
        ({"depth": 101}, "depth: got 101"),
        ({"depth": 2.5}, "depth: got 2.5"),
        ({"depth": True}, "depth: got True"),
    ],
)
def test_bad_input_names_the_argument(state, message):
    with pytest.raises(ValueError, match=message):
        evaluate(**STATE | state)


def test_the_record_refuses_other_shapes():
    record = evaluate(**STATE | {"depth": 5})
    fields = {name: getattr(record, name) for name in ZooRecord.__dataclass_fields__}
    with pytest.raises(ValueError, match=r"cosine_band has shape \(2, 4\); with depth 5 it must be \(2, 5\)"):
        ZooRecord(**fields | {"cosine_band": record.cosine_band[:, :4]})


# ----------------------------------------------------------------------------------------------- what it claims


def test_a_perfect_norm_hides_a_lost_difference():
    """The default: the gradient stays within a factor of two at every depth, and the cosine climbs to 1."""
    assert "perfect norm" in activation_zoo().title
    for depth in DEPTHS:
        assert abs(evaluate(**STATE | {"depth": depth}).gradient[0]) < np.log10(2)
    record = evaluate(**STATE)
    assert record.cosine[-1] == pytest.approx(record.cosine_theory[-1], abs=0.01) and record.cosine[-1] > 0.98
    assert record.cosine_theory[[0, 19, 49]].round(3).tolist() == [0.318, 0.948, 0.988]
    assert record.dead == pytest.approx(theory.dead_profile(50, "relu", 2.0, examples=EXAMPLES)[-1], abs=0.05)


def test_the_presets_do_what_they_are_called():
    one = activation_zoo()
    quarter, edge, lost, above, dead = (one.evaluate(**one.state(**preset.state)) for preset in one.presets)
    assert quarter.slope_supremum == 0.25 and quarter.gradient[0] < -25
    # tanh at gain 1: variance 1/(2 ell), and a gradient that falls slowly
    assert edge.log10_z_rms[-1] == pytest.approx(-0.5 * np.log10(2 * 50), abs=0.1) and -1.2 < edge.gradient[0] < -0.3
    assert lost.cosine[-1] > 0.98 and abs(lost.gradient[0]) < 0.3
    assert above.slope_supremum > 1.75 and above.factor_measured > 1.02
    assert 0.4 < dead.dead < 0.6 and dead.depth == 10


def test_lines_become_slopes_at_the_origin_where_the_signal_dies():
    """Small z: each layer multiplies by gain times phi'(0), and cosines keep their value."""
    record = evaluate("elu", TORCH_GAIN, "zero", 100)
    assert record.log10_z_rms[-1] < -20
    assert record.factor_measured == pytest.approx(TORCH_GAIN, rel=0.03)


# ------------------------------------------------------------------------------------------------ the explorer


def test_every_state_says_something_sound():
    for values, record, _, said in states("activation_zoo"):
        text, total = plain(said.whole), record.gradient[0]
        assert (said.verdict == "vanishing") == (total < -np.log10(2))
        assert (said.verdict == "exploding") == (total > np.log10(2))
        assert ("Yet" in text) == (said.verdict == "level" and record.cosine[-1] >= 0.9), values
        assert f"Through {record.depth} {ACTIVATIONS[record.activation]} layers" in text
        assert ("PyTorch’s biases" in text) == (record.biases == "torch")
        assert not re.search(r"nan\b|inf\b|None|not a number", text) and len(text) <= 285, values
        assert f"gain {GAINS[record.gain].split(',')[0]}" in text and said.log10_value == total


def test_the_default_sentence_holds_the_claim():
    said = sentence(evaluate(**STATE))
    assert said.verdict == "level" and said.label == "ReLU, √2"
    assert re.search(
        r"Level\. Through 50 ReLU layers of gain √2 the gradient keeps its size, times 0\.99\d a layer; theory says "
        r"1\.00\. Yet two orthogonal inputs end with cosine 0\.99\d: nearly the same signal\. In the last layer 41 % of "
        r"the units are dead\.",
        plain(said.whole),
    )


def test_the_figure_draws_the_record():
    for state in (STATE, STATE | {"activation": "tanh", "depth": 100}, STATE | {"activation": "selu", "depth": 3}):
        record = evaluate(**state)
        spec = draw(record).to_plotly_json()
        go.Figure(spec)  # validates
        at = _drawn(record.depth)
        assert at[0] == 0 and at[-1] == record.depth - 1 and len(at) == min(record.depth, 14)
        theory_, band, line, cosine_theory, cosine_band, cosine, shares, _, used, wide, narrow = spec["data"]
        for trace, values in ((theory_, record.gradient_theory), (line, record.gradient), (cosine, record.cosine),
                              (cosine_theory, record.cosine_theory)):  # fmt: skip
            np.testing.assert_array_equal(floats(trace["x"]), record.layers[at])
            np.testing.assert_array_equal(floats(trace["y"]), values[at])
        quantiles = np.arcsinh(record.z_quantiles[at])
        for trace, low, high in ((band, *record.gradient_band[:, at]), (cosine_band, *record.cosine_band[:, at]),
                                 (wide, *quantiles.T[[0, 4]]), (narrow, *quantiles.T[[1, 3]])):  # fmt: skip
            assert floats(trace["y"]) == pytest.approx(np.concatenate([high, low[::-1]]), abs=1 / 512)
        assert floats(shares["y"]) / floats(shares["y"]).max() == pytest.approx(
            record.shares / record.shares.max(), abs=1 / 128
        )
        np.testing.assert_array_equal(floats(used["y"]), activation_named(record.activation).slope(floats(used["x"])))


def test_every_state_has_a_frame_that_fits():
    for values, record, spec, _ in states("activation_zoo"):
        layout = spec["layout"]
        assert layout["yaxis"]["tickvals"][-1] in FRAMES
        edge = np.arcsinh(record.z_quantiles[-1, -1])
        assert edge < 0.66 * layout["yaxis4"]["range"][1], values  # room for the number over it


def test_at_most_a_few_notes_stand_on_a_phone():
    for _, _, spec, _ in states("activation_zoo")[::100]:
        notes = [n["text"] for n in spec["layout"]["annotations"] if n.get("name") != "wide" and n["text"]]
        assert len(notes) <= 9 and max(len(re.sub(r"<[^>]*>", "", text)) for text in notes) <= 42


def test_inputs_are_of_one_size_for_theory():
    for seed in range(NETWORKS):
        _, drawn, inputs, output_gradient = _draws(seed)
        assert inputs.shape == (EXAMPLES, WIDTH) and output_gradient.shape == (BATCH, WIDTH)
        assert (inputs**2).mean() == pytest.approx(1, abs=0.1)
        assert np.var(drawn) == pytest.approx(1 / (3 * WIDTH), rel=0.05) and np.abs(drawn).max() <= WIDTH**-0.5
