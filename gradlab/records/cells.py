"""What recurrent cells leave of a gradient."""

from dataclasses import dataclass, field

import numpy as np

from gradlab.records.base import shaped


@dataclass(frozen=True, eq=False)
class ForgetBiasRecord:
    """What is left of the memory m_0 that an LSTM (m = c) or a GRU (m = h) begins with, after t = 0..T steps.

    cell, bias, length, networks   the state, length being T, and how many networks stand behind every number
    gate, half_life  sigma(bias), and after how many steps its powers have fallen to one half
    log10_theory     (T + 1,) log10 of gate^t
    log10_direct     (T + 1,) log10 of the rms over the units of the product of the gates that the networks really had:
                     dm_t/dm_0 along the one path that leaves no unit
    log10_total      (T + 1,) log10 of ||dm_t/dm_0||_F / sqrt(n) along all paths
    log10_low, log10_high   (T + 1,) its 10th and 90th percentile over the networks; the lines are medians
    biases, gates, half_lives   (P,) each: the gate and its half-life as curves
    family           (F, T + 1) as log10_theory, for the biases 0, 1, ..., F - 1

    Raises ValueError where an array has another shape.
    """

    cell: str
    bias: float
    length: int
    networks: int
    gate: float
    half_life: float
    log10_theory: np.ndarray = field(repr=False)
    log10_direct: np.ndarray = field(repr=False)
    log10_total: np.ndarray = field(repr=False)
    log10_low: np.ndarray = field(repr=False)
    log10_high: np.ndarray = field(repr=False)
    biases: np.ndarray = field(repr=False)
    gates: np.ndarray = field(repr=False)
    half_lives: np.ndarray = field(repr=False)
    family: np.ndarray = field(repr=False)

    def __post_init__(self):
        lines = ("log10_theory", "log10_direct", "log10_total", "log10_low", "log10_high")
        shapes = dict.fromkeys(lines, (self.length + 1,)) | {"family": (len(self.family), self.length + 1)}
        shapes |= dict.fromkeys(("gates", "half_lives"), np.shape(self.biases))
        shaped(self, f"length {self.length}", shapes)

    @property
    def steps(self) -> np.ndarray:
        """t = 0..T, (T + 1,)."""
        return np.arange(self.length + 1)


@dataclass(frozen=True, eq=False)
class CellsRecord:
    """What is left of a gradient k = 0..T steps back in a recurrent cell: the size of dm_T/dm_{T-k}.

    m is the memory of the cell, c of an LSTM and h of all others. The first state is 0.

    cell, start, length, networks   the state, length being T, and how many networks stand behind every number
    log10_measured   (T + 1,) log10 of ||dm_T/dm_{T-k}||_F / sqrt(n), median over the networks; 0 at k = 0
    log10_low, log10_high   (T + 1,) 10th and 90th percentile over the networks; -inf where it is exactly 0
    log10_theory     (T + 1,) the same by theory, for a gated cell its gate's part of it; None where there is no theory
    gated            whether it is the gate's part
    silent           how many of the networks send nothing at all back to the first state
    cells, starts    the cells and the starts that the controls offer
    after            the number of steps that the family below shares
    family           (cells, starts) log10_measured at k = `after` in runs of so many steps

    Raises ValueError where an array has another shape.
    """

    cell: str
    start: str
    length: int
    networks: int
    log10_measured: np.ndarray = field(repr=False)
    log10_low: np.ndarray = field(repr=False)
    log10_high: np.ndarray = field(repr=False)
    log10_theory: np.ndarray | None = field(repr=False)
    gated: bool
    silent: int
    cells: tuple[str, ...] = field(repr=False)
    starts: tuple[str, ...] = field(repr=False)
    after: int
    family: np.ndarray = field(repr=False)

    def __post_init__(self):
        shapes = dict.fromkeys(("log10_measured", "log10_low", "log10_high"), (self.length + 1,))
        shapes |= {"family": (len(self.cells), len(self.starts))}
        if self.log10_theory is not None:
            shapes["log10_theory"] = (self.length + 1,)
        shaped(self, f"length {self.length}", shapes)

    @property
    def total(self) -> float:
        """log10 of what is left at the first state."""
        return float(self.log10_measured[-1])

    @property
    def halved(self) -> int | None:
        """From how many steps back on at most half of the gradient is left; None where more is left at the end."""
        more = np.flatnonzero(self.log10_measured > np.log10(0.5))[-1]
        return None if more == self.length else int(more) + 1
