"""The book's explorers, one a module: controls, a function, a figure and a sentence each."""

from gradlab.widgets.gradients import gradients

__all__ = ["gradients"]
