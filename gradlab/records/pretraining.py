"""Networks that are trained one layer at a time, and then as a whole."""

from dataclasses import dataclass, field

import numpy as np

from gradlab.records.base import shaped


@dataclass(frozen=True, eq=False)
class Pretraining:
    """S networks whose hidden layers have learned, one after another, to give back what they were given.

    stacks       S networks, with the weights and biases they ended with; the last layer is as it was
    epochs       steps of every layer
    unexplained  (K, S) for each of K layers that were trained to the end: mean squared distance between the layer's input
                 and what its code gives back, over the input's variance; 0 for a perfect code, 1 for none
    complete     False when the run was interrupted: the layers that were trained to the end are in place

    Raises ValueError where an array has another shape.
    """

    stacks: tuple
    epochs: int
    unexplained: np.ndarray = field(repr=False)
    complete: bool

    def __post_init__(self):
        layers = len(self.unexplained)
        shaped(self, f"{len(self.stacks)} networks", {"unexplained": (layers, len(self.stacks))})


@dataclass(frozen=True, eq=False)
class FineTuning:
    """S networks that learn to name images, measured at E moments.

    epochs    (E,) steps already taken when the row was measured
    loss      (E, S) cross-entropy of ten yes-or-no questions, summed over outputs and averaged over the training images
    accuracy, test_accuracy   (E, S) share of right answers on the training images and on others
    stacks    S networks as they ended
    complete  False when the run was interrupted: the rows measured until then are there

    Raises ValueError where an array has another shape.
    """

    epochs: np.ndarray
    loss: np.ndarray = field(repr=False)
    accuracy: np.ndarray = field(repr=False)
    test_accuracy: np.ndarray = field(repr=False)
    stacks: tuple
    complete: bool

    def __post_init__(self):
        shape = (len(self.epochs), len(self.stacks))
        wanted = dict.fromkeys(("loss", "accuracy", "test_accuracy"), shape)
        shaped(self, f"{shape[0]} moments and {shape[1]} networks", wanted)

    def reached(self, level: float, measure: str = "test_accuracy") -> np.ndarray:
        """The first measured epoch with an accuracy of at least `level`, (S,); inf where there is none.

        measure: "test_accuracy" or "accuracy"; ValueError for another.
        """
        if measure not in ("accuracy", "test_accuracy"):
            raise ValueError(f"measure is {measure!r}; it may be one of test_accuracy, accuracy")
        there = getattr(self, measure) >= level
        if not len(there):
            return np.full(len(self.stacks), np.inf)
        return np.where(there.any(axis=0), self.epochs[there.argmax(axis=0)].astype(float), np.inf)
