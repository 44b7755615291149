"""Deep networks with every combination of the remedies, at their start; and the table of what training made of them.

The table is made by `python -m gradlab.training.sweep`, in PyTorch. Here are its networks, the hand-written gradient
at their start, and a reader of tables.
"""

import csv
import io
import json
import os
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

import numpy as np

from gradlab.backprop import ResidualStack, Stack, dense_stack, forward, profile, residual_stack
from gradlab.initializers import initializer
from gradlab.records import Configuration, LayerProfile, Outcome, Protocol, SweepRecord
from gradlab.records.sweeps import MEASURES

WIDTH, CLASSES = 64, 10
KEYS = ("depth", "activation", "initializer", "normalization", "shortcut", "clip", "optimizer")
SHIPPED = files("gradlab") / "tables" / "remedies.csv"
DECIMALS = {"relative": 2, "level": 2, "accuracy": 3, "held_out": 3, "solved": 0, "broke": 0}


def network(configuration: Configuration, *, seed: int) -> Stack | ResidualStack:
    """The L hidden layers of a configuration, before training; its weights do not depend on the other remedies.

    >>> network(Configuration(10, "tanh", "orthogonal", shortcut="scaled"), seed=0).branch_scale
    0.31622776601683794
    """
    c = configuration
    how = {"seed": seed, "normalization": c.normalization}
    if c.shortcut == "plain":
        return dense_stack([WIDTH] * (c.depth + 1), c.activation, c.initializer, **how)
    return residual_stack(WIDTH, c.depth, c.activation, c.initializer, branch_scale=c.branch_scale, **how)


def readout(*, seed: int) -> np.ndarray:
    """The linear readout of the last hidden layer, (10, 64): Xavier, without biases, the same for all configurations."""
    return initializer("xavier_normal").draw(CLASSES, WIDTH, np.random.default_rng((seed, 1)))


def start_profile(configuration: Configuration, images, labels, *, seed: int) -> LayerProfile:
    """The profile of the hidden layers before training, by hand; L is the softmax cross-entropy, mean over the images.

    images (B, 64), labels (B, 10) as `gradlab.data.digits` gives them. The first layer relative to the last is
    `relative_dz[0]`, and `Outcome.relative` in the table.

    >>> from gradlab.data import digits
    >>> few = digits(64, seed=0)
    >>> deep = start_profile(Configuration(30, "sigmoid", "xavier_normal"), few.images, few.labels, seed=0)
    >>> round(float(deep.relative_dz[0]))
    -18
    """
    stack, head = network(configuration, seed=seed), readout(seed=seed)
    answers = forward(stack, images).post[-1] @ head.T
    share = np.exp(answers - answers.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    return profile(stack, images, (share - labels) @ head / len(labels))


def shipped() -> SweepRecord:
    """The table that comes with the package."""
    return parse(SHIPPED.read_text(encoding="utf-8"))


def read(path) -> SweepRecord:
    """The table in a file. Raises ValueError for a file that is none; a torn last line is dropped."""
    return parse(Path(path).read_text(encoding="utf-8"), str(path))


def parse(text: str, name: str = "the table") -> SweepRecord:
    """A table from its text: a line with the protocol, a line with the columns, a line a configuration.

    What stands after the last line break was torn off, and is dropped; of two lines of one configuration the later counts.
    """
    whole = text[: text.rfind("\n") + 1]
    first, _, rest = whole.partition("\n")
    try:
        protocol = Protocol(**json.loads(first.removeprefix("# ")))
        header, *lines = csv.reader(io.StringIO(rest))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} does not begin as a table of a sweep does, with its protocol: {error}") from None
    if header != columns(protocol):
        raise ValueError(f"{name} has the columns {header}; {columns(protocol)} are wanted")
    outcomes = (_outcome(line, protocol) for line in lines)
    return SweepRecord(protocol, tuple({one.configuration: one for one in outcomes}.values()))


def columns(protocol: Protocol) -> list[str]:
    """Names of the columns: the configuration, the best learning rate, and each measure for each seed."""
    return [*KEYS, "learning_rate", *(f"{measure}_{seed}" for measure in MEASURES for seed in protocol.seeds)]


def write(table: SweepRecord, path) -> None:
    """Put a table into a file, whole or not at all; numbers are rounded to `DECIMALS`."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    lines = [f"# {json.dumps(asdict(table.protocol))}\n", f"{','.join(columns(table.protocol))}\n"]
    aside.write_text("".join(lines + [line(one) for one in table.outcomes]), encoding="utf-8", newline="\n")
    os.replace(aside, path)


def line(outcome: Outcome) -> str:
    """One line of a table, with its end."""
    keys = [getattr(outcome.configuration, key) for key in KEYS]
    cells = [f"{key:g}" if isinstance(key, float) else str(key) for key in keys]
    cells.append(f"{outcome.learning_rate:g}")
    cells += [_text(value, DECIMALS[name]) for name in MEASURES for value in getattr(outcome, name)]
    return ",".join(cells) + "\n"


def rounded(outcome: Outcome, protocol: Protocol) -> Outcome:
    """The outcome as a table keeps it."""
    return _outcome(line(outcome).rstrip("\n").split(","), protocol)


def _text(value, decimals) -> str:
    return f"{value:.{decimals}f}" if np.isfinite(value) else "" if np.isnan(value) else f"{value}"


def _outcome(cells, protocol) -> Outcome:
    depth, activation, law, normalization, shortcut, clip, optimizer, rate, *numbers = cells
    configuration = Configuration(int(depth), activation, law, normalization, shortcut, float(clip), optimizer)
    values = np.array([float(cell or "nan") for cell in numbers]).reshape(len(MEASURES), len(protocol.seeds))
    return Outcome(configuration, float(rate), *values)
