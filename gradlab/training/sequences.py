"""Recurrent networks learn a task from fresh sequences, one batch a step: several networks, all on the same batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from gradlab.training.loop import counted, one_thread, rate, whole

ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu, "linear": lambda z: z}


@dataclass(frozen=True, eq=False)
class SequenceTraining:
    """M networks over the steps of one training; row k is step k + 1, measured before its update.

    `loss` (K, M) loss of the fresh batch of each step, which no network has seen before; inf and nan are kept.
    `gradient_norm` (K, M) norm of its gradient by all parameters of a network together, before any clipping.
    `complete` False when the run was interrupted: the steps taken until then are there.

    >>> run = SequenceTraining(np.array([[4.0], [2.0], [0.0]]), np.ones((3, 1)), True)
    >>> run.networks, run.mean_loss(2).tolist()
    (1, [[3.0], [1.0]])
    """

    loss: np.ndarray = field(repr=False)
    gradient_norm: np.ndarray = field(repr=False)
    complete: bool

    @property
    def networks(self) -> int:
        """M, how many networks were trained."""
        return self.loss.shape[1]

    def mean_loss(self, window: int = 100) -> np.ndarray:
        """Mean of the loss over each `window` steps in a row, (K - window + 1, M); the last row is the end of the run.

        ValueError unless window is one of 1..K.
        """
        whole("window", window, 1)
        if window > len(self.loss):
            raise ValueError(f"window is {window}; the run holds {len(self.loss)} steps")
        return np.lib.stride_tricks.sliding_window_view(self.loss, window, axis=0).mean(-1)

    def solved_at(self, level: float, window: int = 100) -> np.ndarray:
        """Steps until the mean loss of the last `window` steps was first below `level`, (M,); nan where it never was."""
        below = self.mean_loss(window) < level
        return np.where(below.any(0), below.argmax(0) + float(window), np.nan)


class PlainNetworks(torch.nn.Module):
    """S plain recurrent networks with a linear readout of the last state, computed together: (T, B, n_in) -> (S, B).

    Every parameter has the networks on its first axis, so that one product serves all of them; they share nothing else.
    cells: at least one `gradlab.recurrent.PlainCell`, all of one activation and shape; their two biases are one here.
    seed: of the readout, uniform on +-1/sqrt(n), as PyTorch's; network s has the same whatever the others are.
    ValueError for cells that differ, or an activation that is not in `ACTIVATIONS`.
    """

    def __init__(self, cells: Sequence, *, seed: int, dtype: torch.dtype = torch.float32):
        super().__init__()
        self.activation = _activation(cells)
        self.networks, n = len(cells), cells[0].n

        def parameter(arrays):
            return torch.nn.Parameter(torch.tensor(np.stack(arrays), dtype=dtype))

        self.weights = parameter([cell.weights.T for cell in cells])
        self.input_weights = parameter([cell.input_weights.T for cell in cells])
        self.biases = parameter([(cell.biases + cell.input_biases)[None] for cell in cells])
        draws = [np.random.default_rng((seed, s)).uniform(-1, 1, size=(n + 1, 1)) / n**0.5 for s in range(len(cells))]
        self.readout = parameter([draw[:n] for draw in draws])
        self.offset = parameter([draw[n:] for draw in draws])

    def states(self, inputs: torch.Tensor) -> torch.Tensor:
        """The last state h_T of every network, (T, B, n_in) -> (S, B, n); h_0 is 0."""
        from_inputs = torch.matmul(inputs[:, None], self.input_weights) + self.biases
        state = torch.zeros_like(from_inputs[0])
        for u in from_inputs.unbind():
            state = ACTIVATIONS[self.activation](torch.baddbmm(u, state, self.weights))
        return state

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The answer of every network to every sequence, (T, B, n_in) -> (S, B)."""
        return torch.baddbmm(self.offset, self.states(inputs), self.readout)[..., 0]


class LastStep(torch.nn.Module):
    """A `torch.nn.RNN`, `LSTM` or `GRU` with a linear readout of its last output h_T: (T, B, n_in) -> (B, outputs).

    outputs: numbers a sequence; None is one number without an axis of its own, (B,).
    """

    def __init__(self, cell: torch.nn.Module, outputs: int | None = None):
        super().__init__()
        self.cell, self.outputs = cell, outputs
        self.readout = torch.nn.Linear(cell.hidden_size, outputs or 1)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        answer = self.readout(self.cell(inputs)[0][-1])
        return answer[..., 0] if self.outputs is None else answer


def seeded(make: Callable[[], torch.nn.Module], *, seed: int) -> torch.nn.Module:
    """What `make()` returns when PyTorch draws from `seed`; the global generator is left as it was.

    >>> first, again = (seeded(lambda: torch.nn.Linear(2, 1), seed=0) for _ in range(2))
    >>> bool((first.weight == again.weight).all())
    True
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def squared_error(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean over the last axis, the sequences, of the squared error: (S, B), (B,) -> (S,), and (B,), (B,) -> ()."""
    return ((outputs - targets) ** 2).mean(-1)


def train_sequences(
    models: Sequence[torch.nn.Module],
    draw: Callable[[np.random.Generator], tuple],
    *,
    steps: int,
    learning_rate: float,
    seed: int,
    optimizer: str = "Adam",
    clip: float | None = None,
    loss: Callable = squared_error,
    progress: bool | None = None,
    name: str = "",
) -> SequenceTraining:
    """Train the models in place, each by itself, one fresh batch a step and the same batch for all.

    models: a module is one network, or S where it has an attribute `networks` = S and its parameters have the networks
    on their first axis (`PlainNetworks`). draw(generator) -> (inputs, targets), arrays; inputs (T, B, n_in). Floating
    numbers take the precision of the model, whole numbers stay. seed: of the batches. loss(outputs, targets) -> one
    number a network. optimizer: "Adam" or "gradient descent". clip: the largest norm that a network's gradient may have,
    all parameters together; a longer one is shortened to it. None leaves it. progress: a bar on stderr, called `name`;
    None shows it only to somebody who watches. Ctrl-C ends the run and returns what was measured so far.
    Nothing stops at inf or nan. ValueError for steps below 1, rates that are not positive, no models.
    """
    models = list(models)
    whole("steps", steps, 1)
    rate("learning_rate", learning_rate, open_end=True)
    if clip is not None:
        rate("clip", clip, open_end=True)
    if not models:
        raise ValueError("models is empty; it may hold one network or more")
    if optimizer not in MAKE:
        raise ValueError(f"optimizer is {optimizer!r}; it may be one of {tuple(MAKE)}")
    optimizers = [MAKE[optimizer](model.parameters(), lr=learning_rate) for model in models]
    generator, rows, complete = np.random.default_rng(seed), [], False
    with one_thread():
        try:
            for _ in counted(steps, name, progress):
                batch = draw(generator)
                row = [_step(*pair, batch, loss, clip) for pair in zip(models, optimizers, strict=True)]
                rows.append(np.concatenate(row, axis=1))
            complete = True
        except KeyboardInterrupt:
            pass
    table = np.array(rows).reshape(len(rows), 2, sum(getattr(model, "networks", 1) for model in models))
    return SequenceTraining(table[:, 0], table[:, 1], complete)


MAKE = {"Adam": torch.optim.Adam, "gradient descent": torch.optim.SGD}


def _step(model, optimizer, batch, loss, clip) -> np.ndarray:
    """One update; (2, networks): the loss before it, and the norm of its gradient before any clipping."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    inputs, targets = (_tensor(part, parameters[0].dtype) for part in batch)
    networks = getattr(model, "networks", None)
    value = loss(model(inputs), targets)
    optimizer.zero_grad()
    value.sum().backward()
    gradients = [p.grad for p in parameters]
    flat = [g.reshape(networks or 1, -1).double() for g in gradients]  # a float32 norm is 0 below 1e-22
    norm = torch.stack([part.norm(dim=1) for part in flat]).norm(dim=0)
    if clip is not None:
        scale = (clip / norm).clamp(max=1.0)
        for gradient in gradients:
            gradient *= scale.to(gradient.dtype).reshape(-1, *[1] * (gradient.ndim - 1)) if networks else scale.item()
    optimizer.step()
    return np.stack([value.detach().double().reshape(-1).numpy(), norm.numpy()])


def _tensor(array, dtype) -> torch.Tensor:
    array = np.asarray(array)
    return torch.tensor(array, dtype=dtype if np.issubdtype(array.dtype, np.floating) else None)


def _activation(cells) -> str:
    """The name of the activation that all cells share; ValueError where they differ."""
    if len(cells) == 0:
        raise ValueError("cells is empty; it may hold one network or more")
    names = {cell.activation if isinstance(cell.activation, str) else cell.activation.name for cell in cells}
    shapes = {cell.input_weights.shape for cell in cells}
    if len(names) > 1 or len(shapes) > 1:
        raise ValueError(
            f"cells differ: activations {sorted(names)}, input weights {sorted(shapes)}; all must be alike"
        )
    if not names <= set(ACTIVATIONS):
        raise ValueError(f"cells use the activation {min(names)!r}; here it may be one of {sorted(ACTIVATIONS)}")
    return names.pop()
