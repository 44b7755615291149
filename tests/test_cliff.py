"""The cliff: exact gradients against autograd and differences, contours that are contours, and the descents."""

import numpy as np
import pytest
import torch

from gradlab import cliff, clipping
from gradlab.cliff import cliff_contour, cliff_descent, cliff_gradient, cliff_loss, cliff_output
from gradlab.records import CliffDescent

JUMP = (5.0, -2.4)


def by_torch(w, b):
    """Loss and gradient of the same network by autograd."""
    w, b = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (w, b))
    x = torch.tensor(cliff.START, dtype=torch.float64)
    for _ in range(cliff.STEPS):
        x = w * torch.sigmoid(x) + b
    loss = (torch.sigmoid(x) - cliff.TARGET) ** 2
    loss.backward()
    return loss.item(), w.grad.item(), b.grad.item()


@pytest.mark.parametrize("place", [JUMP, (4.46, -2.28), (4.82, -2.5), (3.0, -1.0), (-2.0, 1.5), (10.4, 7.75)])
def test_the_gradient_against_autograd(place):
    found = [float(value) for value in cliff_gradient(*place)]
    assert found == pytest.approx(by_torch(*place), rel=1e-6)
    assert found[0] == cliff_loss(*place) == (cliff_output(*place) - 0.7) ** 2


@pytest.mark.parametrize("place", [JUMP, (4.6, -2.2), (5.5, -3.2), (2.0, -0.5)])
def test_the_gradient_against_differences(place):
    step, (w, b) = 1e-6, place
    _, dw, db = cliff_gradient(w, b)
    across = (cliff_loss(w + step, b) - cliff_loss(w - step, b)) / (2 * step)
    up = (cliff_loss(w, b + step) - cliff_loss(w, b - step)) / (2 * step)
    assert (dw, db) == pytest.approx((across, up), rel=1e-5)


def test_grids():
    w, b = np.linspace(4, 6, 5), np.linspace(-3, -2, 4)[:, None]
    loss, dw, db = cliff_gradient(w, b)
    assert loss.shape == dw.shape == db.shape == (4, 5)
    assert loss[2, 3] == cliff_loss(w[3], b[2, 0]) and dw[2, 3] == cliff_gradient(w[3], b[2, 0])[1]
    assert 0 <= loss.min() and loss.max() < 0.49


def test_far_out_the_gradient_is_small_and_not_zero():
    """1 - sigma would be 0 to rounding here; the slope is not."""
    _, dw, db = cliff_gradient(24.2, 29.2)
    assert 0 < abs(dw) < 1e-22 and 0 < abs(db) < 1e-22


def test_contours_are_lines_of_one_output():
    w = np.linspace(1, 5.2, 9)
    for output in (0.05, 0.5, 0.7, 0.95):
        b = cliff_contour(output, w)
        around = [cliff_output(w, b + side) for side in (-1e-9, 1e-9)]
        assert np.all(around[0] < output) and np.all(output < around[1])
    np.testing.assert_allclose(cliff_output(w[:6], cliff_contour(0.7, w[:6])), 0.7, atol=1e-6)


def test_the_wall_begins_at_four_and_grows_steeper():
    """Below w = 4 the map x -> w sigma(x) + b has one fixed point for every b: no wall."""
    w = np.array([3.5, 4.0, 4.5, 5.0, 5.5])
    steep = np.hypot(*cliff_gradient(w, cliff_contour(0.5, w))[1:])
    assert (
        np.all(np.diff(np.log10(steep)) > 0) and steep[0] < 1 < 4 < steep[1] < 5 and steep[2] > 70 and steep[3] > 3000
    )
    low, high = (cliff_contour(output, 5.0) for output in (0.3, 0.6))
    assert 0 < high - low < 1e-4  # the output doubles within a ten-thousandth of b


def test_the_jump_and_the_same_clipped():
    """The numbers of the page."""
    plain = cliff_descent(JUMP)
    assert plain.steps == 60 and plain.norm.shape == (61, 1) and plain.jump.shape == (60, 1)
    assert plain.norm[:, 0].argmax() == 51 == plain.jump[:, 0].argmax()
    assert plain.norm.max() == pytest.approx(38.9, abs=0.05) and plain.jump.max() == pytest.approx(11.7, abs=0.05)
    assert plain.path[-1, :, 0] == pytest.approx([10.4, 7.75], abs=0.01) and plain.loss[-1] == pytest.approx(
        0.09, abs=1e-4
    )
    assert plain.norm[-1] == pytest.approx(1.1e-8, rel=0.02)
    ends = {kind: cliff_descent(JUMP, kind=kind).loss[-1, 0] for kind in ("norm", "value", "largest")}
    assert ends["norm"] == pytest.approx(5.2e-6, rel=0.02)
    assert ends["value"] == pytest.approx(0.0172, rel=0.01) and ends["largest"] == pytest.approx(0.0217, rel=0.01)
    hard = cliff_descent(JUMP, kind="norm", threshold=0.01)
    assert hard.jump.sum() == pytest.approx(0.18) and hard.loss[-1] == pytest.approx(0.0072, rel=0.01)
    assert cliff_descent((5.2, -2.45), kind="norm").loss[-1] == pytest.approx(0.258, abs=0.001)


@pytest.mark.parametrize("kind", cliff.RULES)
@pytest.mark.parametrize("threshold", [0.03, 1.0])
def test_a_step_is_that_of_the_clipping_by_lists(kind, threshold):
    """Every step of a batch of descents against gradlab.clipping, start by start."""
    rules = {
        "none": lambda g: g,
        "norm": lambda g: clipping.clip_by_global_norm(g, threshold)[0],
        "value": lambda g: clipping.clip_by_value(g, threshold),
        "largest": lambda g: clipping.rescale_by_largest(g, threshold)[0],
    }
    starts = np.array([[5.0, 4.6, 5.2], [-2.4, -2.3, -2.45]])
    found = cliff_descent(starts, kind=kind, threshold=threshold, steps=30)
    for i in range(3):
        for step in range(30):
            gradient = [np.array([value]) for value in found.gradient[step, :, i]]
            expected = found.path[step, :, i] - 0.3 * np.concatenate(rules[kind](gradient))
            assert found.path[step + 1, :, i] == pytest.approx(expected, rel=1e-12)
    reach = {"none": np.inf, "norm": 1, "value": 2**0.5, "largest": 2**0.5}[kind] * threshold * 0.3
    assert found.jump.max() <= reach * (1 + 1e-9)
    alone = cliff_descent(starts[:, 0], kind=kind, threshold=threshold, steps=30)
    assert alone.path[:, :, 0] == pytest.approx(found.path[:, :, 0], rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": (5.0,)}, "start: got"),
        ({"start": np.ones((2, 2, 2))}, "start: got"),
        ({"start": (5.0, np.nan)}, "start: got"),
        ({"kind": "norms"}, "kind: got 'norms', expected one of none, norm, value, largest"),
        ({"threshold": 0}, "threshold: got 0, expected a positive number"),
        ({"learning_rate": -0.1}, "learning_rate: got -0.1"),
        ({"steps": -1}, "steps: got -1, expected a whole number from 0"),
        ({"steps": 1.5}, "steps: got 1.5"),
        ({"steps": True}, "steps: got True"),
    ],
)
def test_bad_input_names_the_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        cliff_descent(**({"start": JUMP} | arguments))


def test_bad_contours_and_records():
    for output in (0, 1, -0.2):
        with pytest.raises(ValueError, match="output: got"):
            cliff_contour(output, 5.0)
    with pytest.raises(ValueError, match="w: got -1.0 among them, expected positive numbers"):
        cliff_contour(0.5, np.array([5.0, -1.0]))
    with pytest.raises(ValueError, match="loss has shape"):
        CliffDescent("none", 1.0, 0.3, np.zeros((3, 2, 1)), np.zeros((2, 1)), np.zeros((3, 2, 1)))
    assert cliff_descent(JUMP, steps=0).path.shape == (1, 2, 1)
