"""Residual networks that learn to classify, several at a time."""

from collections.abc import Sequence

import numpy as np
import torch

from gradlab.training.sequences import ACTIVATIONS


class ResidualNetworks(torch.nn.Module):
    """S residual networks between a linear layer in and one out, computed together: (B, n_in) -> (S, B, outputs).

    Every parameter has the networks on its first axis, so that one product serves all of them; they share nothing else.
    stacks: at least one `gradlab.backprop.ResidualStack`, of one activation and shape, without normalization. Each
    brings its own weights and scales; the scales are not trained. seeds: one a network, of its two outer layers,
    N(0, 1/n_in) and N(0, 1/n), without biases; networks of one seed may differ in their branches alone.
    ValueError for stacks that differ in shape or activation, or that normalize, and for seeds that are not as many.
    """

    def __init__(
        self, stacks: Sequence, inputs: int, outputs: int, *, seeds: Sequence[int], dtype: torch.dtype = torch.float32
    ):
        super().__init__()
        self.activation = _activation(stacks)
        self.networks, n = len(stacks), stacks[0].widths[0]

        def parameter(arrays):
            return torch.nn.Parameter(torch.tensor(np.stack(arrays), dtype=dtype))

        def scales(name):
            return torch.tensor([getattr(stack, name) for stack in stacks], dtype=dtype)[:, None, None]

        self.shortcut_scale, self.branch_scale = scales("shortcut_scale"), scales("branch_scale")
        layers = [list(zip(*branch, strict=True)) for branch in zip(*(stack.weights for stack in stacks), strict=True)]
        offsets = [list(zip(*branch, strict=True)) for branch in zip(*(stack.biases for stack in stacks), strict=True)]
        self.branch_layers = len(layers[0])
        self.weights = torch.nn.ParameterList(parameter([w.T for w in layer]) for branch in layers for layer in branch)
        self.biases = torch.nn.ParameterList(
            parameter([b[None] for b in layer]) for branch in offsets for layer in branch
        )
        if len(seeds) != self.networks:
            raise ValueError(f"seeds has {len(seeds)} numbers; there are {self.networks} stacks")
        self.first, self.last = (
            parameter([np.random.default_rng((seed, side)).normal(size=shape) / shape[0] ** 0.5 for seed in seeds])
            for side, shape in enumerate(((inputs, n), (n, outputs)))
        )

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The scores of every network for every example, (B, n_in) -> (S, B, outputs)."""
        h, phi = inputs @ self.first, ACTIVATIONS[self.activation]
        for start in range(0, len(self.weights), self.branch_layers):
            branch = h
            for j in range(start, start + self.branch_layers):
                branch = torch.baddbmm(self.biases[j], phi(branch), self.weights[j])
            h = self.shortcut_scale * h + self.branch_scale * branch
        return h @ self.last


def cross_entropy(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy over the examples, of every network: (S, B, classes), (B,) -> (S,)."""
    each = torch.nn.functional.cross_entropy(outputs.flatten(0, 1), targets.repeat(len(outputs)), reduction="none")
    return each.reshape(len(outputs), -1).mean(dim=1)


def _activation(stacks) -> str:
    """The name of the activation that all stacks share; ValueError where they cannot be computed together."""
    if len(stacks) == 0:
        raise ValueError("stacks is empty; it may hold one network or more")
    if any(how is not None for stack in stacks for how in stack.normalizations):
        raise ValueError("stacks normalize; only those without a normalization can be trained together")
    shapes = {tuple(w.shape for w in stack.weights) for stack in stacks}
    if len(shapes) > 1:
        raise ValueError(f"stacks have the shapes {sorted(shapes)}; they must agree")
    names = {phi.name for stack in stacks for phi in stack.activations}
    if len(names) > 1 or not names <= set(ACTIVATIONS):
        raise ValueError(f"the activations are {sorted(names)}; they may be one of {tuple(ACTIVATIONS)}, alike in all")
    return names.pop()
