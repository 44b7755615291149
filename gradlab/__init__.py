"""Small instruments for vanishing and exploding gradients: theory, hand-written backpropagation, figures, explorers."""

__version__ = "0.1.0"
