"""A table of remedies: networks in rows, remedies in columns; and the layers of one of its cells."""

from dataclasses import dataclass, field

import numpy as np

from gradlab.records.base import shaped


@dataclass(frozen=True, eq=False)
class RemediesRecord:
    """N networks, an activation with its start each, with each of M remedies, before and after training.

    depth, network, remedy, shown   the state; network and remedy choose a cell
    networks       (activation, start) of every row, N of them
    remedies       names of the columns, M of them; the first is no remedy
    seeds          S, networks behind every cell
    rates, epochs  how many learning rates were tried, and how long each network was trained
    solved_at      accuracy over an epoch from which on `solved` counts a network as having learnt
    clip           largest norm that a gradient might have in training, inf for no clipping
    promised_within   decades about 1 within which `relative` promises that a network will train
    measured       (N, M) whether the networks of the cell were trained with this `clip`; where not, `relative` alone says
                   something
    relative       (N, M) log10 of ||dL/dz_1|| over ||dL/dz_L|| before training
    learning_rate  (N, M) the rate whose accuracy was highest
    accuracy       (N, M) share of the images right after training; nan where the answers of most are no numbers
    solved         (N, M) epochs until a network had learnt; inf for never
    learnt         (N, M) how many of the S networks know at least half of the images in the end
    profile        (S, L) log10 of ||dL/dz_ell|| over that of layer L before training, of the chosen cell
    plain          (S, L) the same without a remedy

    Entries are medians over the S networks. Raises ValueError where an array has another shape.
    """

    depth: int
    network: str
    remedy: str
    shown: str
    networks: tuple[tuple[str, str], ...] = field(repr=False)
    remedies: tuple[str, ...] = field(repr=False)
    seeds: int
    rates: int
    epochs: int
    solved_at: float
    clip: float
    promised_within: float
    measured: np.ndarray = field(repr=False)
    relative: np.ndarray = field(repr=False)
    learning_rate: np.ndarray = field(repr=False)
    accuracy: np.ndarray = field(repr=False)
    solved: np.ndarray = field(repr=False)
    learnt: np.ndarray = field(repr=False)
    profile: np.ndarray = field(repr=False)
    plain: np.ndarray = field(repr=False)

    def __post_init__(self):
        cells = len(self.networks), len(self.remedies)
        tables = ("relative", "learning_rate", "accuracy", "solved", "learnt")
        layers = dict.fromkeys(("profile", "plain"), (self.seeds, self.depth))
        shaped(
            self,
            f"{cells[0]} networks, {cells[1]} remedies, {self.seeds} seeds and depth {self.depth}",
            dict.fromkeys(tables, cells) | layers,
        )
        if np.shape(self.measured) != cells:
            raise ValueError(f"measured has shape {np.shape(self.measured)}; it must be {cells}")

    @property
    def cell(self) -> tuple[int, int]:
        """Row and column of the chosen cell."""
        names = ["_".join(network) for network in self.networks]
        return names.index(self.network), self.remedies.index(self.remedy)

    @property
    def promised(self) -> np.ndarray:
        """(N, M) whether the gradient before training, to a tenth of a decade, promises that the network will train."""
        return np.abs(self.relative.round(1)) <= self.promised_within

    @property
    def trained(self) -> np.ndarray:
        """(N, M) whether most of the S networks have trained."""
        return 2 * self.learnt > self.seeds

    def spans(self, column: int) -> np.ndarray:
        """(N,) decades between the smallest and the largest `relative` of all starts of a row's activation."""
        activations = np.array([activation for activation, _ in self.networks])
        groups = [self.relative[activations == activation, column] for activation in activations]
        return np.array([np.ptp(group) for group in groups])
