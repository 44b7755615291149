"""Normalization and residual blocks by hand, forward and backward, against torch at the same shapes; one thread."""

import numpy as np
import torch

from benchmarks import Row, paired
from benchmarks.depths import one_thread
from gradlab.backprop import NORMALIZATIONS, dense_stack, normalization_gradients, normalize, profile, residual_stack

BATCH, WIDTH, DEPTH = 128, 128, 30


def rows():
    with one_thread():
        for name in NORMALIZATIONS:
            yield from _layer(name)
        for name in ("none", *NORMALIZATIONS):
            yield from _network(name)


def _torch(z, name):
    f = torch.nn.functional
    if name == "batch":
        return f.batch_norm(z, None, None, training=True)
    return f.layer_norm(z, z.shape[1:]) if name == "layer" else f.rms_norm(z, z.shape[1:], eps=1e-5)


def _layer(name):
    z, gradient = np.random.default_rng(0).normal(size=(2, BATCH, WIDTH))
    inputs, output_gradient = torch.tensor(z, requires_grad=True), torch.from_numpy(gradient)

    def ours():
        return normalize(z, name), normalization_gradients(z, name, gradient)[0]

    def theirs():
        y = _torch(inputs, name)
        return y.detach(), *torch.autograd.grad(y, inputs, output_gradient)

    apart = max(np.abs(a - b.numpy()).max() for a, b in zip(ours(), theirs(), strict=True))
    yield Row(f"|by hand - torch|, {name}, batch {BATCH}, width {WIDTH}", apart, "", "at most 1e-12", apart <= 1e-12)
    ratio, seconds, _ = paired(ours, theirs, pairs=31)
    yield Row(f"by hand / torch, one layer, {name}", ratio, "times")
    yield Row(f"by hand, one layer, {name}", 1e6 * seconds, "us")


def _network(name):
    """The profile of a plain and of a residual network beside the norms of one call of autograd."""
    x, gradient = np.random.default_rng(0).normal(size=(2, BATCH, WIDTH))
    dense = dense_stack([WIDTH] * (DEPTH + 1), "relu", "kaiming_normal", seed=0, normalization=name)
    residual = residual_stack(WIDTH, DEPTH, "relu", "kaiming_normal", seed=0, normalization=name)
    for kind, stack in (("plain", dense), ("residual", residual)):
        weights = [torch.tensor(w, requires_grad=True) for w in stack.weights]

        def theirs(kind=kind, weights=weights):
            h, pre = torch.from_numpy(x), []
            for w in weights:
                if kind == "plain":
                    z = h @ w.T
                    pre.append(z if name == "none" else _torch(z, name))
                    h = torch.relu(pre[-1])
                else:
                    h = h + torch.relu(h if name == "none" else _torch(h, name)) @ w[0].T
                    pre.append(h)
            found = torch.autograd.grad(h, pre + weights, torch.from_numpy(gradient))
            with torch.no_grad():
                return torch.stack([a.norm() for a in found]).log10().numpy()

        def ours(stack=stack):
            p = profile(stack, x, gradient)
            return np.concatenate([p.log10_dz_norm, p.log10_dW_norm])

        apart, of = np.abs(ours() - theirs()).max(), f"{kind}, {name}, {DEPTH} layers"
        yield Row(f"|profile - autograd|, {of}", apart, "decades", "at most 1e-9", apart <= 1e-9)
        ratio, seconds, _ = paired(ours, theirs, pairs=11)
        yield Row(f"profile / autograd, {of}", ratio, "times")
        yield Row(f"profile, {of}", 1000 * seconds, "ms")


def main():
    for row in rows():
        print(row, flush=True)


if __name__ == "__main__":
    main()
