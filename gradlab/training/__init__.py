"""The shortest PyTorch loops that show an effect: how fast layers learn, how training ends in NaN, what a cell learns."""

from gradlab.training.depth import OPTIMIZERS, Descent, LearningSpeeds, descend, log_epochs, train
from gradlab.training.loop import one_thread
from gradlab.training.pretraining import fine_tune, pretrain
from gradlab.training.residual import ResidualNetworks, cross_entropy
from gradlab.training.sequences import (
    LastStep,
    PlainNetworks,
    SequenceTraining,
    seeded,
    squared_error,
    train_sequences,
)

__all__ = [
    "OPTIMIZERS",
    "Descent",
    "LastStep",
    "LearningSpeeds",
    "PlainNetworks",
    "ResidualNetworks",
    "SequenceTraining",
    "cross_entropy",
    "descend",
    "fine_tune",
    "log_epochs",
    "one_thread",
    "pretrain",
    "seeded",
    "squared_error",
    "train",
    "train_sequences",
]
