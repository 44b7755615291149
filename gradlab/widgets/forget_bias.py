"""Explorer [k]: the bias of the gate that keeps the memory of an LSTM or a GRU, and what is left after many steps."""

import math
from functools import lru_cache

import numpy as np

from gradlab import theory
from gradlab.explorer import Explorer, Menu, Preset, Sentence, Slider, limits
from gradlab.plots.forget_bias import forget_bias as draw
from gradlab.records import ForgetBiasRecord
from gradlab.recurrent import gru_cell, lstm_cell, run, step_jacobians
from gradlab.style import number, power

WIDTH = 32  # units, and inputs
NETWORKS = 10  # independent networks behind every number
LONGEST = 1000
LEVEL = 2  # a gradient within this factor keeps its size

CELLS = {"lstm": "LSTM, forget gate", "gru": "GRU, update gate"}
MEMORY = {"lstm": "c", "gru": "h"}  # the part of the state that the gate keeps
HUNDRED, THOUSAND = 4.97, 7.27  # biases whose half-lives are 100 and 1000 steps
BIASES = (-2, -1, 0, 1, 2, 3, 4, HUNDRED, 5, 6, 7, THOUSAND, 8)
LENGTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
FAMILY = range(8)


def forget_bias() -> Explorer:
    """The gate, its half-life for every bias, and the gradient that is left after every step."""
    return Explorer(
        name="forget_bias",
        title="The famous +1 buys a memory of two steps",
        controls=(
            Menu("cell", "Cell", CELLS, "lstm"),
            Slider("bias", "Gate bias", BIASES, 1),
            Slider("length", "Length", LENGTHS, 100, unit="steps", words={1: "1 step"}),
        ),
        evaluate=evaluate,
        figure=draw,
        sentence=sentence,
        presets=(
            Preset("No bias", {"bias": 0}),
            Preset("The famous one"),
            Preset("A hundred steps", {"bias": HUNDRED}),
            Preset("In a GRU", {"cell": "gru", "bias": HUNDRED}),
            Preset("A thousand", {"bias": THOUSAND, "length": 1000}),
        ),
        linear_axis=True,
    )


def evaluate(cell: str = "lstm", bias: float = 1, length: int = 100) -> ForgetBiasRecord:
    """What is left after ``length`` steps of the memory that a cell begins with; see `ForgetBiasRecord`.

    cell: "lstm", whose memory c is kept by the forget gate, or "gru", whose memory is h itself, kept by the update
    gate. bias: the whole bias of that gate in every unit, -2 to 8. length: 1 to 1000. ValueError for anything else.

    All else is drawn as PyTorch does, uniform on +-1/sqrt(n); inputs are N(0, 1), as many as units, and the first state
    is 0. A network of another bias is made of the same draws.

    >>> record = evaluate(cell="gru", bias=4.97, length=10)
    >>> float(record.log10_theory[-1].round(2)), round(record.half_life)
    (-0.03, 100)
    """
    limits.one_of(CELLS, cell=cell)
    limits.number(BIASES[0], BIASES[-1], bias=bias)
    limits.whole(1, LONGEST, length=length)
    steps = next(steps for steps in (10, 100, LONGEST) if length <= steps)
    direct, total = _measured(cell, float(bias), steps)[..., : length + 1]
    low, median, high = np.quantile(total, (0.1, 0.5, 0.9), axis=0)
    biases = np.linspace(BIASES[0], BIASES[-1], 41)
    return ForgetBiasRecord(
        cell=cell,
        bias=bias,
        length=int(length),
        networks=NETWORKS,
        gate=theory.gate(bias),
        half_life=theory.gate_half_life(bias),
        log10_theory=theory.gate_rail(bias, length),
        log10_direct=np.median(direct, axis=0),
        log10_total=median,
        log10_low=low,
        log10_high=high,
        biases=biases,
        gates=np.array([theory.gate(b) for b in biases]),
        half_lives=np.array([theory.gate_half_life(b) for b in biases]),
        family=np.array([theory.gate_rail(b, length) for b in FAMILY]),
    )


@lru_cache(maxsize=3 * len(CELLS) * len(BIASES))
def _measured(cell: str, bias: float, steps: int) -> np.ndarray:
    """log10 of what is left after t = 0..steps by the gate alone and along all paths, (2, networks, steps + 1)."""
    return np.stack([_left(cell, bias, steps, seed) for seed in range(NETWORKS)], axis=1)


def _left(kind: str, bias: float, steps: int, seed: int) -> np.ndarray:
    """The same in one network, (2, steps + 1); a shorter run is the beginning of a longer one."""
    if kind == "lstm":
        cell = lstm_cell(WIDTH, WIDTH, seed=seed, forget_bias=bias)
    else:
        cell = gru_cell(WIDTH, WIDTH, seed=seed, update_bias=bias)
    states = run(cell, np.random.default_rng((seed, 1)).normal(size=(steps, 1, WIDTH)))
    gates = cell.slopes(states.u, states.v, states.state[:-1], states.state[1:])[:, 0, 0]
    direct = np.cumsum(np.log10(gates), axis=0)  # (steps, units): the gate is the slope of the memory by itself
    peak = direct.max(axis=1)
    direct = peak + np.log10(np.mean(100 ** (direct - peak[:, None]), axis=1)) / 2

    memory = cell.part(MEMORY[kind])
    jacobian, decades, total = np.eye(cell.size)[:, memory], 0.0, []
    for (step,) in step_jacobians(cell, states):
        jacobian = step @ jacobian
        size = np.linalg.norm(jacobian[memory]) / math.sqrt(WIDTH)
        jacobian /= size  # it would leave the range of floats
        decades += math.log10(size)
        total.append(decades)
    return np.array([np.append(0.0, direct), np.append(0.0, total)])


GATE = "{gate} bias {bias} keeps <b>{keeps}</b> a step, so the gate alone halves the memory in <b>{half_life}</b>. "
LEFT = "After {steps} it leaves {direct}, theory says {theory}; all paths together leave <b>{total}</b>. "
OTHERS = {
    "much": "The paths through the candidate add the rest.",
    "little": "The paths through the candidate add a little.",
    "none": "The paths through the candidate hardly count.",
}


def sentence(record: ForgetBiasRecord) -> Sentence:
    """What the gate keeps and for how long, and what is left after the last step: the gate alone, and all paths."""
    direct, total = float(record.log10_direct[-1]), float(record.log10_total[-1])
    verdict = "level" if abs(total) <= math.log10(LEVEL) else "vanishing" if total < 0 else "exploding"
    added = total - direct
    others = OTHERS["much" if added > math.log10(LEVEL) else "little" if added > math.log10(1.1) else "none"]
    half_life = number(record.half_life)
    bias = f"{record.bias:.4g}".replace("-", "−")
    text = (GATE + LEFT + others).format(
        gate="Forget" if record.cell == "lstm" else "Update",
        bias=bias,
        keeps=_near_one(math.log10(record.gate)),
        half_life="1 step" if half_life == "1.00" else f"{half_life} steps",
        steps="1 step" if record.length == 1 else f"{record.length} steps",
        direct=_near_one(direct),
        theory=_near_one(float(record.log10_theory[-1])),
        total=_near_one(total),
    )
    return Sentence(verdict, text, f"{CELLS[record.cell].split(',')[0]}, bias {bias}", total)


def _near_one(log10_value: float) -> str:
    """As `power`, with the digits that a gate near 1 needs."""
    return power(log10_value, 4 if math.log10(0.99) < log10_value < 0 else 3)
