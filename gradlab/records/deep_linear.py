"""Deep linear networks that learn one mode."""

from dataclasses import dataclass, field

import numpy as np

from gradlab.records.base import shaped


@dataclass(frozen=True, eq=False)
class LinearDescent:
    """P settings of a deep linear network over T steps of gradient descent, each from N starts; axis 0 is the step, 0..T.

    depth      L, how many weight matrices
    start      how they were drawn
    strength   (P,) s, what the mode is to become
    mode       (T + 1, P, N) u / s, what it is: 1 when learned
    error      (T + 1, P, N) norm of all that is wrong with the product of the layers, over s: 0 when learned

    Numbers that overflow are kept. Raises ValueError where an array has another shape.
    """

    depth: int
    start: str
    strength: np.ndarray
    mode: np.ndarray = field(repr=False)
    error: np.ndarray = field(repr=False)

    def __post_init__(self):
        shape = np.shape(self.mode)
        if len(shape) != 3:
            raise ValueError(f"mode has shape {shape}; (T + 1, P, N) is needed")
        shaped(self, f"{shape[1]} settings", {"strength": shape[1:2], "error": shape})

    @property
    def steps(self) -> int:
        """T."""
        return len(self.mode) - 1

    def learned_at(self, level: float = 0.1) -> np.ndarray:
        """The first step with an error of at most `level`, (P, N); inf where there is none."""
        below = self.error <= level
        return np.where(below.any(axis=0), below.argmax(axis=0).astype(float), np.inf)


@dataclass(frozen=True, eq=False)
class LearningTimeRecord:
    """How the mode of a deep linear network rises over T steps, and how many steps it takes at every depth.

    depth, start, scale, strength, networks   the state, and how many networks stand behind every number
    rate         learning rate, as a share of the fastest
    mode         (T + 1,) u / s after 0..T steps, median over the networks; 1 when learned
    low, high    (T + 1,) the smallest and the largest of the networks
    theory       (T + 1,) the same for layers that are aligned with the mode
    learned      steps until a tenth is missing, (upper) median over the networks; inf where T are not enough
    log10_theory   log10 of the same by theory
    depths       (D,) depths, increasing
    rail         (D,) log10_theory for each of them at this scale
    scales       K scales
    family       (K, D) the same at each of those

    Raises ValueError where an array has another shape.
    """

    depth: int
    start: str
    scale: float
    strength: float
    networks: int
    rate: float
    mode: np.ndarray = field(repr=False)
    low: np.ndarray = field(repr=False)
    high: np.ndarray = field(repr=False)
    theory: np.ndarray = field(repr=False)
    learned: float
    log10_theory: float
    depths: np.ndarray = field(repr=False)
    rail: np.ndarray = field(repr=False)
    scales: tuple[float, ...] = field(repr=False)
    family: np.ndarray = field(repr=False)

    def __post_init__(self):
        points, depths = len(self.mode), len(self.depths)
        shapes = dict.fromkeys(("low", "high", "theory"), (points,))
        shapes |= {"rail": (depths,), "family": (len(self.scales), depths)}
        shaped(self, f"{points - 1} steps, {depths} depths and {len(self.scales)} scales", shapes)

    @property
    def steps(self) -> int:
        """T."""
        return len(self.mode) - 1
