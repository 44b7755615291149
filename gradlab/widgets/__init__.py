"""The book's explorers, one a module: controls, a function, a figure and a sentence each."""

from gradlab.widgets.activation_zoo import activation_zoo
from gradlab.widgets.cells import cells
from gradlab.widgets.chain import chain
from gradlab.widgets.clipping import clipping
from gradlab.widgets.convolution import convolution
from gradlab.widgets.forget_bias import forget_bias
from gradlab.widgets.gradients import gradients
from gradlab.widgets.learning_speed import learning_speed
from gradlab.widgets.learning_time import learning_time
from gradlab.widgets.nonnormality import nonnormality
from gradlab.widgets.normalization import normalization
from gradlab.widgets.overflow import overflow
from gradlab.widgets.phase_map import phase_map
from gradlab.widgets.powers import powers
from gradlab.widgets.remedies import remedies
from gradlab.widgets.residual import residual
from gradlab.widgets.window import window

__all__ = [
    "activation_zoo",
    "cells",
    "chain",
    "clipping",
    "convolution",
    "forget_bias",
    "gradients",
    "learning_speed",
    "learning_time",
    "nonnormality",
    "normalization",
    "overflow",
    "phase_map",
    "powers",
    "remedies",
    "residual",
    "window",
]
