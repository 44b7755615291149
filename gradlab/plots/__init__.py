"""Records become plotly figures here; nothing is computed."""

from gradlab.plots.activation_zoo import activation_zoo
from gradlab.plots.cells import cells
from gradlab.plots.chain import chain
from gradlab.plots.clipping import clipping
from gradlab.plots.convolution import convolution
from gradlab.plots.forget_bias import forget_bias
from gradlab.plots.gradients import gradients
from gradlab.plots.learning_speed import learning_speed
from gradlab.plots.nonnormality import nonnormality
from gradlab.plots.normalization import normalization
from gradlab.plots.overflow import overflow
from gradlab.plots.phase_map import phase_map
from gradlab.plots.powers import powers
from gradlab.plots.remedies import remedies
from gradlab.plots.residual import residual
from gradlab.plots.window import window

__all__ = [
    "activation_zoo",
    "cells",
    "chain",
    "clipping",
    "convolution",
    "forget_bias",
    "gradients",
    "learning_speed",
    "nonnormality",
    "normalization",
    "overflow",
    "phase_map",
    "powers",
    "remedies",
    "residual",
    "window",
]
