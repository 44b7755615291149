"""What the gates of a cell do along one sequence."""

from dataclasses import dataclass, field

import numpy as np

from gradlab.records.base import shaped


@dataclass(frozen=True, eq=False)
class GatesRecord:
    """The gates of P cells of n units over one sequence of T symbols, and what is left of the memory's gradient.

    names        what each cell is called
    symbols      (T,) the name of each symbol that matters, "" for the others
    gates        (P, n, T) what each gate keeps at each step, 0 to 1
    log10_left   (P, T + 1) log10 of ||dc_T/dc_t||_F / sqrt(n) along all paths, t = 0..T; 0 at the end

    Raises ValueError where a shape does not fit.

    >>> record = GatesRecord(("one",), ("A", "", "B"), [[[0.9, 0.9, 0.1], [0.8, 0.9, 0.9]]], [[-1.2, -1, -0.9, 0]])
    >>> record.keywords.tolist(), record.closing().tolist()
    ([1, 3], [1])
    """

    names: tuple[str, ...]
    symbols: tuple[str, ...]
    gates: np.ndarray = field(repr=False)
    log10_left: np.ndarray = field(repr=False)

    def __post_init__(self):
        cells, steps = len(self.names), len(self.symbols)
        units = np.shape(self.gates)[1] if np.ndim(self.gates) == 3 else 0
        shapes = {"gates": (cells, units, steps), "log10_left": (cells, steps + 1)}
        shaped(self, f"{cells} cells and {steps} steps", shapes)

    @property
    def keywords(self) -> np.ndarray:
        """The steps, from 1, at which a symbol matters."""
        return np.array([t for t, symbol in enumerate(self.symbols, 1) if symbol])

    def closing(self, below: float = 0.25) -> np.ndarray:
        """How many units of each cell keep less than `below` at some keyword after the first step, (P,)."""
        later = self.keywords[self.keywords > 1] - 1
        return (self.gates[:, :, later] < below).any(axis=2).sum(axis=1)
