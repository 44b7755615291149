"""Recurrent cells by hand: backpropagation through time, and Jacobians over any number of steps.

weights       recurrent matrices, drawn by name or made to have given eigenvalues
cells         what a cell is; tanh, ReLU, linear, LSTM and GRU cells
through_time  run, backpropagation through time, dL/dW as a sum over time steps
jacobians     dh_T/dh_t for every t, and Lyapunov exponents
powers        powers of one matrix
"""

from gradlab.recurrent.cells import (
    Cell,
    GRUCell,
    LSTMCell,
    PlainCell,
    gru_cell,
    linear_cell,
    lstm_cell,
    relu_cell,
    tanh_cell,
)
from gradlab.recurrent.jacobians import jacobian_profile, lyapunov_exponents, step_jacobians
from gradlab.recurrent.powers import power_norms
from gradlab.recurrent.through_time import Gradients, States, backpropagation_through_time, gradient_terms, run
from gradlab.recurrent.weights import KINDS, pair, recurrent_weights, spectral_radius, two_by_two, with_eigenvalues

__all__ = [
    "KINDS",
    "Cell",
    "GRUCell",
    "Gradients",
    "LSTMCell",
    "PlainCell",
    "States",
    "backpropagation_through_time",
    "gradient_terms",
    "gru_cell",
    "jacobian_profile",
    "linear_cell",
    "lstm_cell",
    "lyapunov_exponents",
    "pair",
    "power_norms",
    "recurrent_weights",
    "relu_cell",
    "run",
    "spectral_radius",
    "step_jacobians",
    "tanh_cell",
    "two_by_two",
    "with_eigenvalues",
]
