"""The torch loop measures what the backward pass by hand computes, and takes the steps that the optimizers promise."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from gradlab import training
from gradlab.backprop import Stack, backward, dense_stack, forward, sigmoid_cross_entropy_gradient
from gradlab.clipping import clip_by_global_norm
from gradlab.data import digits
from gradlab.training import depth, descend, log_epochs, train

IMAGES = digits(40, seed=0)
STARTS = {"sigmoid": "nielsen", "tanh": "xavier_normal", "relu": "kaiming_normal"}


def stacks(activation="sigmoid", count=3, widths=(64, 12, 7, 10), dtype=np.float64):
    names = (activation,) * (len(widths) - 2) + ("sigmoid",)
    return [dense_stack(widths, names, STARTS[activation], seed=seed, dtype=dtype) for seed in range(count)]


def by_hand(stack):
    states = forward(stack, IMAGES.images)
    return states, backward(stack, states, sigmoid_cross_entropy_gradient(states.post[-1], IMAGES.labels))


def descended(stack, steps, rate, decay=0.0):
    """The same training in NumPy, by hand."""
    for _ in range(steps):
        gradients = by_hand(stack)[1]
        weights = tuple(
            (1 - rate * decay) * w - rate * g for w, g in zip(stack.weights, gradients.weights, strict=True)
        )
        biases = tuple(b - rate * g for b, g in zip(stack.biases, gradients.biases, strict=True))
        stack = Stack(weights, biases, stack.activations)
    return stack


@pytest.mark.parametrize("activation", list(STARTS))
def test_speeds_equal_the_backward_pass_by_hand(activation):
    """To 1e-10 relative in float64: every network, every layer, at the start and after three steps."""
    nets = stacks(activation)
    run = train(nets, IMAGES.images, IMAGES.labels, epochs=(0, 3), learning_rate=0.1, weight_decay=0.05)
    assert run.epochs.tolist() == [0, 3] and run.bias_gradient.shape == (2, 3, 3) and run.complete
    for row, steps in enumerate((0, 3)):
        for s, net in enumerate(nets):
            now = descended(net, steps, 0.1, 0.05)
            states, gradients = by_hand(now)
            norms = [[np.linalg.norm(g) for g in part] for part in (gradients.biases, gradients.weights, gradients.pre)]
            size = [np.linalg.norm(w) for w in now.weights]
            np.testing.assert_allclose(run.bias_gradient[row, s], norms[0], rtol=1e-10)
            np.testing.assert_allclose(run.weight_gradient[row, s], norms[1], rtol=1e-10)
            np.testing.assert_allclose(run.image_gradient[row, s], np.array(norms[2]) * 40**0.5, rtol=1e-10)
            np.testing.assert_allclose(run.step_ratio[row, s], 0.1 * np.array(norms[1]) / size, rtol=1e-10)
            y_hat, y = states.post[-1], IMAGES.labels
            loss = -np.sum(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)) / 40
            np.testing.assert_allclose(run.loss[row, s], loss, rtol=1e-10)
            assert run.accuracy[row, s] == np.mean(y_hat.argmax(1) == IMAGES.values)


def test_networks_do_not_disturb_each_other():
    together = train(stacks(), IMAGES.images, IMAGES.labels, epochs=(0, 20), learning_rate=0.5)
    alone = train(stacks()[1:2], IMAGES.images, IMAGES.labels, epochs=(0, 20), learning_rate=0.5)
    np.testing.assert_allclose(together.weight_gradient[:, 1], alone.weight_gradient[:, 0], rtol=1e-9)


@pytest.mark.parametrize("optimizer", training.OPTIMIZERS)
def test_training_lowers_the_loss_and_measuring_does_not_change_it(optimizer):
    how = {"learning_rate": 0.1 if optimizer != "Adam" else 0.01, "optimizer": optimizer}
    often = train(stacks("tanh"), IMAGES.images, IMAGES.labels, epochs=range(61), **how)
    seldom = train(stacks("tanh"), IMAGES.images, IMAGES.labels, epochs=(0, 60), **how)
    assert (often.loss[-1] < 0.5 * often.loss[0]).all()
    np.testing.assert_allclose(often.loss[[0, -1]], seldom.loss, rtol=1e-9)


def test_the_first_step_of_adam_moves_every_weight_by_the_rate():
    """So its step ratio is the rate times the root of the number of weights over their norm, whatever the gradient."""
    nets = stacks(widths=(64, 12, 7, 10))
    run = train(nets, IMAGES.images, IMAGES.labels, epochs=(0,), learning_rate=1e-3, optimizer="Adam")
    for s, net in enumerate(nets):
        for layer in (1, 2):  # layer 1 reads pixels that are blank in every image: no gradient, no step
            promised = 1e-3 * net.weights[layer].size ** 0.5 / np.linalg.norm(net.weights[layer])
            assert run.step_ratio[0, s, layer] == pytest.approx(promised, rel=1e-3)


def test_precision_follows_the_stacks():
    run = train(stacks(dtype=np.float32), IMAGES.images, IMAGES.labels, epochs=(0,), learning_rate=0.1)
    exact = train(stacks(), IMAGES.images, IMAGES.labels, epochs=(0,), learning_rate=0.1)
    apart = np.abs(run.bias_gradient / exact.bias_gradient - 1).max()
    assert 0 < apart < 1e-4 and run.bias_gradient.dtype == np.float64


def test_an_interrupt_keeps_what_was_measured(monkeypatch):
    real = depth.pre_activations
    calls = []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(depth, "pre_activations", interrupted)
    run = train(stacks(), IMAGES.images, IMAGES.labels, epochs=range(50), learning_rate=0.1)
    assert not run.complete and run.epochs.tolist() == [0, 1, 2] and run.loss.shape == (3, 3)
    calls[:] = [1] * 3
    nothing = train(stacks(), IMAGES.images, IMAGES.labels, epochs=range(50), learning_rate=0.1)
    assert not nothing.complete and nothing.bias_gradient.shape == (0, 3, 3) and nothing.loss.shape == (0, 3)


def test_threads_are_given_back_and_nothing_is_printed(capsys):
    before = torch.get_num_threads()
    train(stacks(), IMAGES.images, IMAGES.labels, epochs=(0, 2), learning_rate=0.1)
    assert torch.get_num_threads() == before
    assert capsys.readouterr() == ("", "")


def test_the_bar_is_for_people(monkeypatch, capsys):
    monkeypatch.setenv("JPY_SESSION_NAME", "a person's notebook")
    train(stacks(), IMAGES.images, IMAGES.labels, epochs=(0, 2), learning_rate=0.1)
    said = capsys.readouterr()
    assert said.out == "" and "3/3" in said.err
    train(stacks(), IMAGES.images, IMAGES.labels, epochs=(0,), learning_rate=0.1, progress=False)
    assert capsys.readouterr().err == ""
    monkeypatch.delenv("JPY_SESSION_NAME")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    train(stacks(), IMAGES.images, IMAGES.labels, epochs=(0,), learning_rate=0.1)
    assert "1/1" in capsys.readouterr().err


def test_log_epochs():
    assert log_epochs(1) == (0, 1) and log_epochs(3) == (0, 1, 2, 3)
    for last, count in ((500, 20), (2000, 8), (10, 5)):
        marks = log_epochs(last, count)
        assert marks[0] == 0 and marks[-1] == last and len(marks) <= count and list(marks) == sorted(set(marks))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"optimizer": "adam"}, "optimizer is 'adam'.*did you mean 'Adam'"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"learning_rate": np.nan}, "learning_rate"),
        ({"weight_decay": -1}, "weight_decay"),
        ({"epochs": ()}, "epochs"),
        ({"epochs": (3, 1)}, "epochs"),
        ({"epochs": (-1, 2)}, r"epochs\[0\]"),
        ({"stacks": []}, "stacks is empty"),
        ({"stacks": [*stacks(count=1), *stacks("tanh", 1)]}, r"stacks\[1\]"),
        ({"stacks": [dense_stack([64, 10], "tanh", "xavier_normal", seed=0)]}, "last activation.*'tanh'"),
        ({"stacks": [dense_stack([64, 5, 10], ("gelu", "sigmoid"), "xavier_normal", seed=0)]}, "'gelu'"),
        ({"stacks": [replace(s, normalizations="batch") for s in stacks(count=1)]}, r"stacks\[0\] has normalized"),
        ({"images": IMAGES.images[:, :63]}, "images has the shape"),
        ({"images": np.full((40, 64), np.nan)}, "images"),
        ({"labels": IMAGES.labels[:39]}, "labels has 39 rows"),
    ],
)
def test_bad_input_is_named(changed, named):
    given = {"stacks": stacks(), "images": IMAGES.images, "labels": IMAGES.labels, "epochs": (0,), "learning_rate": 0.1}
    given |= changed
    with pytest.raises(ValueError, match=named):
        train(given.pop("stacks"), given.pop("images"), given.pop("labels"), **given)


@pytest.mark.parametrize(("last", "count"), [(0, 5), (10, 1), (2.5, 5), (True, 5)])
def test_bad_marks_are_named(last, count):
    with pytest.raises(ValueError, match=r"last|count"):
        log_epochs(last, count)


def test_the_gap_is_the_last_hidden_layer_over_the_first():
    run = train(stacks(), IMAGES.images, IMAGES.labels, epochs=(0, 3), learning_rate=0.1)
    assert run.row(0) == 0 and run.row(3) == 1
    np.testing.assert_array_equal(run.gap(), run.bias_gradient[:, :, 1] / run.bias_gradient[:, :, 0])
    np.testing.assert_array_equal(run.gap("step_ratio"), run.step_ratio[:, :, 1] / run.step_ratio[:, :, 0])
    with pytest.raises(ValueError, match=r"epoch is 2; it may be one of \[0, 3\]"):
        run.row(2)
    with pytest.raises(ValueError, match="measure is 'loss'; it may be one of image_gradient, bias_gradient"):
        run.gap("loss")


def regressions(activation="relu", count=3, layers=6, gain=1.0):
    names = (activation,) * (layers - 1) + ("linear",)
    widths = [64, *[9] * (layers - 1), 1]
    return [dense_stack(widths, names, "kaiming_normal", seed=seed, gain=gain) for seed in range(count)]


DIGIT = IMAGES.values[:, None].astype(float)


def test_descent_equals_the_backward_pass_by_hand():
    """To 1e-10 relative in float64, at the start and after two steps."""
    nets = regressions()
    run = descend(nets, IMAGES.images, DIGIT, learning_rate=0.01, steps=3)
    assert run.loss.shape == run.gradient.shape == run.sigma_w.shape == run.factor.shape == (3, 3)
    for s, net in enumerate(nets):
        for row in range(3):
            states = forward(net, IMAGES.images)
            error = states.post[-1] - DIGIT
            g = backward(net, states, error / 40)
            np.testing.assert_allclose(run.loss[row, s], np.sum(error**2) / 80, rtol=1e-10)
            everything = np.concatenate([part.ravel() for part in (*g.weights, *g.biases)])
            np.testing.assert_allclose(run.gradient[row, s], np.linalg.norm(everything), rtol=1e-10)
            ratio = np.linalg.norm(g.pre[0]) / np.linalg.norm(g.pre[4])
            np.testing.assert_allclose(run.factor[row, s], ratio ** (1 / 4), rtol=1e-10)
            sizes = [9 * np.mean(w**2) for w in net.weights[1:-1]]
            np.testing.assert_allclose(run.sigma_w[row, s], np.mean(sizes) ** 0.5, rtol=1e-10)
            weights = [w - 0.01 * d for w, d in zip(net.weights, g.weights, strict=True)]
            net = Stack(weights, [b - 0.01 * d for b, d in zip(net.biases, g.biases, strict=True)], net.activations)


def test_a_descent_goes_on_to_nan_and_disturbs_no_neighbour():
    nets = [*regressions("linear", 1), *regressions("linear", 1, gain=4.0)]
    run = descend(nets, IMAGES.images, DIGIT, learning_rate=0.01, steps=8)
    alone = descend(nets[:1], IMAGES.images, DIGIT, learning_rate=0.01, steps=8)
    assert np.isnan(run.loss[-1, 1]) and run.finite_steps[0] == 8 > run.finite_steps[1] >= 1
    assert np.isfinite(run.loss[: run.finite_steps[1], 1]).all()
    np.testing.assert_allclose(run.loss[:, 0], alone.loss[:, 0], rtol=1e-9)


def test_a_clipped_descent_shortens_each_network_by_its_own_norm():
    """One step of the longest is clipped, the others not; the record keeps the norms before."""
    nets = regressions()
    norms = descend(nets, IMAGES.images, DIGIT, learning_rate=0.01, steps=1).gradient[0]
    clip = np.sort(norms)[-2:].mean()
    run = descend(nets, IMAGES.images, DIGIT, learning_rate=0.01, steps=2, clip=clip)
    np.testing.assert_array_equal(run.gradient[0], norms)
    for s, net in enumerate(nets):
        states = forward(net, IMAGES.images)
        g = backward(net, states, (states.post[-1] - DIGIT) / 40)
        clipped, norm = clip_by_global_norm([*g.weights, *g.biases], clip)
        assert (norm > clip) == (s == norms.argmax())
        moved = [p - 0.01 * d for p, d in zip((*net.weights, *net.biases), clipped, strict=True)]
        net = Stack(moved[: net.depth], moved[net.depth :], net.activations)
        error = forward(net, IMAGES.images).post[-1] - DIGIT
        np.testing.assert_allclose(run.loss[1, s], np.sum(error**2) / 80, rtol=1e-10)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"learning_rate": -1}, "learning_rate is -1"),
        ({"steps": 0}, "steps is 0"),
        ({"clip": 0.0}, "clip is 0.0"),
        ({"stacks": []}, "stacks is empty"),
        ({"stacks": regressions(layers=3)}, "3 layers; at least 4"),
        ({"stacks": [*regressions(count=1), *regressions("tanh", 1)]}, r"stacks\[1\]"),
        ({"inputs": IMAGES.images[:, 1:]}, "inputs has the shape"),
        ({"targets": DIGIT[1:]}, "targets has 39 rows and inputs 40"),
    ],
)
def test_a_descent_names_bad_input(changed, named):
    given = {"stacks": regressions(), "inputs": IMAGES.images, "targets": DIGIT, "learning_rate": 0.01, "steps": 1}
    given |= changed
    with pytest.raises(ValueError, match=named):
        descend(given.pop("stacks"), given.pop("inputs"), given.pop("targets"), **given)
