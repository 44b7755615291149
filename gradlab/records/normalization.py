"""Networks with and without normalization at the start."""

from dataclasses import dataclass, field

import numpy as np

from gradlab.records.base import Layered, factor, shaped


@dataclass(frozen=True, eq=False)
class NormalizationRecord(Layered):
    """Gradient norm at every layer under one normalization, and the factor a layer under all of them for any batch.

    normalization, activation, batch, depth, networks   the state, and how many networks stand behind every number
    initializer        of the weights
    examples           behind every norm: the batch for batch normalization
    measured           (L,) log10 of ||dL/dy_ell|| / ||dL/dy_L||, median over the networks; y is what the activation is given:
                       the normalized pre-activation, or the pre-activation itself
    low, high          (L,) the smallest and the largest of the networks
    plain              (L,) as measured, of the same networks without normalization
    normalizations     K of them, "none" first
    profiles           (K, L) theory for each: mean-field theory for "none", an infinite width for all
    batches            (P,) sizes of a batch that the control offers
    factors            (K, P) factor on the norm a layer by theory, the geometric mean over these layers, for each batch
    large              factor on the norm a layer under batch normalization, for an infinite batch and depth

    Raises ValueError where an array has another shape.
    """

    normalization: str
    activation: str
    batch: int
    depth: int
    networks: int
    initializer: str
    examples: int
    measured: np.ndarray = field(repr=False)
    low: np.ndarray = field(repr=False)
    high: np.ndarray = field(repr=False)
    plain: np.ndarray = field(repr=False)
    normalizations: tuple[str, ...] = field(repr=False)
    profiles: np.ndarray = field(repr=False)
    batches: np.ndarray = field(repr=False)
    factors: np.ndarray = field(repr=False)
    large: float

    def __post_init__(self):
        kinds = len(self.normalizations)
        shapes = dict.fromkeys(("measured", "low", "high", "plain"), (self.depth,))
        shapes |= {
            "batches": (len(self.batches),),
            "profiles": (kinds, self.depth),
            "factors": (kinds, len(self.batches)),
        }
        shaped(self, f"depth {self.depth}, {kinds} normalizations and {len(self.batches)} batches", shapes)

    @property
    def theory(self) -> np.ndarray:
        """(L,) that of this normalization among `profiles`."""
        return self.profiles[self.normalizations.index(self.normalization)]

    @property
    def factor_measured(self) -> float:
        """What one layer does to the gradient norm on its way back, geometric mean."""
        return factor(self.measured)

    @property
    def factor_theory(self) -> float:
        """The same, predicted."""
        return factor(self.theory)
