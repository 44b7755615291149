"""Records become plotly figures here; nothing is computed."""

from gradlab.plots.chain import chain
from gradlab.plots.gradients import gradients
from gradlab.plots.learning_speed import learning_speed
from gradlab.plots.window import window

__all__ = ["chain", "gradients", "learning_speed", "window"]
