"""The front page's explorer: its numbers are autograd's, its theory is near, its title is true."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from states import explorer, overflown, states

from gradlab.backprop import dense_stack
from gradlab.explorer.core import plain
from gradlab.widgets.gradients import ACTIVATIONS, BATCH, NETWORKS, WEIGHTS, WIDTH, _profiles, evaluate, sentence

TORCH = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "gelu": torch.nn.functional.gelu,
    "linear": lambda z: z,
}


@pytest.mark.parametrize("depth", [1, 7, 60])
@pytest.mark.parametrize(("activation", "initializer"), list(zip(ACTIVATIONS, WEIGHTS, strict=True)))
def test_one_network_against_autograd(depth, activation, initializer):
    """The same weights and inputs, back-propagated by torch: norms of dL/dz to 1e-9 of a decade."""
    seed = 3
    stack = dense_stack([WIDTH] * (depth + 1), activation, initializer, seed=seed)
    x, g = (torch.tensor(a) for a in np.random.default_rng((seed, 1)).normal(size=(2, BATCH, WIDTH)))
    pre = []
    for weight, bias in zip(stack.weights, stack.biases, strict=True):
        pre.append(x @ torch.tensor(weight).T + torch.tensor(bias))
        pre[-1].requires_grad_().retain_grad()
        x = TORCH[activation](pre[-1])
    (x * g).sum().backward()
    norms = np.array([np.log10(z.grad.norm().item()) for z in pre])
    ours = _profiles(depth, activation, initializer)[seed].relative_dz
    np.testing.assert_allclose(ours, norms - norms[-1], atol=1e-9)


def test_record_is_the_median_and_the_band_of_all_networks():
    record = evaluate(30, "tanh", "torch_default")
    relative = np.array([net.relative_dz for net in _profiles(30, "tanh", "torch_default")])
    assert relative.shape == (NETWORKS, 30) == (record.networks, record.depth)
    np.testing.assert_array_equal(record.measured, np.median(relative, axis=0))
    assert (record.low <= record.measured).all() and (record.measured <= record.high).all()
    assert record.measured[-1] == record.theory[-1] == 0


def test_theory_is_near_the_median():
    """Theory is for infinite width. At width 64 the log of a product of L factors drifts by a few per cent a layer at
    worst (tanh with N(0,1), GELU with He: both grow into saturation or out of it), by 3.5 % a layer elsewhere."""
    for values, record, _, _ in states("gradients"):
        hard = (values["activation"], values["initializer"]) in {
            ("tanh", "standard_normal"),
            ("gelu", "kaiming_normal"),
        }
        assert abs(record.measured - record.theory).max() <= (1.5 if hard else 0.8), values
        if record.depth >= 10:
            assert record.factor_measured == pytest.approx(record.factor_theory, rel=0.11 if hard else 0.035), values


def test_what_the_book_says_of_thirty_layers():
    def total(activation, initializer):
        return evaluate(30, activation, initializer).measured[0]

    assert round(total("sigmoid", "xavier_normal")) == -18
    assert total("sigmoid", "torch_default") == min(total(a, w) for a in ACTIVATIONS for w in WEIGHTS)
    assert round(total("relu", "standard_normal")) == 22
    assert abs(total("relu", "kaiming_normal")) < 0.5 and abs(total("linear", "orthogonal")) < 1e-9


def test_each_further_layer_costs_a_xavier_sigmoid_net_more():
    totals = [evaluate(depth).measured[0] for depth in range(1, 51)]
    assert totals[0] == 0 and all(later < earlier for earlier, later in pairwise(totals))


def test_the_title_is_true_of_the_first_state_and_its_pin():
    """From Xavier to N(0,1) at 30 sigmoid layers: sixteen whole powers of ten, measured and by theory."""
    assert "sixteen powers of ten" in explorer("gradients").title
    taught, changed = evaluate(30), evaluate(30, initializer="standard_normal")
    for name in ("measured", "theory"):
        assert 16 <= getattr(changed, name)[0] - getattr(taught, name)[0] < 17
    assert f"{changed.measured[0] - taught.measured[0]:.1f}" == "16.5"  # what the comparing clause says


def test_default_sentence_holds_the_claim():
    said = sentence(evaluate())
    assert said.verdict == "vanishing" and said.label == "sigmoid, Xavier"
    assert plain(said.whole) == (
        "Vanishing. With 30 sigmoid layers and Xavier weights, layer 1 receives 4.94 · 10^−19 of the gradient of layer "
        "30. Each layer keeps 0.234; theory says 0.235."
    )


@pytest.mark.parametrize(
    ("values", "verdict", "part"),
    [
        ({"depth": 1}, "level", "nothing is multiplied yet"),
        ({"depth": 2}, "vanishing", "With 2 sigmoid layers"),
        ({"activation": "relu", "initializer": "kaiming_normal"}, "level", "the same size"),
        ({"activation": "relu", "initializer": "standard_normal"}, "exploding", "Each layer multiplies it by"),
        ({"activation": "selu", "initializer": "lecun_normal"}, "level", "30 selu layers and lecun_normal weights"),
    ],
)
def test_verdicts(values, verdict, part):
    said = sentence(evaluate(**values))
    assert said.verdict == verdict and part in said.text


@pytest.mark.parametrize("depth", [0, -3, 2.5, True, "30", None, np.float64(3.0)])
def test_depth_must_be_a_whole_number(depth):
    with pytest.raises(ValueError, match=r"depth: got .*, expected a whole number from 1$"):
        evaluate(depth)


@pytest.mark.parametrize(
    ("argument", "value", "near"),
    [("activation", "sigmoyd", "sigmoid"), ("initializer", "xavier_norml", "xavier_normal")],
)
def test_unknown_names_bring_near_ones(argument, value, near):
    with pytest.raises(ValueError, match=rf"{argument}.*{value}.*{near}"):
        evaluate(**{argument: value})


def test_depth_beyond_the_grid():
    record = evaluate(80)
    assert record.depth == 80 == len(record.measured) == len(record.theory) and record.overflow_layer is None
    assert record.measured[0] == pytest.approx(record.theory[0], abs=0.8) and record.measured[0] < -45
    assert evaluate(np.int64(5)).depth == 5


def test_overflow_is_a_result():
    """The gradient of the layers that stay finite, and the layer where the signal leaves float64."""
    record = overflown()
    first = record.overflow_layer
    # theory: each layer multiplies the signal by sqrt(64); float64 ends at 10^308.25
    assert first == pytest.approx(308.25 / np.log10(np.sqrt(WIDTH)), rel=0.03)
    for values in (record.measured, record.theory, record.low, record.high):
        assert np.isfinite(values[: first - 1]).all() and np.isnan(values[first - 1 :]).all()
        assert values[first - 2] == 0
    np.testing.assert_allclose(
        record.measured[: first - 1], evaluate(first - 1, "linear", "standard_normal").measured, atol=1e-9
    )
    said = sentence(record)
    assert said.verdict == "broken" and said.log10_value is None
    assert plain(said.whole).startswith(
        f"Not a number. With 350 linear layers and N(0, 1) weights the signal passes every float at layer {first}: no "
    )
    assert f"Among the first {first - 1} layers alone" in said.text and "nan" not in said.text
