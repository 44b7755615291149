"""Records: powers of ten past the range of floats, cuts, and what is refused."""

import numpy as np
import pytest

from gradlab.records import DepthProfiles, LayerProfile, PowerNorms


def layer_profile(log10_dz, overflow_layer=None):
    zeros = np.zeros(len(log10_dz))
    return LayerProfile(
        len(log10_dz), 8, "tanh", zeros, zeros, np.array(log10_dz), zeros - 1, zeros + 400, overflow_layer
    )


def test_powers_leave_the_range_of_floats_without_a_warning():
    profile = layer_profile([-400.0, -2.0, 0.0])
    assert profile.dz_norm.tolist() == [0.0, 0.01, 1.0]
    assert profile.step_ratio.tolist() == [np.inf] * 3
    assert profile.activation_rms.tolist() == profile.activation_norm.tolist() == [1.0] * 3
    assert profile.dW_norm.tolist() == [0.1] * 3
    assert profile.layers.tolist() == [1, 2, 3]


def test_decay_beyond_the_smallest_float_keeps_its_factor():
    profile = layer_profile(np.linspace(-1000, 5, 202))
    assert profile.factor_per_layer == pytest.approx(1e-5, rel=1e-12)
    assert profile.relative_dz[[0, -1]].tolist() == [-1005.0, 0.0]
    assert np.isnan(layer_profile([0.0]).factor_per_layer)


def test_the_cut_profile_is_a_row_and_forgets_a_later_overflow():
    rows = np.where(np.tri(4), np.arange(16.0).reshape(4, 4), np.nan)
    profiles = DepthProfiles(4, 8, "relu", *[rows] * 5, overflow_layer=3)
    assert profiles.at(2).log10_dW_norm.tolist() == [4.0, 5.0]
    assert (profiles.at(2).overflow_layer, profiles.at(3).overflow_layer) == (None, 3)
    for depth in (0, 5):
        with pytest.raises(ValueError, match=rf"depth = {depth}: .* 1 to 4"):
            profiles.at(depth)


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"log10_dz_norm has shape \(2,\); with depth 3 it must be \(3,\)"):
        LayerProfile(3, 8, "tanh", np.zeros(3), np.zeros(3), np.zeros(2), np.zeros(3), np.zeros(3))


def test_arrays_become_float64_and_complex_ones_stay_complex():
    norms = PowerNorms(1, 2, [0, 1, 2], np.array([0.5 + 1j], np.complex64), 1.0, False)
    assert norms.log10_norm.dtype == np.float64 and norms.eigenvalues.dtype == np.complex128
    with pytest.raises(ValueError, match=r"eigenvalues has shape \(2,\); with 1 rows and 2 steps it must be \(1,\)"):
        PowerNorms(1, 2, [0, 1, 2], np.ones(2), 1.0, False)


def test_the_repr_is_short_and_the_same_every_time():
    assert repr(layer_profile([0.0])) == "LayerProfile(depth=1, width=8, activation='tanh', overflow_layer=None)"
