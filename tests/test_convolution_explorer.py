"""Explorer [g], and the convolution networks behind it whose kernels are never drawn."""

import math
import re

import numpy as np
import plotly.graph_objects as go
import pytest
from states import explorer, states

from gradlab.backprop import convolution_gradients, convolution_stack, convolve, profile
from gradlab.backprop.undrawn import _moved, _pulled_back, _reads, _root, undrawn_sizes
from gradlab.explorer import table
from gradlab.explorer.core import plain
from gradlab.initializers import initializer
from gradlab.records import ConvolutionRecord
from gradlab.widgets.convolution import CHANNELS, KERNELS, VGG_B, WEIGHTS, evaluate, sentence

# ------------------------------------------------------------------------------------- kernels that are never drawn


def drawn(channels, kernel_size, depth, law, side, seed):
    """(log10 rms of the signal at every layer, log10 of the gradient relative to the last) of a network as it is."""
    stack = convolution_stack([channels] * (depth + 1), kernel_size, "relu", law, seed=seed, padding_mode="circular")
    sizes = profile(stack, *np.random.default_rng((seed, 1)).normal(size=(2, 1, channels, side, side)))
    return sizes.log10_activation_rms, sizes.relative_dz


def undrawn(channels, kernel_size, depth, law, side, seed):
    fan_in, law = channels * kernel_size**2, initializer(law)
    return undrawn_sizes(
        channels, kernel_size, depth, "relu", law.weight_variance(fan_in, fan_in),
        side=side, seed=seed, bias_half_width=math.sqrt(3 * law.bias_variance(fan_in)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("channels", "kernel_size", "depth", "side"),
    [(5, 3, 5, 3), (12, 3, 4, 2), (12, 1, 6, 3), (8, 5, 4, 4)],
    ids=["fewer channels than pixels", "more channels than pixels", "1 x 1", "wider than the image"],
)
def test_the_law_is_that_of_networks_that_are_drawn(channels, kernel_size, depth, side):
    """Mean, spread and correlation of both ends over 400 networks each way; the differences in standard errors."""
    found = [
        np.array(
            [way(channels, kernel_size, depth, "kaiming_normal", side, seed) for seed in range(first, first + 400)]
        )
        for way, first in ((drawn, 0), (undrawn, 1000))
    ]
    ends = [np.stack([f[:, 0, -1], f[:, 1, 0]]) for f in found]
    ends = [pair[:, np.isfinite(pair).all(axis=0)] for pair in ends]  # a narrow network may die
    assert all(pair.shape[1] > 390 for pair in ends)
    a, b = ends
    error = np.hypot(a.std(axis=1), b.std(axis=1)) / 20
    assert (abs(a.mean(axis=1) - b.mean(axis=1)) < 3 * error).all()
    assert (abs(np.log(a.std(axis=1) / b.std(axis=1))) < 0.2).all()
    assert np.corrcoef(a)[0, 1] == pytest.approx(np.corrcoef(b)[0, 1], abs=0.2)


def test_normal_weights_stand_in_for_uniform_ones():
    """PyTorch's law with 3 x 3 kernels and 16 channels, biases and all; and where they do so least, at 1 x 1."""
    for kernel_size, shift in ((3, 0.01), (1, 0.08)):
        ends = [
            np.array([way(16, kernel_size, 10, "torch_default", 3, seed) for seed in range(150)])
            for way in (drawn, undrawn)
        ]
        a, b = (np.stack([f[:, 0, -1], f[:, 1, 0]]) for f in ends)
        error = np.hypot(a.std(axis=1), b.std(axis=1)) / math.sqrt(150)
        assert (abs(a.mean(axis=1) - b.mean(axis=1)) < 3 * error + [0.01, shift]).all()


@pytest.mark.parametrize(("channels", "kernel_size", "side"), [(6, 3, 4), (40, 3, 4), (4, 5, 3)])
def test_what_comes_back_is_the_adjoint_of_what_went_forward(channels, kernel_size, side):
    """<delta, W H> = <W^T delta, H>, in every draw; and what is known of W comes back exactly."""
    rng = np.random.default_rng(0)
    h, delta = rng.normal(size=(2, channels, side**2))
    reads = _reads(kernel_size, side)
    root, known = _root(_moved(h.T @ h, reads))
    windows = h[:, reads].reshape(-1, side**2)
    np.testing.assert_allclose(root.T @ root, windows.T @ windows, atol=1e-9)
    basis = windows @ known
    np.testing.assert_allclose(basis @ root, windows, atol=1e-9)
    np.testing.assert_allclose(np.linalg.svd(basis)[1].round(9), np.arange(side**2) < np.linalg.matrix_rank(windows))
    answers = rng.normal(size=h.shape)
    back = _pulled_back(delta, h, known, answers, reads, rng)
    assert np.vdot(back, h) == pytest.approx(np.vdot(delta, answers @ root))


def test_the_windows_are_those_of_a_convolution():
    rng = np.random.default_rng(0)
    kernel, image, delta = rng.normal(size=(2, 3, 5, 5)), rng.normal(size=(3, 36)), rng.normal(size=(2, 36))
    reads = _reads(5, 6)
    how = {"padding": 2, "padding_mode": "circular"}
    z = kernel.reshape(2, -1) @ image[:, reads].reshape(-1, 36)
    np.testing.assert_allclose(z, convolve(image.reshape(1, 3, 6, 6), kernel, **how).reshape(2, 36))
    parts = (kernel.reshape(2, -1).T @ delta).reshape(3, 25, 36)
    folded = sum(parts[:, tap, pixels] for tap, pixels in enumerate(np.argsort(reads, axis=1)))
    dx, _, _ = convolution_gradients(image.reshape(1, 3, 6, 6), kernel, delta.reshape(1, 2, 6, 6), **how)
    np.testing.assert_allclose(folded, dx.reshape(3, 36))


def test_a_factor_on_all_weights_passes_through_relu_unchanged():
    sizes = [undrawn_sizes(16, 3, 30, "relu", variance, side=5, seed=3) for variance in (1e-4, 2 / 144)]
    shift = np.log10(1e-4 / (2 / 144)) / 2
    np.testing.assert_allclose(sizes[0][0] - sizes[1][0], shift * np.arange(1, 31), atol=1e-9)
    np.testing.assert_allclose(sizes[0][1] - sizes[1][1], shift * np.arange(29, -1, -1), atol=1e-9)


def test_an_undrawn_network_may_die():
    signal, gradient = undrawn_sizes(1, 1, 60, "relu", 2.0, side=1, seed=0)
    assert signal[-1] == -np.inf and np.isnan(gradient).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": 0}, "channels = 0"),
        ({"depth": 2.5}, "depth = 2.5"),
        ({"side": 0}, "side = 0"),
        ({"kernel_size": 4}, "kernel_size = 4: an odd number is wanted"),
        ({"weight_variance": -1.0}, "weight_variance = -1.0: a finite number of at least 0"),
        ({"weight_variance": math.nan}, "weight_variance = nan"),
        ({"bias_half_width": math.inf}, "bias_half_width = inf"),
        ({"activation_name": "rellu"}, "did you mean 'relu'"),
    ],
)
def test_bad_input_to_undrawn_networks(change, message):
    state = {"channels": 2, "kernel_size": 3, "depth": 2, "activation_name": "relu", "weight_variance": 1.0, "side": 3}
    with pytest.raises(ValueError, match=message):
        undrawn_sizes(**(state | {"seed": 0} | change))


# -------------------------------------------------------------------------------------------------- the record


def test_the_record_against_networks_that_are_drawn():
    """32 channels, 3 x 3, 10 layers, 0.01: twelve networks drawn number by number on the same image size."""
    record = evaluate(kernel=3, channels=32, depth=10, initializer="fixed_001")
    nets = np.array([drawn(32, 3, 10, "fixed_001", record.side, seed) for seed in range(12)])
    signal, gradient = np.median(nets, axis=0)
    np.testing.assert_allclose(record.signal, signal, atol=0.5)
    np.testing.assert_allclose(record.gradient, gradient, atol=0.5)


@pytest.mark.parametrize("name", WEIGHTS)
def test_theory_is_the_closed_form(name):
    """sqrt(k^2 c tau^2 / 2) a layer, both ways, with equal channels."""
    for kernel, channels in ((1, 16), (3, 64), (7, 512)):
        n = kernel**2 * channels
        variance = {
            "fixed_001": 1e-4, "kaiming_normal": 2 / n, "notes": 2 / n, "xavier_normal": 1 / n, "torch_default": 1 / (3 * n),
        }[name]  # fmt: skip
        record = evaluate(kernel=kernel, channels=channels, depth=20, initializer=name)
        factor = math.log10(n * variance / 2) / 2
        np.testing.assert_allclose(record.gradient_theory, factor * np.arange(19, -1, -1), atol=1e-9)
        assert record.factor_theory == pytest.approx(10**factor) and record.fan_in == n
        at = np.interp(math.log10(n), np.log10(record.fan_ins), record.factors)
        assert at == pytest.approx(factor)
        if name != "torch_default":
            np.testing.assert_allclose(record.signal_theory, factor * np.arange(1, 21), atol=1e-9)
            continue
        square, squares = 1.0, []
        for _ in range(20):
            square = (n * variance * square + variance) / 2
            squares.append(square)
        np.testing.assert_allclose(record.signal_theory, np.log10(squares) / 2, atol=1e-9)


def test_measurement_is_near_theory_and_nearer_with_more_channels():
    for kernel in KERNELS:
        for name in ("kaiming_normal", "torch_default"):
            for channels, tolerance in ((16, 0.08), (64, 0.02), (256, 0.01), (512, 0.007)):
                record = evaluate(kernel=kernel, channels=channels, depth=50, initializer=name)
                assert record.factor_measured == pytest.approx(record.factor_theory, rel=tolerance), (kernel, channels)


def test_the_formula_of_many_notes_is_that_of_he():
    he, notes = (evaluate(kernel=5, channels=32, depth=30, initializer=i) for i in ("kaiming_normal", "notes"))
    for name in ("signal", "gradient", "signal_band", "gradient_band", "factors"):
        np.testing.assert_array_equal(getattr(he, name), getattr(notes, name))
    xavier = evaluate(kernel=5, channels=32, depth=30, initializer="xavier_normal")
    np.testing.assert_allclose(he.gradient - xavier.gradient, np.arange(29, -1, -1) * math.log10(2) / 2, atol=1e-9)


def test_vgg_b_has_256_channels_in_the_geometric_mean():
    """The ten convolutions of VGG-B; the gradient passes nine of them from layer 10 to layer 1."""
    channels = [64, 64, 128, 128, 256, 256, 512, 512, 512, 512][1:]
    assert math.prod(channels) == VGG_B["channels"] ** len(channels)
    total = 10 ** evaluate(**VGG_B).gradient_theory[0]
    assert total == pytest.approx(math.prod(0.01 * math.sqrt(9 * c / 2) for c in channels))
    assert round(1 / total) == 16_729


def test_a_shallower_state_is_the_beginning_of_a_deeper_one():
    deep, shallow = (evaluate(kernel=3, channels=64, depth=d, initializer="torch_default") for d in (50, 7))
    np.testing.assert_array_equal(shallow.signal, deep.signal[:7])
    assert shallow.gradient[-1] == 0 == deep.gradient[-1]


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_matrix_holds_every_number_once_a_row_and_once_a_column(kernel):
    picture = evaluate(kernel=kernel, channels=16, depth=2, initializer="fixed_001").matrix
    pixels = len(picture.matrix)
    assert picture.kernel.shape == (kernel, kernel) and pixels == max(5, kernel) ** 2
    for value in picture.kernel.ravel():
        assert (np.count_nonzero(picture.matrix == value, axis=0) == 1).all()
        assert (np.count_nonzero(picture.matrix == value, axis=1) == 1).all()
    np.testing.assert_array_equal(picture.copies, picture.matrix == picture.kernel[picture.entry])
    assert np.count_nonzero(picture.matrix) == pixels * kernel**2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernel": 4}, "kernel: got 4, expected one of 1, 3, 5, 7"),
        ({"kernel": True}, "kernel: got True"),
        ({"channels": 8}, "channels: got 8, expected a whole number from 16 to 512"),
        ({"channels": 64.5}, "channels: got 64.5"),
        ({"depth": 1}, "depth: got 1, expected a whole number from 2 to 50"),
        ({"depth": "20"}, "depth: got '20'"),
        ({"initializer": "he"}, "initializer: got 'he', expected one of fixed_001, kaiming_normal"),
    ],
)
def test_bad_input_names_the_argument(change, message):
    with pytest.raises(ValueError, match=message):
        evaluate(**(explorer("convolution").default | change))


def test_a_record_of_another_depth_is_refused():
    record = evaluate(**explorer("convolution").default)
    with pytest.raises(ValueError, match=r"signal has shape \(20,\); with depth 3 it must be \(3,\)"):
        ConvolutionRecord(**(vars(record) | {"depth": 3}))


# ------------------------------------------------------------------------------------------------ the explorer


def test_the_title_is_true_at_both_ends_of_its_own_law():
    factors = [evaluate(kernel=k, channels=c, depth=20, initializer="fixed_001").factor_measured
               for k, c in ((1, 16), (3, 64), (7, 512))]  # fmt: skip
    assert factors == pytest.approx([0.028, 0.17, 1.12], rel=0.06)
    assert factors[0] < factors[1] < 1 < factors[2]


def test_every_state_says_and_draws_something_sound():
    made = explorer("convolution")
    assert made.state_count == len(KERNELS) * len(CHANNELS) * 10 * len(WEIGHTS) == 1200
    for values, record, spec, said in states("convolution"):
        text = plain(said.whole)
        assert not re.search(r"nan\b|inf\b|None|\de[-+]?\d", text), text
        low, high = spec["layout"]["yaxis"]["range"]
        ratio = spec["layout"]["yaxis2"]["range"]
        for line in ("signal", "gradient"):
            middle, band, theory = (getattr(record, f"{line}{part}") for part in ("", "_band", "_theory"))
            assert np.isfinite(band).all() and (band[0] <= middle).all() and (middle <= band[1]).all(), values
            assert low < min(middle.min(), theory.min()) and max(middle.max(), theory.max()) < high, values
            assert ratio[0] < (band - theory).min() and (band - theory).max() < ratio[1], values
        assert low < 0 < high and 0 in spec["layout"]["yaxis"]["tickvals"]
        assert 3 <= len(spec["layout"]["yaxis"]["tickvals"]) <= 6
        x, y = (spec["layout"][axis]["range"] for axis in ("xaxis4", "yaxis4"))
        assert x[0] < math.log10(record.fan_in) < x[1] and y[0] < math.log10(record.factor_measured) < y[1], values
        verdict = "vanishing" if record.gradient[0] < -0.5 else "exploding" if record.gradient[0] > 0.5 else "level"
        assert said.verdict == verdict and said.log10_value == record.gradient[0]
        assert len(said.label) <= 14  # beside a pinned curve on a phone


@pytest.mark.parametrize(
    ("preset", "verdict", "parts"),
    [
        ("One hundredth", "vanishing", ["3 × 3 kernels and 64 channels", "keep 0.170", "A size of 0.0589 would keep"]),
        ("The same, wide", "exploding", ["multiply the gradient by 1.12 per layer", "A size of 0.00893"]),
        ("Like VGG-B", "vanishing", ["keep 0.340", "geometric mean 256", "keep 5.98 · 10^−5 too"]),
        ("In many notes", "level", ["name their formula after Xavier, but it is He’s", "Xavier’s is half of it"]),
        ("PyTorch’s own", "vanishing", ["theory says 0.408", "biases keep it up", "a sixth of He’s"]),
    ],
)
def test_the_presets_tell_the_story(preset, verdict, parts):
    made = explorer("convolution")
    (found,) = [p for p in made.presets if p.label == preset]
    said = sentence(made.evaluate(**made.state(**found.state)))
    assert said.verdict == verdict and all(part in plain(said.whole) for part in parts), plain(said.whole)


def test_the_reasons_are_true():
    """What the sentences say of variances, computed."""
    he, xavier, default = (
        initializer(i).weight_variance(576, 576) for i in ("kaiming_normal", "xavier_normal", "torch_default")
    )
    assert xavier == he / 2 and default == pytest.approx(he / 6)
    assert evaluate(3, 64, 20, "kaiming_normal").fan_in == 576


def test_the_picture_is_made_of_valid_bars():
    for kernel in (1, 3, 7):
        record = evaluate(kernel=kernel, channels=16, depth=2, initializer="fixed_001")
        spec = explorer("convolution").figure(record).to_plotly_json()
        go.Figure(spec)
        bars = [t for t in spec["data"] if t["type"] == "bar"]
        assert sum(len(table.floats(t["x"])) for t in bars) == np.count_nonzero(record.matrix.matrix)
        (copies,) = [t for t in bars if t["meta"]["role"] == "copies"]
        cells = set(
            zip((-table.floats(copies["base"])).tolist(), (table.floats(copies["x"]) - 0.5).tolist(), strict=True)
        )
        assert cells == {tuple(map(float, cell)) for cell in np.argwhere(record.matrix.copies)}
