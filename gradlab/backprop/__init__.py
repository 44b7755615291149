"""Forward and backward by hand through deep stacks of layers, and how large everything is on the way.

layers         what a layer and a stack of layers are
passes         forward, backward and the profile of one network, whatever its layers
dense          dense layers; all depths of a stack in one pass
convolution    convolution layers; a convolution as a matrix
undrawn        normal convolutions of which only the answers are drawn
normalization  batch, layer and RMS normalization
residual       residual blocks
jacobians      the Jacobian of every layer as a matrix
unit_variance  weights scaled to the data
shattering     how fast the gradient changes as the input moves
norms          sizes beyond the range of floats
"""

from gradlab.backprop.convolution import (
    Convolution,
    ConvolutionStack,
    convolution_gradients,
    convolution_matrix,
    convolution_stack,
    convolve,
)
from gradlab.backprop.dense import Dense, Stack, dense_stack, profiles_of_all_depths, sigmoid_cross_entropy_gradient
from gradlab.backprop.jacobians import layer_jacobians
from gradlab.backprop.normalization import (
    NORMALIZATIONS,
    Normalization,
    Statistics,
    normalization_gradients,
    normalize,
)
from gradlab.backprop.passes import Gradients, States, at_inference, backward, bias_nudge, forward, profile
from gradlab.backprop.residual import Block, ResidualStack, residual_stack
from gradlab.backprop.shattering import autocorrelation, input_gradients
from gradlab.backprop.unit_variance import unit_variance

__all__ = [
    "NORMALIZATIONS",
    "Block",
    "Convolution",
    "ConvolutionStack",
    "Dense",
    "Gradients",
    "Normalization",
    "ResidualStack",
    "Stack",
    "States",
    "Statistics",
    "at_inference",
    "autocorrelation",
    "backward",
    "bias_nudge",
    "convolution_gradients",
    "convolution_matrix",
    "convolution_stack",
    "convolve",
    "dense_stack",
    "forward",
    "input_gradients",
    "layer_jacobians",
    "normalization_gradients",
    "normalize",
    "profile",
    "profiles_of_all_depths",
    "residual_stack",
    "sigmoid_cross_entropy_gradient",
    "unit_variance",
]
