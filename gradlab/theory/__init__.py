"""Closed forms for the size of signals and gradients, computed without any network.

mean_field     variance of the pre-activations, and the factor chi on the gradient, in wide layers
correlation    what becomes of the difference between two inputs; saturated and dead units
phases         where deep layers settle, order and chaos, depth scales, isometry
window         the window in which one sigmoid neuron passes on the whole gradient
products       growth and spread of products of random matrices, and where they leave a number format
recurrence     powers of one matrix, gates, and the units of an identity-initialised cell that stay alive
normalization  the factor on the gradient where every layer is normalized
residual       signal and gradient through residual blocks
transformers   the tokens of a transformer, with its normalization before or after
deep_linear    how long a deep linear network learns one mode
formats        half-lives, and where powers leave a number format
"""

from gradlab.theory.correlation import correlation_map, correlation_profile, dead_profile, saturated_share
from gradlab.theory.deep_linear import fastest_rate, log10_learning_steps, mode_strength
from gradlab.theory.formats import half_life, overflow_depth, underflow_depth
from gradlab.theory.mean_field import (
    chi,
    critical_sigma_w,
    gaussian_mean,
    gradient_profile,
    is_scale_free,
    level_sigma_w,
    mean_square,
    rms_slope,
    variance_profile,
)
from gradlab.theory.normalization import normalized_chi, normalized_gradient_profile
from gradlab.theory.phases import (
    Phase,
    depth_scale,
    isometry_defect,
    phase,
    settled_chi,
    settled_correlation,
    settled_variance,
    unit_variance_sigma_w,
)
from gradlab.theory.products import (
    Crossing,
    gaussian_exponents,
    gaussian_offsets,
    largest_singular_value,
    norm_growth,
    overflow_layer,
    second_moment_ratio,
    singular_value_profile,
    zero_layer,
)
from gradlab.theory.recurrence import (
    additive_roots,
    alive_share,
    gate,
    gate_bias,
    gate_half_life,
    gate_rail,
    identity_rail,
    jacobian_rail,
    jordan_power_norm,
    kreiss_bound,
    power_rail,
    vanishing_bound,
)
from gradlab.theory.residual import ResidualProfile, residual_growth, residual_profile
from gradlab.theory.transformers import TransformerProfile, transformer_profile
from gradlab.theory.window import UnstableWindow, sigmoid_power_bound, unstable_window, widest_window

__all__ = [
    "Crossing",
    "Phase",
    "ResidualProfile",
    "TransformerProfile",
    "UnstableWindow",
    "additive_roots",
    "alive_share",
    "chi",
    "correlation_map",
    "correlation_profile",
    "critical_sigma_w",
    "dead_profile",
    "depth_scale",
    "fastest_rate",
    "gate",
    "gate_bias",
    "gate_half_life",
    "gate_rail",
    "gaussian_exponents",
    "gaussian_mean",
    "gaussian_offsets",
    "gradient_profile",
    "half_life",
    "identity_rail",
    "is_scale_free",
    "isometry_defect",
    "jacobian_rail",
    "jordan_power_norm",
    "kreiss_bound",
    "largest_singular_value",
    "level_sigma_w",
    "log10_learning_steps",
    "mean_square",
    "mode_strength",
    "norm_growth",
    "normalized_chi",
    "normalized_gradient_profile",
    "overflow_depth",
    "overflow_layer",
    "phase",
    "power_rail",
    "residual_growth",
    "residual_profile",
    "rms_slope",
    "saturated_share",
    "second_moment_ratio",
    "settled_chi",
    "settled_correlation",
    "settled_variance",
    "sigmoid_power_bound",
    "singular_value_profile",
    "transformer_profile",
    "underflow_depth",
    "unit_variance_sigma_w",
    "unstable_window",
    "vanishing_bound",
    "variance_profile",
    "widest_window",
    "zero_layer",
]
