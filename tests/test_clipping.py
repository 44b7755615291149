"""Clipping by hand against torch's own, and what each way does to the direction."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradlab.clipping import (
    adaptive_clipping,
    angle,
    clip_by_global_norm,
    clip_by_value,
    clip_each_layer,
    cosine,
    global_norm,
    rescale_by_largest,
    shrinkage,
)

SHAPES = ((3, 4), (3,), (2, 3, 3, 3), (1,))
thresholds = st.floats(1e-3, 1e3)
seeds = st.integers(0, 10_000)


def drawn(seed, scale=1.0, dtype=np.float64):
    """Gradients of several shapes and sizes, none of them zero."""
    rng = np.random.default_rng(seed)
    return [(scale * 3.0**i * rng.normal(size=shape)).astype(dtype) for i, shape in enumerate(SHAPES)]


def with_torch(gradients, clip, *arguments, **options):
    """What torch leaves of the same gradients, and what it returns."""
    parameters = [torch.nn.Parameter(torch.zeros(g.shape, dtype=torch.float64)) for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = torch.tensor(gradient, dtype=torch.float64)
    returned = clip(parameters, *arguments, **options)
    return [parameter.grad.numpy() for parameter in parameters], returned


def close(found, expected, rtol=1e-12):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol)


@settings(max_examples=40, deadline=None)
@given(seeds, thresholds)
def test_global_norm_against_torch(seed, threshold):
    gradients = drawn(seed)
    clipped, norm = clip_by_global_norm(gradients, threshold)
    expected, returned = with_torch(gradients, torch.nn.utils.clip_grad_norm_, threshold)
    assert norm == pytest.approx(returned.item(), rel=1e-12)
    close(clipped, expected, rtol=2e-6)  # torch divides by the norm plus 1e-6
    assert global_norm(clipped) == pytest.approx(min(norm, threshold), rel=1e-12)
    assert cosine(gradients, clipped) == pytest.approx(1, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(seeds, thresholds)
def test_the_largest_entry_against_torch(seed, threshold):
    gradients = drawn(seed)
    clipped, largest = rescale_by_largest(gradients, threshold)
    expected, returned = with_torch(gradients, torch.nn.utils.clip_grad_norm_, threshold, norm_type=math.inf)
    assert largest == returned.item() == max(np.abs(g).max() for g in gradients)
    close(clipped, expected, rtol=1e-4 if largest < 0.1 else 1e-5)
    assert angle(gradients, clipped) < 1e-6


@settings(max_examples=40, deadline=None)
@given(seeds, thresholds)
def test_values_against_torch(seed, threshold):
    gradients = drawn(seed)
    clipped = clip_by_value(gradients, threshold)
    close(clipped, with_torch(gradients, torch.nn.utils.clip_grad_value_, threshold)[0], rtol=0)
    entries = sum(g.size for g in gradients)
    assert global_norm(clipped) <= threshold * math.sqrt(entries) * (1 + 1e-12)
    assert angle(gradients, clipped) <= math.degrees(math.acos(1 / math.sqrt(entries)))


@settings(max_examples=40, deadline=None)
@given(seeds, thresholds)
def test_each_layer_is_clipped_as_if_it_were_alone(seed, threshold):
    gradients = drawn(seed)
    clipped, norms = clip_each_layer(gradients, threshold)
    alone = [clip_by_global_norm([g], threshold) for g in gradients]
    close(clipped, [one[0][0] for one in alone])
    assert norms.tolist() == [one[1] for one in alone]
    assert global_norm(clipped) <= threshold * math.sqrt(len(gradients)) * (1 + 1e-12)


def test_layers_clipped_each_turn_the_whole():
    """A layer a hundred times the other comes down to it: from 0.6 degrees off one axis to half a right angle."""
    gradients = [np.array([100.0]), np.array([1.0])]
    assert angle(gradients, [np.array([1.0]), np.array([0.0])]) == pytest.approx(0.573, abs=1e-3)
    clipped, _ = clip_each_layer(gradients, 1.0)
    assert angle(gradients, clipped) == pytest.approx(45 - 0.573, abs=1e-3)
    assert cosine(gradients, clipped) == pytest.approx(101 / math.sqrt(2 * 10_001))


def test_the_gradient_of_four_numbers():
    """Cut at 0.5 each, (3, -0.2, 0.01, 0.5) turns by 37 degrees; scaled it does not turn."""
    gradient = [np.array([3.0, -0.2, 0.01, 0.5])]
    assert angle(gradient, clip_by_value(gradient, 0.5)) == pytest.approx(36.95, abs=0.01)
    assert cosine(gradient, clip_by_value(gradient, 0.5)) == pytest.approx(0.8, abs=0.001)
    for clip in (clip_by_global_norm, rescale_by_largest, clip_each_layer):
        assert angle(gradient, clip(gradient, 0.5)[0]) < 1e-7


@pytest.mark.parametrize("clip", [clip_by_global_norm, rescale_by_largest, clip_each_layer])
def test_what_is_within_the_threshold_stays_bit_for_bit(clip):
    gradients = drawn(0)
    clipped, _ = clip(gradients, 1e6)
    assert all(np.array_equal(one, other) for one, other in zip(clipped, gradients, strict=True))
    assert all(one is not other for one, other in zip(clipped, gradients, strict=True))
    zeros, size = clip([np.zeros(3)], 1.0)
    assert zeros[0].tolist() == [0, 0, 0] and np.all(size == 0)


def test_inputs_are_left_alone_and_types_kept():
    for dtype in (np.float16, np.float32, np.float64):
        gradients = drawn(1, dtype=dtype)
        copies = [g.copy() for g in gradients]
        for clip in (clip_by_global_norm, rescale_by_largest, clip_each_layer, adaptive_of_ones):
            clipped, _ = clip(gradients, 0.1)
            assert all(c.dtype == dtype and c.shape == g.shape for c, g in zip(clipped, gradients, strict=True))
        assert all(c.dtype == dtype for c in clip_by_value(gradients, 0.1))
        assert all(np.array_equal(one, other) for one, other in zip(gradients, copies, strict=True))
    assert clip_by_global_norm([np.array([3, 4])], 1.0)[0][0] == pytest.approx([0.6, 0.8])


def adaptive_of_ones(gradients, ratio):
    return adaptive_clipping(gradients, [np.ones_like(g) for g in gradients], ratio)


def test_norms_past_the_squares_of_float64():
    assert global_norm([np.array([3e200, 4e200])]) == pytest.approx(5e200)
    assert global_norm([np.array([3e-200, 4e-200])]) == pytest.approx(5e-200)
    clipped, norm = clip_by_global_norm([np.array([3e200]), np.array([-4e200])], 5.0)
    assert norm == pytest.approx(5e200) and [g.item() for g in clipped] == pytest.approx([3, -4])
    half, norm = clip_by_global_norm([np.full(4, 300, dtype=np.float16)], 1.0)  # the squares overflow float16
    assert norm == 600 and half[0] == pytest.approx([0.5] * 4)
    assert global_norm([np.ones(100_000, dtype=np.float16)]) == pytest.approx(100_000**0.5)  # and so does their sum


def test_adaptive_clipping_unit_by_unit():
    rng = np.random.default_rng(0)
    gradients, weights = [rng.normal(size=(4, 5)), rng.normal(size=4)], [rng.normal(size=(4, 5)), np.zeros(4)]
    weights[0][1] = 0  # a unit whose weights are 0 counts as one of norm 1e-3
    clipped, ratios = adaptive_clipping(gradients, weights, 0.5)
    for row in range(4):
        norm = max(np.linalg.norm(weights[0][row]), 1e-3)
        assert ratios[0][row] == pytest.approx(np.linalg.norm(gradients[0][row]) / norm)
        assert np.linalg.norm(clipped[0][row]) == pytest.approx(min(ratios[0][row], 0.5) * norm)
        assert angle([gradients[0][row]], [clipped[0][row]]) < 1e-6
    assert ratios[1].shape == (1,) and np.linalg.norm(clipped[1]) == pytest.approx(0.5e-3)
    kernel, kernels = rng.normal(size=(2, 3, 3, 3)), rng.normal(size=(2, 3, 3, 3))
    _, (ratio,) = adaptive_clipping([kernel], [kernels])
    flat = [np.linalg.norm(k.reshape(2, -1), axis=1) for k in (kernel, kernels)]
    assert ratio == pytest.approx(flat[0] / flat[1])


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(1e-3, 10), st.floats(1e-3, 1e3))
def test_adaptive_clipping_knows_no_unit_of_measure(seed, ratio, scale):
    """Weights and gradients scaled alike give the same ratios: the threshold is a share, not a length."""
    gradients, weights = drawn(seed), drawn(seed + 1)
    _, ratios = adaptive_clipping(gradients, weights, ratio, smallest_norm=1e-12)
    scaled = [[scale * a for a in side] for side in (gradients, weights)]
    clipped, again = adaptive_clipping(*scaled, ratio, smallest_norm=1e-12)
    close(again, ratios, rtol=1e-9)
    for g, c, r in zip(scaled[0], clipped, ratios, strict=True):
        close([c], [g * shrinkage(r, ratio).reshape(-1, *[1] * (g.ndim - 1))], rtol=1e-9)


@pytest.mark.parametrize(
    "clip", [clip_by_global_norm, rescale_by_largest, clip_by_value, clip_each_layer, adaptive_of_ones]
)
@pytest.mark.parametrize(
    ("gradients", "threshold", "message"),
    [
        ([], 1.0, "gradients: got an empty list, expected at least one array"),
        ([np.ones(2), np.array([[1.0, np.nan]])], 1.0, r"gradients: array 1 of 2, of shape \(1, 2\), holds nan"),
        ([np.array([np.inf, 1.0])], 1.0, r"gradients: array 0 of 1, of shape \(2,\), holds inf"),
        ([np.ones(2)], 0, "got 0, expected a positive number"),
        ([np.ones(2)], -1.0, "got -1.0"),
        ([np.ones(2)], math.nan, "got nan"),
        ([np.ones(2)], math.inf, "got inf"),
    ],
)
def test_bad_input_names_the_argument(clip, gradients, threshold, message):
    with pytest.raises(ValueError, match=message):
        clip(gradients, threshold)


def test_bad_weights_and_directions():
    with pytest.raises(ValueError, match="weights: got the shapes"):
        adaptive_clipping([np.ones(2)], [np.ones(3)])
    with pytest.raises(ValueError, match="smallest_norm: got 0"):
        adaptive_clipping([np.ones(2)], [np.ones(2)], smallest_norm=0)
    with pytest.raises(ValueError, match="weights: array 0 of 1, of shape"):
        adaptive_clipping([np.ones(2)], [np.full(2, np.nan)])
    with pytest.raises(ValueError, match="before: got a gradient that is 0"):
        cosine([np.zeros(2)], [np.ones(2)])
    with pytest.raises(ValueError, match="after: got 3 entries, expected 2 as before"):
        angle([np.ones(2)], [np.ones(3)])


def test_what_torch_does_with_numbers_that_are_none():
    """As the docstring says: one inf makes zeros of all the rest and nan of itself, one nan spreads to every entry."""
    clip = torch.nn.utils.clip_grad_norm_
    after, norm = with_torch([np.array([1.0, np.inf]), np.array([2.0])], clip, 1.0)
    assert norm == math.inf and after[0][0] == 0 and np.isnan(after[0][1]) and after[1][0] == 0
    after, norm = with_torch([np.array([1.0, np.nan]), np.array([2.0])], clip, 1.0)
    assert all(np.isnan(g).all() for g in after)
    with pytest.raises(RuntimeError):
        with_torch([np.array([np.inf])], clip, 1.0, error_if_nonfinite=True)


def test_the_mean_of_clipped_gradients_is_not_the_clipped_mean():
    """Two minibatches that pull against each other: each clipped alone, the rare large one loses its say."""
    batches = [[np.array([-1.0])]] * 9 + [[np.array([11.0])]]
    mean = [np.mean([b[0] for b in batches], axis=0)]
    clipped = [np.mean([clip_by_global_norm(b, 1.0)[0][0] for b in batches], axis=0)]
    assert mean[0] == pytest.approx([0.2]) and clipped[0] == pytest.approx([-0.8])
    assert angle(mean, clipped) == 180
