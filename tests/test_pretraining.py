"""Greedy pretraining gives what it promises: the same codes as by hand, principal components, and nothing of the labels."""

import numpy as np
import pytest

from gradlab.backprop import Stack, backward, dense_stack, forward, sigmoid_cross_entropy_gradient
from gradlab.data import digits
from gradlab.records import FineTuning, Pretraining
from gradlab.training import fine_tune, pretrain, pretraining, train

IMAGES, OTHERS = digits(90, seed=0).split(60)
TASK = (IMAGES.images, IMAGES.labels, OTHERS.images, OTHERS.labels)


def stacks(activation="sigmoid", count=3, widths=(64, 12, 7, 10), dtype=np.float64, gain=1.0):
    names = (activation,) * (len(widths) - 2) + ("sigmoid",)
    return [dense_stack(widths, names, "xavier_normal", seed=seed, dtype=dtype, gain=gain) for seed in range(count)]


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "linear"])
def test_the_first_step_follows_the_gradient_by_hand(activation):
    """An autoencoder is a network of two layers that share their weights: Adam's first step has the gradient's signs."""
    (net,) = stacks(activation, count=1)
    found = pretrain([net], IMAGES.images, epochs=1, learning_rate=1e-3).stacks[0]
    w, x = net.weights[0], IMAGES.images
    coder = Stack((w, w.T), (net.biases[0], np.zeros(64)), (activation, activation))
    states = forward(coder, x)
    by_hand = backward(coder, states, 2 * (states.post[-1] - x) / len(x))
    gradient = by_hand.weights[0] + by_hand.weights[1].T
    seen = np.abs(gradient) > 1e-6
    np.testing.assert_allclose((found.weights[0] - w)[seen], -1e-3 * np.sign(gradient[seen]), rtol=0.02)
    np.testing.assert_array_equal(found.weights[2], net.weights[2])


def test_layers_are_learned_one_after_another():
    """So the first of two is what it is when it is the only one, and what is coded is the code below."""
    deep = pretrain(stacks(), IMAGES.images, epochs=40)
    shallow = pretrain([stack.cut(2) for stack in stacks()], IMAGES.images, epochs=40)
    assert deep.complete and deep.epochs == 40 and deep.unexplained.shape == (2, 3)
    for one, other in zip(deep.stacks, shallow.stacks, strict=True):
        np.testing.assert_array_equal(one.weights[0], other.weights[0])
    code = forward(deep.stacks[1], IMAGES.images).post[0]
    above = Stack(stacks()[1].weights[1:], stacks()[1].biases[1:], stacks()[1].activations[1:])
    again = pretrain([above], code, epochs=40)
    np.testing.assert_allclose(again.stacks[0].weights[0], deep.stacks[1].weights[1], rtol=1e-6)
    np.testing.assert_allclose(again.unexplained[0], deep.unexplained[1, 1], rtol=1e-6)


def test_networks_do_not_disturb_each_other():
    together, alone = (pretrain(some, IMAGES.images, epochs=30) for some in (stacks(), stacks()[1:2]))
    np.testing.assert_allclose(together.stacks[1].weights[1], alone.stacks[0].weights[1], rtol=1e-9)


def test_a_linear_layer_becomes_orthogonal_and_finds_the_principal_components():
    """All its singular values become 1, and it leaves unexplained what the best plane leaves."""
    nets = stacks("linear", widths=(64, 8, 6, 10), gain=0.5)
    run = pretrain(nets, IMAGES.images, epochs=1500, learning_rate=0.01)
    x = IMAGES.images - IMAGES.images.mean(axis=0)
    variances = np.linalg.svd(x, compute_uv=False) ** 2
    np.testing.assert_allclose(run.unexplained[0], variances[8:].sum() / variances.sum(), rtol=2e-2)
    np.testing.assert_allclose(run.unexplained[1], variances[6:8].sum() / variances[:8].sum(), rtol=2e-2)
    for net in run.stacks:
        for w in net.weights[:2]:
            np.testing.assert_allclose(np.linalg.svd(w, compute_uv=False), 1, atol=0.02)


def test_longer_pretraining_leaves_less_unexplained():
    short, long = (pretrain(stacks("tanh"), IMAGES.images, epochs=epochs).unexplained for epochs in (10, 200))
    assert (long < 0.7 * short).all() and (long > 0).all()


def test_precision_follows_the_stacks():
    run = pretrain(stacks(dtype=np.float32), IMAGES.images, epochs=5)
    assert run.stacks[0].dtype == np.float32 and run.unexplained.dtype == np.float64
    assert fine_tune(run.stacks, *TASK, epochs=(0, 1)).stacks[0].dtype == np.float32


def test_fine_tuning_is_the_training_of_the_other_chapters():
    """With the loss and the steps of `train` by Adam, to 1e-10; and the networks that come back have that loss."""
    run = fine_tune(stacks(), *TASK, epochs=(0, 3, 20), learning_rate=0.01)
    other = train(
        stacks(), IMAGES.images, IMAGES.labels, epochs=(0, 3, 20), learning_rate=0.01, optimizer="Adam", progress=False
    )
    np.testing.assert_allclose(run.loss, other.loss, rtol=1e-10)
    np.testing.assert_array_equal(run.accuracy, other.accuracy)
    assert run.complete and run.epochs.tolist() == [0, 3, 20]
    for s, net in enumerate(run.stacks):
        y_hat, y = forward(net, IMAGES.images).post[-1], IMAGES.labels
        assert -np.sum(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)) / 60 == pytest.approx(run.loss[-1, s])
        named = forward(net, OTHERS.images).post[-1].argmax(1)
        assert run.test_accuracy[-1, s] == np.mean(named == OTHERS.values)


def test_pretraining_brings_the_gradient_back():
    """Six sigmoid layers: from less than a hundredth to more than a tenth of what the last hidden layer gets."""
    nets = stacks(widths=(64, *[20] * 5, 10))
    coded = pretrain(nets, IMAGES.images, epochs=300).stacks
    ratios = []
    for net in (*nets, *coded):
        states = forward(net, IMAGES.images)
        pre = backward(net, states, sigmoid_cross_entropy_gradient(states.post[-1], IMAGES.labels)).pre
        ratios.append(np.linalg.norm(pre[0]) / np.linalg.norm(pre[4]))
    assert max(ratios[:3]) < 0.01 and min(ratios[3:]) > 0.1


def test_when_a_level_is_reached():
    one = FineTuning(
        np.array([0, 5, 10]), *[np.array([[0.1, 0.1], [0.9, 0.2], [0.8, 0.3]])] * 3, tuple(stacks(count=2)), True
    )
    assert one.reached(0.9).tolist() == [5, np.inf] and one.reached(0.3, "accuracy").tolist() == [5, 10]
    with pytest.raises(ValueError, match="measure is 'loss'; it may be one of test_accuracy, accuracy"):
        one.reached(0.5, "loss")


# ------------------------------------------------------------------------------------- interrupts, bars, bad input


def interrupted(monkeypatch, name, after):
    real, calls = getattr(pretraining, name), []

    def stops(*arguments):
        calls.append(1)
        if len(calls) > after:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(pretraining, name, stops)


def test_an_interrupt_keeps_the_layers_that_are_done(monkeypatch):
    whole = pretrain(stacks(), IMAGES.images, epochs=5)
    interrupted(monkeypatch, "_distance", 8)  # 5 steps and a measurement of layer 1, and two steps of layer 2
    run = pretrain(stacks(), IMAGES.images, epochs=5)
    assert not run.complete and run.unexplained.shape == (1, 3)
    np.testing.assert_array_equal(run.stacks[0].weights[0], whole.stacks[0].weights[0])
    np.testing.assert_array_equal(run.stacks[0].weights[1], stacks()[0].weights[1])


def test_an_interrupt_keeps_what_was_measured(monkeypatch):
    interrupted(monkeypatch, "pre_activations", 4)
    run = fine_tune(stacks(), *TASK, epochs=range(50))
    assert not run.complete and run.epochs.tolist() == [0, 1] and run.loss.shape == (2, 3)
    monkeypatch.undo()
    interrupted(monkeypatch, "pre_activations", 0)
    nothing = fine_tune(stacks(), *TASK, epochs=range(50))
    assert not nothing.complete and nothing.loss.shape == (0, 3) and np.isinf(nothing.reached(0.5)).all()


def test_the_bar_is_for_people(monkeypatch, capsys):
    pretrain(stacks(), IMAGES.images, epochs=2)
    fine_tune(stacks(), *TASK, epochs=(0, 2))
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("JPY_SESSION_NAME", "a person's notebook")
    pretrain(stacks(), IMAGES.images, epochs=2)
    said = capsys.readouterr()
    assert said.out == "" and "4/4" in said.err
    fine_tune(stacks(), *TASK, epochs=(0, 2))
    assert "3/3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"stacks": []}, "stacks is empty"),
        ({"stacks": [*stacks(count=1), *stacks("tanh", 1)]}, r"stacks\[1\] differs"),
        ({"stacks": [stacks()[0].cut(1)]}, "1 layer; at least 2"),
        ({"stacks": [dense_stack([64, 5, 10], "gelu", "xavier_normal", seed=0)]}, "'gelu'"),
        ({"images": IMAGES.images[:, 1:]}, r"images has the shape \(60, 63\); it may be \(B, 64\)"),
        ({"images": np.full((3, 64), np.nan)}, "images"),
    ],
)
def test_bad_input_is_named(changed, named):
    given = {"stacks": stacks(), "images": IMAGES.images, "epochs": 1} | changed
    with pytest.raises(ValueError, match=named):
        pretrain(given.pop("stacks"), given.pop("images"), **given)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"epochs": ()}, "epochs"),
        ({"epochs": (3, 1)}, "epochs"),
        ({"epochs": (-1,)}, r"epochs\[0\]"),
        ({"learning_rate": np.inf}, "learning_rate"),
        ({"stacks": [dense_stack([64, 10], "tanh", "xavier_normal", seed=0)]}, "last activation.*'tanh'"),
        ({"labels": IMAGES.labels[1:]}, "labels has 59 rows and images 60"),
        ({"test_images": OTHERS.images[:, 1:]}, "test_images has the shape"),
    ],
)
def test_bad_fine_tuning_is_named(changed, named):
    given = {"stacks": stacks(), "images": IMAGES.images, "labels": IMAGES.labels, "test_images": OTHERS.images}
    given |= {"test_labels": OTHERS.labels, "epochs": (0,)} | changed
    parts = [given.pop(name) for name in ("stacks", "images", "labels", "test_images", "test_labels")]
    with pytest.raises(ValueError, match=named):
        fine_tune(*parts, **given)


def test_the_records_check_their_shapes():
    with pytest.raises(ValueError, match="unexplained has shape"):
        Pretraining(tuple(stacks()), 1, np.zeros((2, 2)), True)
    with pytest.raises(ValueError, match="loss has shape"):
        FineTuning(np.arange(2), np.zeros((2, 2)), np.zeros((2, 3)), np.zeros((2, 3)), tuple(stacks()), True)
