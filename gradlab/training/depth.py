"""The shortest PyTorch loops that show how fast layers learn, and how training ends in NaN: many networks at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import torch
from torch.nn.functional import softplus

from gradlab.training.loop import counted, one_thread, rate, whole

#: the speeds that a training run records
MEASURES = ("image_gradient", "bias_gradient", "weight_gradient", "step_ratio")
OPTIMIZERS = ("gradient descent", "Adam")
VALUES = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu, "linear": lambda z: z}


@dataclass(frozen=True)
class LearningSpeeds:
    """Speeds of S networks with L layers at E moments of training; index 0 of the last axis is layer 1.

    `epochs` (E,) steps already taken when the row was measured.
    `bias_gradient` (E, S, L) norm of dL/db, the gradient of the mean loss over the images: Nielsen's speed of learning.
    `weight_gradient` (E, S, L) Frobenius norm of dL/dW of the same loss.
    `image_gradient` (E, S, L) norm of dL/dz of one image's own loss, root mean square over the images.
    `step_ratio` (E, S, L) norm of the next step of W that the gradient causes, over the norm of W (decay left out).
    `decay_ratio` share of W that weight decay removes a step, a number. `loss`, `accuracy` (E, S) over the same images.
    `complete` False when the run was interrupted: the rows measured until then are there.
    """

    epochs: np.ndarray
    bias_gradient: np.ndarray
    weight_gradient: np.ndarray
    image_gradient: np.ndarray
    step_ratio: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray
    decay_ratio: float
    complete: bool

    def row(self, epoch: int) -> int:
        """Index of `epoch` on the first axis; ValueError when nothing was measured there."""
        if epoch not in self.epochs:
            raise ValueError(f"epoch is {epoch!r}; it may be one of {self.epochs.tolist()}")
        return int(np.flatnonzero(self.epochs == epoch)[0])

    def gap(self, measure: str = "bias_gradient") -> np.ndarray:
        """How many times slower the first hidden layer is than the last hidden one, (E, S), by the measure named.

        Above 1 the first layer is the slower one. measure: a field of this record that holds a speed (E, S, L); the
        last of the L layers, the outputs, is not hidden. ValueError for any other name.
        """
        if measure not in MEASURES:
            raise ValueError(f"measure is {measure!r}; it may be one of {', '.join(MEASURES)}")
        speeds = getattr(self, measure)
        return speeds[:, :, -2] / speeds[:, :, 0]


@dataclass(frozen=True)
class Descent:
    """S networks over T steps of gradient descent; index 0 of the first axis is the network before its first step.

    `loss` (T, S) half the squared error, summed over outputs and averaged over inputs; inf and nan are kept.
    `gradient` (T, S) norm of its gradient by all weights and biases together.
    `sigma_w` (T, S) root of fan-in times mean square weight, rms over the layers between the first and the last.
    `factor` (T, S) what one layer does to the norm of dL/dz on its way back, geometric mean from the last hidden layer
    to the first; above 1 the gradient explodes.
    """

    loss: np.ndarray
    gradient: np.ndarray
    sigma_w: np.ndarray
    factor: np.ndarray

    @property
    def finite_steps(self) -> np.ndarray:
        """How many losses of each network are finite numbers before the first that is not, (S,); T where all are."""
        return np.isfinite(self.loss).cumprod(axis=0).sum(axis=0)


def log_epochs(last: int, count: int = 20) -> tuple[int, ...]:
    """0, 1, 2, ... and then evenly in the logarithm up to `last`: at most `count` different whole numbers.

    >>> log_epochs(500, 12)
    (0, 1, 2, 4, 7, 13, 24, 44, 81, 149, 273, 500)
    """
    whole("last", last, 1)
    whole("count", count, 2)
    marks, at = [0, 1], 1
    while marks[-1] < last and len(marks) < count:
        left = count - len(marks)
        at = max(marks[-1] + 1, round(marks[-1] * (last / marks[-1]) ** (1 / left)))
        marks.append(min(at, last))
    return tuple(marks)


def train(
    stacks: Sequence,
    images,
    labels,
    *,
    epochs: Sequence[int],
    learning_rate: float,
    optimizer: str = "gradient descent",
    weight_decay: float = 0.0,
    progress: bool | None = None,
) -> LearningSpeeds:
    """Train every stack on all the images at once, a step an epoch; measure before the steps named in `epochs`.

    stacks: at least one `gradlab.backprop.Stack`, all with the same widths and activations, the last one a sigmoid:
    the loss is the cross-entropy of ten yes-or-no questions, summed over outputs and averaged over images. They share
    nothing but the batched products. images (B, n_0), labels (B, n_L) in [0, 1]. epochs: rising from 0 or more.
    weight_decay: every step first shrinks W by learning_rate * weight_decay (biases are left alone), as Nielsen's
    regularization lambda / n does. The precision of the first stack is used. progress: a bar on stderr; None shows it
    only to somebody who watches a terminal or JupyterLab. Ctrl-C ends the run and returns what was measured so far.
    """
    names = _validated(stacks, images, labels, epochs, learning_rate, optimizer, weight_decay)
    weights, biases = _parameters(stacks)
    x, y = (torch.tensor(np.asarray(a).T, dtype=weights[0].dtype).contiguous() for a in (images, labels))
    make = torch.optim.SGD if optimizer == "gradient descent" else torch.optim.AdamW
    groups = [{"params": weights, "weight_decay": weight_decay}, {"params": biases, "weight_decay": 0.0}]
    step = make(groups, lr=learning_rate)
    keep, rows, complete = 1 - learning_rate * weight_decay, [], False
    with one_thread():
        try:
            for epoch in counted(epochs[-1] + 1, optimizer, progress):
                pre = pre_activations(weights, biases, names, x)
                loss = (softplus(pre[-1]) - y * pre[-1]).sum(1).mean(1)
                step.zero_grad()
                if epoch not in epochs:
                    loss.sum().backward()
                    step.step()
                    continue
                for z in pre:
                    z.retain_grad()
                loss.sum().backward()
                before = [w.detach().clone() for w in weights]
                step.step()
                moved = [_norm(w.detach() - keep * old) / _norm(old) for w, old in zip(weights, before, strict=True)]
                right = (pre[-1].argmax(1) == y.argmax(0)).double().mean(1)
                of_biases, of_weights = ([_norm(p.grad) for p in parts] for parts in (biases, weights))
                of_images = [_norm(z.grad) * len(images) ** 0.5 for z in pre]
                rows.append((epoch, of_biases, of_weights, of_images, moved, loss.detach().numpy(), right.numpy()))
            complete = True
        except KeyboardInterrupt:
            pass
    return _record(rows, 1 - keep, complete, len(stacks), len(names))


def descend(
    stacks: Sequence, inputs, targets, *, learning_rate: float, steps: int, clip: float | None = None
) -> Descent:
    """`steps` steps of gradient descent on the mean squared error, measured before each, in the first stack's precision.

    stacks: at least one `gradlab.backprop.Stack`, all with the same widths and activations, at least four layers. They
    share nothing but the batched products. inputs (B, n_0), targets (B, n_L). Nothing stops at inf or nan: a diverging
    network shows how it ends. clip: a gradient longer than this is scaled down to it, each network's by its own norm; the
    record keeps the norm before. Raises ValueError for a learning rate or a clip that is not positive, steps below 1,
    other shapes.
    """
    rate("learning_rate", learning_rate, open_end=True)
    whole("steps", steps, 1)
    if clip is not None:
        rate("clip", clip, open_end=True)
    names, shapes = _alike(stacks)
    if len(names) < 4:
        raise ValueError(f"stacks have {len(names)} layers; at least 4 are wanted, two of them between first and last")
    _rows(shapes, inputs=inputs, targets=targets)
    weights, biases = _parameters(stacks)
    x, y = (torch.tensor(np.asarray(a).T, dtype=weights[0].dtype) for a in (inputs, targets))
    step, rows = torch.optim.SGD([*weights, *biases], lr=learning_rate), []
    with one_thread(), np.errstate(all="ignore"):
        for _ in range(steps):
            pre = pre_activations(weights, biases, names, x)
            for z in pre:
                z.retain_grad()
            loss = ((VALUES[names[-1]](pre[-1]) - y) ** 2).sum(1).mean(1) / 2
            step.zero_grad()
            loss.sum().backward()
            gradient = np.linalg.norm([_norm(p.grad) for p in (*weights, *biases)], axis=0)
            sigma_w = [_norm(w.detach()) / w.shape[1] ** 0.5 for w in weights[1:-1]]
            factor = (_norm(pre[0].grad) / _norm(pre[-2].grad)) ** (1 / (len(pre) - 2))
            rows.append(
                (loss.detach().numpy(), gradient, np.linalg.norm(sigma_w, axis=0) / len(sigma_w) ** 0.5, factor)
            )
            if clip is not None:
                kept = torch.from_numpy(clip / np.maximum(gradient, clip))[:, None, None]
                for p in (*weights, *biases):
                    p.grad *= kept
            step.step()
    return Descent(*(np.array(column, dtype=float) for column in zip(*rows, strict=True)))


def pre_activations(weights, biases, names, x) -> list:
    """Every layer's W h + b: weights[l] (S, n, m), biases[l] (S, n, 1), x (n_0, B) -> tensors (S, n_l, B).

    The images are the columns, so that each layer is one batched product and each row of memory one unit.
    """
    h, pre = x.expand(len(weights[0]), *x.shape), []
    for name, w, b in zip(names, weights, biases, strict=True):
        pre.append(torch.baddbmm(b, w, h))
        h = VALUES[name](pre[-1])
    return pre


def _parameter(arrays) -> torch.Tensor:
    """One layer of every network, (S, ...), in the precision that the arrays have."""
    return torch.from_numpy(np.stack(arrays)).requires_grad_()


def _parameters(stacks) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Weights (S, n, m) and biases (S, n, 1) of every layer."""
    layers = range(len(stacks[0].weights))
    weights = [_parameter([stack.weights[layer] for stack in stacks]) for layer in layers]
    return weights, [_parameter([stack.biases[layer][:, None] for stack in stacks]) for layer in layers]


def _norm(tensor) -> np.ndarray:
    """Norm over all but the first axis, in float64: (S, ...) -> (S,)."""
    return tensor.double().flatten(1).norm(dim=1).numpy()


def _record(rows, decay_ratio, complete, networks, layers) -> LearningSpeeds:
    columns = list(zip(*rows, strict=True)) or [()] * 7
    speeds = [np.array(column, dtype=float).reshape(-1, layers, networks).swapaxes(1, 2) for column in columns[1:5]]
    others = [np.array(column, dtype=float).reshape(-1, networks) for column in columns[5:]]
    return LearningSpeeds(np.array(columns[0], dtype=int), *speeds, *others, decay_ratio, complete)


def _validated(stacks, images, labels, epochs, learning_rate, optimizer, weight_decay) -> list[str]:
    """The names of the activations; ValueError for whatever the loop cannot run on."""
    if optimizer not in OPTIMIZERS:
        near = get_close_matches(str(optimizer), OPTIMIZERS, n=2, cutoff=0.3)
        meant = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ValueError(f"optimizer is {optimizer!r}; it may be one of {OPTIMIZERS}{meant}")
    rate("weight_decay", weight_decay, open_end=False)
    return _classifiers(stacks, images, labels, epochs, learning_rate)[0]


def _classifiers(stacks, images, labels, epochs, learning_rate):
    """Names of the activations and shapes of the weights of stacks that the cross-entropy can train; else ValueError."""
    rate("learning_rate", learning_rate, open_end=True)
    if len(epochs) == 0 or list(epochs) != sorted(set(epochs)):
        raise ValueError(f"epochs is {list(epochs)!r}; it may be a rising list of at least one whole number from 0")
    whole("epochs[0]", epochs[0], 0)
    names, shapes = _alike(stacks)
    if names[-1] != "sigmoid":
        raise ValueError(f"the last activation of stacks is {names[-1]!r}; the cross-entropy needs 'sigmoid'")
    _rows(shapes, images=images, labels=labels)
    return names, shapes


def _alike(stacks):
    """Names of the activations and shapes of the weights, which all stacks share; ValueError where they do not."""
    if len(stacks) == 0:
        raise ValueError("stacks is empty; it may hold one network or more")
    names = [a.name for a in stacks[0].activations]
    shapes = [w.shape for w in stacks[0].weights]
    for index, stack in enumerate(stacks):
        if [w.shape for w in stack.weights] != shapes or [a.name for a in stack.activations] != names:
            raise ValueError(f"stacks[{index}] differs from stacks[0] in widths or activations; all must be alike")
        if any(stack.normalizations):
            raise ValueError(f"stacks[{index}] has normalized layers, which this loop does not know; it may have none")
    if unknown := [name for name in names if name not in VALUES]:
        raise ValueError(f"stacks use the activation {unknown[0]!r}; here it may be one of {sorted(VALUES)}")
    return names, shapes


def _rows(shapes, **data):
    """What goes in and what should come out, (B, n_0) and (B, n_L), named as the caller names them."""
    (first, given), (second, wanted) = data.items()
    for name, array, width in ((first, given, shapes[0][1]), (second, wanted, shapes[-1][0])):
        if np.ndim(array) != 2 or np.shape(array)[1] != width or not np.isfinite(array).all():
            raise ValueError(f"{name} has the shape {np.shape(array)}; it may be (B, {width}), all finite")
    if len(given) != len(wanted) or len(given) == 0:
        raise ValueError(
            f"{second} has {len(wanted)} rows and {first} {len(given)}; they must be as many, at least one"
        )
