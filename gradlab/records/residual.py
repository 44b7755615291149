"""Residual networks at the start."""

from dataclasses import dataclass, field

import numpy as np

from gradlab.records.base import shaped


@dataclass(frozen=True, eq=False)
class ResidualRecord:
    """The gradient of the stream h_ell of L residual blocks, ell = 0..L, and how much of it L blocks make of any scale.

    blocks, branch, scale, normalization, networks   the state, blocks being L, and how many networks stand behind every
                     number
    branch_scale     what the branch is multiplied by: scale, over sqrt(L) or L where the branch says so
    measured         (L + 1,) log10 of ||dL/dh_ell|| / ||dL/dh_L||, ell = 0..L, median over the networks; index 0 belongs to
                     the inputs of block 1, the last one is 0; -inf where exactly nothing comes back
    low, high        (L + 1,) the smallest and the largest of the networks
    branches         K kinds of branches
    profiles         (K, L + 1) the same for each of them, at this scale, for infinite width and batch
    scales           (P,) scales, increasing
    family           (K, P) what `profiles` begin with, at each scale

    Raises ValueError where an array has another shape.
    """

    blocks: int
    branch: str
    scale: float
    normalization: str
    networks: int
    branch_scale: float
    measured: np.ndarray = field(repr=False)
    low: np.ndarray = field(repr=False)
    high: np.ndarray = field(repr=False)
    branches: tuple[str, ...] = field(repr=False)
    profiles: np.ndarray = field(repr=False)
    scales: np.ndarray = field(repr=False)
    family: np.ndarray = field(repr=False)

    def __post_init__(self):
        shapes = dict.fromkeys(("measured", "low", "high"), (self.blocks + 1,))
        shapes |= {"profiles": (len(self.branches), self.blocks + 1), "family": (len(self.branches), len(self.scales))}
        shaped(self, f"{self.blocks} blocks, {len(self.branches)} branches and {len(self.scales)} scales", shapes)

    @property
    def at(self) -> np.ndarray:
        """ell = 0..L, (L + 1,)."""
        return np.arange(self.blocks + 1)

    @property
    def theory(self) -> np.ndarray:
        """(L + 1,) that of this branch among `profiles`."""
        return self.profiles[self.branches.index(self.branch)]
