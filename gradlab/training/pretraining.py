"""How deep networks were first trained: each layer alone, to give back its input, and then all of them together."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch.nn.functional import softplus

from gradlab.records import FineTuning, Pretraining
from gradlab.training.depth import VALUES, _alike, _classifiers, _parameters, _rows, pre_activations
from gradlab.training.loop import counted, one_thread, rate, whole


def pretrain(
    stacks: Sequence, images, *, epochs: int, learning_rate: float = 0.02, progress: bool | None = None
) -> Pretraining:
    """Greedy unsupervised pretraining of all layers but the last, by autoencoders; see `Pretraining`.

    A layer codes its input x as phi(W x + b). An autoencoder turns it round, with the same weights: phi(W^T code + c)
    should be x again. W, b and c learn by Adam on the mean squared distance, all images a step. Then the layer stays as
    it is, c is thrown away, and the codes are the next layer's input. No label is seen.

    stacks: at least one `gradlab.backprop.Stack` of two layers or more, all with the same widths and activations; they
    share nothing but the batched products. images (B, n_0). epochs: steps a layer. progress: as for `train`. Ctrl-C ends
    the run and keeps the layers that were trained to the end. Raises ValueError for whatever it cannot run on.
    Source: Bengio et al. 2007, in a plain form.
    """
    whole("epochs", epochs, 1)
    rate("learning_rate", learning_rate, open_end=True)
    names, shapes = _alike(stacks)
    if len(names) < 2:
        raise ValueError("stacks have 1 layer; at least 2 are wanted, since the last one is not pretrained")
    _images(shapes, images=images)
    weights, biases = _parameters(stacks)
    x = torch.tensor(np.asarray(images).T, dtype=weights[0].dtype).expand(len(stacks), -1, -1)
    done, unexplained = [], []
    bar = iter(counted(epochs * (len(names) - 1), "pretraining", progress))
    with one_thread():
        try:
            for name, w, b in zip(names[:-1], weights, biases, strict=False):
                phi, c = VALUES[name], torch.zeros(*w.shape[::2], 1, dtype=w.dtype, requires_grad=True)
                step = torch.optim.Adam([w, b, c], lr=learning_rate)
                for _ in range(epochs):
                    next(bar)
                    step.zero_grad()
                    _distance(phi, w, b, c, x).sum().backward()
                    step.step()
                with torch.no_grad():
                    spread = ((x - x.mean(2, keepdim=True)) ** 2).sum(1).mean(1)
                    left = _distance(phi, w, b, c, x) / spread
                    x = phi(torch.baddbmm(b, w, x))
                done.append((w.detach().numpy(), b.detach().numpy()[..., 0]))
                unexplained.append(left.double().numpy())
            next(bar, None)  # the bar is full
            complete = True
        except KeyboardInterrupt:
            complete = False
    found = tuple(_with(stack, [(w[s], b[s]) for w, b in done]) for s, stack in enumerate(stacks))
    return Pretraining(found, epochs, np.array(unexplained, dtype=float).reshape(-1, len(stacks)), complete)


def fine_tune(
    stacks: Sequence,
    images,
    labels,
    test_images,
    test_labels,
    *,
    epochs: Sequence[int],
    learning_rate: float = 0.005,
    progress: bool | None = None,
) -> FineTuning:
    """Train every stack as a whole by Adam, all images a step; measure before the steps named in `epochs`.

    stacks: as for `train`, which has the same loss; the last activation is a sigmoid. images (B, n_0), labels (B, n_L) in
    [0, 1], and the same of images that are not trained on. epochs: rising from 0 or more; nothing is trained after the
    last. Ctrl-C ends the run and returns what was measured, and the networks as they are then. Raises ValueError for
    whatever it cannot run on.
    """
    names, shapes = _classifiers(stacks, images, labels, epochs, learning_rate)
    _rows(shapes, test_images=test_images, test_labels=test_labels)
    weights, biases = _parameters(stacks)
    x, y, other = (torch.tensor(np.asarray(a).T, dtype=weights[0].dtype) for a in (images, labels, test_images))
    right, other_right = (torch.tensor(np.asarray(a).argmax(1)) for a in (labels, test_labels))
    step, rows, complete = torch.optim.Adam([*weights, *biases], lr=learning_rate), [], False
    with one_thread():
        try:
            for epoch in counted(epochs[-1] + 1, "fine-tuning", progress):
                pre = pre_activations(weights, biases, names, x)[-1]
                loss = (softplus(pre) - y * pre).sum(1).mean(1)
                if epoch in epochs:
                    with torch.no_grad():
                        test = pre_activations(weights, biases, names, other)[-1]
                    shares = [
                        (z.argmax(1) == wanted).double().mean(1) for z, wanted in ((pre, right), (test, other_right))
                    ]
                    rows.append((epoch, loss.detach().numpy(), *(share.numpy() for share in shares)))
                if epoch < epochs[-1]:
                    step.zero_grad()
                    loss.sum().backward()
                    step.step()
            complete = True
        except KeyboardInterrupt:
            pass
    at, *measured = zip(*rows, strict=True) if rows else [()] * 4
    measured = [np.array(column, dtype=float).reshape(-1, len(stacks)) for column in measured]
    arrays = [(w.detach().numpy(), b.detach().numpy()[..., 0]) for w, b in zip(weights, biases, strict=True)]
    found = tuple(_with(stack, [(w[s], b[s]) for w, b in arrays]) for s, stack in enumerate(stacks))
    return FineTuning(np.array(at, dtype=int), *measured, found, complete)


def _distance(phi, w, b, c, x) -> torch.Tensor:
    """Mean squared distance between x and what the code of x gives back, (S,)."""
    code = phi(torch.baddbmm(b, w, x))
    return ((phi(torch.baddbmm(c, w.transpose(1, 2), code)) - x) ** 2).sum(1).mean(1)


def _with(stack, first):
    """The stack with its first layers replaced by pairs of weights and biases."""
    weights, biases = (tuple(part[i].copy() for part in first) for i in (0, 1))
    return replace(stack, weights=weights + stack.weights[len(first) :], biases=biases + stack.biases[len(first) :])


def _images(shapes, images):
    if np.ndim(images) != 2 or np.shape(images)[1] != shapes[0][1] or not np.isfinite(images).all() or not len(images):
        raise ValueError(
            f"images has the shape {np.shape(images)}; it may be (B, {shapes[0][1]}), all finite, B from 1"
        )
