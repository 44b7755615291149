"""The shortest PyTorch loops that show an effect: how fast layers learn, how training ends in NaN, what a cell learns."""

from gradlab.training.depth import OPTIMIZERS, Descent, LearningSpeeds, descend, log_epochs, train
from gradlab.training.loop import one_thread
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
    "SequenceTraining",
    "descend",
    "log_epochs",
    "one_thread",
    "seeded",
    "squared_error",
    "train",
    "train_sequences",
]
