"""Records become plotly figures here; nothing is computed."""

from gradlab.plots.gradients import gradients

__all__ = ["gradients"]
