"""What recurrent networks have learnt of sequences."""

from dataclasses import dataclass, field

import numpy as np

from gradlab.records.base import shaped


@dataclass(frozen=True, eq=False)
class LearntRecord:
    """How far S networks of each of M kinds have come, on sequences of N lengths.

    lengths         (N,) steps a sequence, as whole numbers
    kinds           M names, and `activations` M names of what each uses
    log10_loss      (N, M, S) log10 of the loss at the end of training
    log10_baseline  log10 of the loss of an answer that looks at nothing

    Raises ValueError where an array has another shape.
    """

    lengths: tuple[int, ...]
    kinds: tuple[str, ...]
    activations: tuple[str, ...]
    log10_loss: np.ndarray = field(repr=False)
    log10_baseline: float

    def __post_init__(self):
        networks = np.shape(self.log10_loss)[-1:]
        if len(self.activations) != len(self.kinds):
            raise ValueError(f"activations has {len(self.activations)} names; there are {len(self.kinds)} kinds")
        size = f"{len(self.lengths)} lengths and {len(self.kinds)} kinds"
        shaped(self, size, {"log10_loss": (len(self.lengths), len(self.kinds), *networks)})

    @property
    def learnt(self) -> np.ndarray:
        """(N, M) how many of the S networks have a loss below 60 % of the baseline."""
        return (self.log10_loss < self.log10_baseline + np.log10(0.6)).sum(axis=-1)
