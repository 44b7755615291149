"""Explorer [j]: recurrent cells, how their weights begin, and what is left of a gradient many steps back."""

import math
from functools import lru_cache

import numpy as np

from gradlab import theory
from gradlab.explorer import Explorer, Menu, Preset, Sentence, Slider, limits
from gradlab.plots.cells import NAMES
from gradlab.plots.cells import cells as draw
from gradlab.records import CellsRecord
from gradlab.recurrent import gru_cell, jacobian_profile, lstm_cell, relu_cell, run, tanh_cell
from gradlab.style import power

WIDTH = 64  # units, and inputs
PLAIN_NETWORKS, GATED_NETWORKS = 16, 4  # independent networks behind every number; a gated one takes five times as long
LONGEST = 1000
AFTER = 100  # steps behind the panel that compares all cells and starts
LEVEL = 2  # a gradient within this factor keeps its size

CELLS = {
    "tanh": "tanh",
    "relu": "ReLU",
    "lstm": "LSTM",
    "lstm_1": "LSTM, forget bias 1",
    "lstm_5": "LSTM, forget bias 5",
    "gru": "GRU",
    "gru_5": "GRU, update bias 5",
}
STARTS = {
    "torch_default": "PyTorch’s own",
    "gaussian": "Gaussian, 1/√n",
    "gaussian_large": "Gaussian, 1.5/√n",
    "orthogonal": "orthogonal",
    "identity": "identity, no biases",
}
LENGTHS = (10, 20, 50, 100, 300, 1000)
#: cell -> how it is made, what its menu entry changes, the part of its state that is its memory, the bias of its gate
MADE = {
    "tanh": (tanh_cell, {}, "h", None),
    "relu": (relu_cell, {}, "h", None),
    "lstm": (lstm_cell, {}, "c", 0.0),
    "lstm_1": (lstm_cell, {"forget_bias": 1.0}, "c", 1.0),
    "lstm_5": (lstm_cell, {"forget_bias": 5.0}, "c", 5.0),
    "gru": (gru_cell, {}, "h", 0.0),
    "gru_5": (gru_cell, {"update_bias": 5.0}, "h", 5.0),
}
#: start -> what it changes in what PyTorch draws
CHANGES = {
    "torch_default": {},
    "gaussian": {"start": "gaussian"},
    "gaussian_large": {"start": "gaussian", "gain": 1.5},
    "orthogonal": {"start": "orthogonal"},
    "identity": {"start": "identity", "bias": False},
}
#: n times the variance of an entry of W
VARIANCES = {"torch_default": 1 / 3, "gaussian": 1.0, "gaussian_large": 1.5**2, "orthogonal": 1.0}


def cells() -> Explorer:
    """The gradient over the steps back, and what a hundred steps leave in every cell with every start."""
    pin = {"cell": "tanh", "start": "orthogonal"}
    return Explorer(
        name="cells",
        title="As delivered, no cell sees a hundred steps back; one line can change that",
        controls=(
            Menu("cell", "Cell", CELLS, "lstm"),
            Menu("start", "Initial weights", STARTS, "torch_default"),
            Slider("length", "Steps", LENGTHS, 100, scale="log"),
        ),
        evaluate=evaluate,
        figure=draw,
        sentence=sentence,
        presets=(
            Preset("Out of the box", pin=pin),
            Preset("The famous +1", {"cell": "lstm_1"}, pin={"cell": "lstm"}),
            Preset("Bias five grows", {"cell": "lstm_5"}),
            Preset("Identity trick", {"cell": "relu", "start": "identity"}),
            Preset("ReLU, too large", {"cell": "relu", "start": "gaussian_large"}),
        ),
    )


def evaluate(cell: str = "lstm", start: str = "torch_default", length: int = 100) -> CellsRecord:
    """What is left of a gradient up to ``length`` steps back; see `CellsRecord`.

    cell: one of ``CELLS``; a number after the name is the whole bias of the forget or the update gate in every unit.
    start: "torch_default", where U, W and the biases are uniform on +-1/sqrt(n), or what W is instead: "gaussian" with
    variance 1/n, "gaussian_large" with 1.5^2/n, "orthogonal", or "identity", in which every bias is 0 too but for the
    gate's of the menu (with ReLU the cell of Le et al. 2015). length: 10 to 1000. ValueError for anything else.

    There are as many inputs as units, N(0, 1). Networks of one seed share U, biases and inputs, whatever cell and start.
    A shorter run is another run, not a part of a longer one: the gradient is that of its own last state.

    >>> record = evaluate(cell="gru_5", start="torch_default", length=50)
    >>> bool(0.6 < 10**record.total < 0.8), record.halved
    (True, None)
    """
    limits.one_of(CELLS, cell=cell)
    limits.one_of(STARTS, start=start)
    limits.whole(10, LONGEST, length=length)
    length, measured = int(length), _measured(cell, start, int(length))
    low, high = np.quantile(measured, (0.1, 0.9), axis=0, method="inverted_cdf")  # the others subtract, from -inf too
    return CellsRecord(
        cell=cell,
        start=start,
        length=length,
        networks=len(measured),
        log10_measured=np.median(measured, axis=0),
        log10_low=low,
        log10_high=high,
        log10_theory=_theory(cell, start, length),
        gated=MADE[cell][3] is not None,
        silent=int(np.isneginf(measured[:, -1]).sum()),
        cells=tuple(CELLS),
        starts=tuple(STARTS),
        after=AFTER,
        family=np.array([[np.median(_measured(c, s, AFTER)[:, -1]) for s in STARTS] for c in CELLS]),
    )


@lru_cache(maxsize=256)  # more than the grid has
def _measured(cell: str, start: str, length: int) -> np.ndarray:
    """log10 of ||dm_T/dm_{T-k}||_F / sqrt(n) for k = 0..T in each network, (networks, T + 1)."""
    make, changes, memory, bias = MADE[cell]
    found = []
    for seed in range(PLAIN_NETWORKS if bias is None else GATED_NETWORKS):
        made = make(WIDTH, WIDTH, seed=seed, **CHANGES[start], **changes)
        states = run(made, np.random.default_rng((seed, 1)).normal(size=(length, 1, WIDTH)))
        found.append(jacobian_profile(made, states, of=memory, spectral=False).log10_rms[::-1, 0])
    return np.array(found)


@lru_cache(maxsize=256)
def _theory(cell: str, start: str, length: int) -> np.ndarray | None:
    """The same by theory: the power of the gate, mean-field theory, or the share of units that stay on; or none."""
    bias = MADE[cell][3]
    if bias is not None:
        return theory.gate_rail(bias, length)
    if start in VARIANCES:
        outside = WIDTH / (3 * WIDTH) + 2 / (3 * WIDTH)  # the inputs' share, and that of the biases
        return theory.jacobian_rail(length, cell, VARIANCES[start], outside)[::-1]
    return theory.identity_rail(length) if cell == "relu" else None


WITH = {
    "torch_default": "With PyTorch’s own weights",
    "gaussian": "With Gaussian weights",
    "gaussian_large": "With Gaussian weights 1.5 times as large",
    "orthogonal": "With orthogonal weights",
    "identity": "With the identity for weights",
}
#: beside a pinned curve, on a phone too
SHORT = {
    "torch_default": "PyTorch",
    "gaussian": "1/√n",
    "gaussian_large": "1.5/√n",
    "orthogonal": "orthogonal",
    "identity": "identity",
}
WHO = {
    "tanh": "a tanh cell",
    "relu": "a ReLU cell",
    "lstm": "an LSTM",
    "lstm_1": "an LSTM with forget bias 1",
    "lstm_5": "an LSTM with forget bias 5",
    "gru": "a GRU",
    "gru_5": "a GRU with update bias 5",
}
LEFT = {
    "vanishing": "{start} {who} sends <b>{total}</b> of its gradient {length} steps back; half is gone after {half}.",
    "level": "{start} {who} sends <b>{total}</b> times its gradient {length} steps back, the same size within a factor of 2.",
    "exploding": "{start} {who} sends <b>{total}</b> times its gradient {length} steps back.",
}
THEORY = {
    "gate": "The gate alone would leave {theory}; the other paths add the rest.",
    "gate alone": "The gate alone would leave {theory}; the other paths hardly count.",
    "share": "Theory, by the share of units that never switch off, says {theory}.",
    "mean field": "Theory says {theory}.",
    "none": "Theory speaks of random weights, not of the identity.",
}
SILENT = " In {silent} of {networks} networks exactly 0 comes back."


def sentence(record: CellsRecord) -> Sentence:
    """What is left at the first state, how soon half is gone, and what theory says."""
    total, predicted = record.total, record.log10_theory
    verdict = "level" if abs(total) <= math.log10(LEVEL) else "vanishing" if total < 0 else "exploding"
    if predicted is None:
        rule = "none"
    elif record.gated:
        rule = "gate" if total - predicted[-1] > math.log10(LEVEL) else "gate alone"
    else:
        rule = "share" if record.start == "identity" else "mean field"
    text = f"{LEFT[verdict]} {THEORY[rule]}{SILENT if record.silent else ''}".format(
        start=WITH[record.start],
        who=WHO[record.cell],
        total=power(total),
        length=record.length,
        half="1 step" if record.halved == 1 else f"{record.halved} steps",
        theory="" if predicted is None else power(float(predicted[-1])),
        silent=record.silent,
        networks=record.networks,
    )
    label = f"{NAMES[record.cell]}, {SHORT[record.start]}, {record.length} steps"  # a pin keeps its own length
    return Sentence(verdict, text, label, total)
