"""Residual networks trained together are the stacks they are made of, each for itself."""

import numpy as np
import pytest
import torch

from gradlab.backprop import forward, residual_stack
from gradlab.data import digits
from gradlab.training import ResidualNetworks, cross_entropy, train_sequences


def stacks(**how):
    kinds = ({}, {"shortcut_scale": 0.0}, {"branch_scale": 0.5}, {"last_gain": 0.0})
    return [
        residual_stack(6, 3, "relu", "torch_default", seed=s, branch_layers=2, **(kind | how))
        for s, kind in enumerate(kinds)
    ]


def test_outputs_are_those_of_each_stack():
    networks = ResidualNetworks(stacks(), 4, 3, seeds=range(4), dtype=torch.float64)
    x = np.random.default_rng(1).normal(size=(5, 4))
    together = networks(torch.tensor(x)).detach().numpy()
    for s, stack in enumerate(stacks()):
        first, last = (outer[s].detach().numpy() for outer in (networks.first, networks.last))
        assert together[s] == pytest.approx(forward(stack, x @ first).post[-1] @ last)


def test_networks_share_no_gradient():
    networks = ResidualNetworks(stacks(), 4, 3, seeds=range(4), dtype=torch.float64)
    x = torch.tensor(np.random.default_rng(1).normal(size=(5, 4)))
    loss = cross_entropy(networks(x), torch.tensor([0, 1, 2, 1, 0]))
    loss[1].backward()
    for parameter in networks.parameters():
        others = torch.cat([parameter.grad[:1], parameter.grad[2:]])
        assert not others.any()
    assert networks.first.grad[1].any()


def test_cross_entropy_is_that_of_each():
    outputs, targets = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 3, 1, 2, 2])
    alone = [torch.nn.functional.cross_entropy(scores, targets).item() for scores in outputs]
    assert cross_entropy(outputs, targets).tolist() == pytest.approx(alone)


def test_they_learn():
    some = digits(200, seed=0)

    def draw(generator):
        batch = generator.integers(0, 200, 32)
        return some.images[batch] - 0.3, some.values[batch]

    small = [residual_stack(32, 4, "relu", "kaiming_normal", seed=s, branch_scale=0.5) for s in range(2)]
    run = train_sequences(
        [ResidualNetworks(small, 64, 10, seeds=[0, 0])], draw, steps=60, learning_rate=0.1, seed=1,
        optimizer="gradient descent", loss=cross_entropy,
    )  # fmt: skip
    assert run.loss.shape == (60, 2) and (run.loss[-1] < 0.5 * run.loss[0]).all()


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ([], "stacks is empty"),
        ([residual_stack(4, 2, "relu", "kaiming_normal", seed=0, normalization="layer")], "stacks normalize"),
        ([residual_stack(4, n, "relu", "kaiming_normal", seed=0) for n in (2, 3)], "stacks have the shapes"),
        ([residual_stack(4, 2, name, "kaiming_normal", seed=0) for name in ("relu", "tanh")], "the activations are"),
        ([residual_stack(4, 2, "gelu", "kaiming_normal", seed=0)], "the activations are"),
    ],
)
def test_stacks_that_cannot_be_computed_together(made, told):
    with pytest.raises(ValueError, match=told):
        ResidualNetworks(made, 4, 3, seeds=range(len(made)))


def test_networks_of_one_seed_differ_in_their_branches_alone():
    made = ResidualNetworks(stacks(), 4, 3, seeds=[0, 0, 1, 2])
    assert (made.first[0] == made.first[1]).all() and not (made.first[1] == made.first[2]).any()
    with pytest.raises(ValueError, match="seeds has 3 numbers; there are 4"):
        ResidualNetworks(stacks(), 4, 3, seeds=range(3))
