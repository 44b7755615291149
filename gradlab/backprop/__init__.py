"""Forward and backward by hand through deep stacks of layers, and how large everything is on the way.

layers       what a layer and a stack of layers are
passes       forward, backward and the profile of one network, whatever its layers
dense        dense layers; all depths of a stack in one pass
convolution  convolution layers; a convolution as a matrix
undrawn      normal convolutions of which only the answers are drawn
norms        sizes beyond the range of floats
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
from gradlab.backprop.passes import Gradients, States, backward, bias_nudge, forward, profile

__all__ = [
    "Convolution",
    "ConvolutionStack",
    "Dense",
    "Gradients",
    "Stack",
    "States",
    "backward",
    "bias_nudge",
    "convolution_gradients",
    "convolution_matrix",
    "convolution_stack",
    "convolve",
    "dense_stack",
    "forward",
    "profile",
    "profiles_of_all_depths",
    "sigmoid_cross_entropy_gradient",
]
