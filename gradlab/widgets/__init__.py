"""The book's explorers, one a module: controls, a function, a figure and a sentence each."""

from gradlab.widgets.chain import chain
from gradlab.widgets.gradients import gradients
from gradlab.widgets.learning_speed import learning_speed
from gradlab.widgets.window import window

__all__ = ["chain", "gradients", "learning_speed", "window"]
