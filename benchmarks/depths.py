"""All depths 1..50 of a dense stack in one pass, against what a reader would otherwise write; one thread, float32."""

from contextlib import contextmanager

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from benchmarks import Row, paired
from gradlab.backprop import dense_stack, profiles_of_all_depths
from gradlab.backprop.dense import _BLOCK, _CACHE

DEPTH = 50
TARGETS = {(64, 32): (25, 13), (128, 64): (10, 5)}  # (width, batch): building nets, reusing layers


class Case:
    """One width and batch: the same stack, inputs and output gradient for NumPy and for torch."""

    def __init__(self, width, batch, depth=DEPTH):
        rng = np.random.default_rng(0)
        self.stack = dense_stack([width] * (depth + 1), "tanh", "xavier_normal", seed=0, dtype=np.float32)
        self.x, self.gradient = rng.normal(size=(2, batch, width)).astype(np.float32)
        self.inputs, self.output_gradient = torch.from_numpy(self.x), torch.from_numpy(self.gradient)
        self.layers = [nn.Linear(width, width) for _ in range(depth)]
        with torch.no_grad():
            for layer, w, b in zip(self.layers, self.stack.weights, self.stack.biases, strict=True):
                layer.weight.copy_(torch.from_numpy(w))
                layer.bias.copy_(torch.from_numpy(b))

    def one_pass(self):
        return profiles_of_all_depths(self.stack, self.x, self.gradient)

    def by_backward(self, layers):
        """Norms of h, dL/dz, dL/dW and W, (depth, 4), as a tutorial takes them: retain_grad, backward, norm, item."""
        h, pre, post = self.inputs, [], []
        for layer in layers:
            layer.zero_grad()
            z = layer(h)
            z.retain_grad()
            h = torch.tanh(z)
            pre.append(z)
            post.append(h)
        loss = (h * self.output_gradient).sum()
        loss.backward()
        states = zip(post, pre, layers, strict=True)
        return [
            (h.norm().item(), z.grad.norm().item(), l.weight.grad.norm().item(), l.weight.norm().item())
            for h, z, l in states
        ]

    def by_one_grad_call(self, layers):
        """The same norms, as lean as autograd goes: one call of grad, nothing accumulated, no `item`."""
        h, pre, post = self.inputs, [], []
        for layer in layers:
            pre.append(layer(h))
            post.append(h := torch.tanh(pre[-1]))
        weights = [layer.weight for layer in layers]
        gradients = torch.autograd.grad(h, pre + weights, self.output_gradient)
        with torch.no_grad():
            return torch.stack([a.norm() for a in (*post, *gradients, *weights)]).reshape(4, -1).T

    def building_nets(self):
        """What the callback of a depth slider does, for every depth: draw a net, measure it."""
        for depth in range(1, len(self.layers) + 1):
            layers = []
            for like in self.layers[:depth]:
                layers.append(nn.Linear(like.in_features, like.out_features))
                nn.init.xavier_normal_(layers[-1].weight)
                nn.init.zeros_(layers[-1].bias)
            self.by_backward(layers)

    def reusing_layers(self):
        return [self.by_backward(self.layers[:depth]) for depth in range(1, len(self.layers) + 1)]

    def reusing_layers_leanly(self):
        return [self.by_one_grad_call(self.layers[:depth]) for depth in range(1, len(self.layers) + 1)]

    def bare_products(self):
        """A function that does the matrix products of the one pass and nothing else, on arrays of its shapes."""
        depth, (batch, n) = len(self.layers), self.x.shape
        h = np.repeat(self.x[None], depth, axis=0)
        deltas, products, scratch = np.repeat(h[None], 3, axis=0)
        together = max(1, _CACHE // self.x.nbytes)

        def run():
            for ell in range(depth):
                h[ell] @ self.stack.weights[ell].T
            sides = [a.T if batch > n else a @ a.T.copy() for a in h]
            for last in range(depth, 0, -together):
                first = max(0, last - together)
                for ell in reversed(range(last)):
                    d = slice(max(ell, first), last)
                    if batch > n:
                        sides[ell] @ deltas[d]
                    else:
                        for row in range(0, batch, _BLOCK):
                            rows = slice(row, row + _BLOCK)
                            np.matmul(sides[ell][rows, row:], deltas[d, row:], out=scratch[d, rows])
                    if ell:
                        np.matmul(deltas[d].reshape(-1, n), self.stack.weights[ell], out=products[d].reshape(-1, n))

        return run


def difference(case) -> float:
    """Largest difference in log10 between the one pass and autograd, over depths, layers and quantities."""
    ours, worst = case.one_pass(), 0.0
    for depth, norms in enumerate(case.reusing_layers(), 1):
        h, dz, dw, w = np.log10(norms).T
        p = ours.at(depth)
        mine = p.log10_activation_norm, p.log10_dz_norm, p.log10_dW_norm, p.log10_step_ratio
        worst = max(worst, *(np.abs(a - b).max() for a, b in zip(mine, (h, dz, dw, dw - w), strict=True)))
    return float(worst)


def rows():
    with one_thread():
        for width in (64, 128):
            for batch in (32, 64):
                yield from _comparisons(width, batch)
        yield from _growth()


@contextmanager
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):  # NumPy's
            yield
    finally:
        torch.set_num_threads(threads)


def _comparisons(width, batch):
    case, size = Case(width, batch), f"width {width}, batch {batch}"
    apart = difference(case)
    yield Row(f"|one pass - autograd|, largest over all, {size}", apart, "decades", "at most 1e-4", apart <= 1e-4)
    loops = {"building nets": case.building_nets, "reusing layers": case.reusing_layers}
    for (name, loop), least in zip(loops.items(), TARGETS.get((width, batch), (None, None)), strict=True):
        ratio = paired(loop, case.one_pass)[0]
        target = (f"at least {least}", ratio >= least) if least else ()
        yield Row(f"autograd loop {name} / one pass, {size}", ratio, "times", *target)
    ratio = paired(case.reusing_layers_leanly, case.one_pass)[0]
    yield Row(f"leanest autograd loop reusing layers / one pass, {size}", ratio, "times")
    ratio, ours, _ = paired(case.one_pass, case.bare_products(), pairs=31)
    yield Row(f"one pass / its matrix products, {size}", ratio, "times", "at most 1.5", ratio <= 1.5)
    yield Row(f"one pass, {size}", 1000 * ours, "ms")


def _growth():
    base = Case(64, 32)
    for name, larger in (
        ("depth 100 / 50 (4 times the products), width 64, batch 32", Case(64, 32, 100)),
        ("width 128 / 64 (at most 4 times the products), batch 32", Case(128, 32)),
        ("width 256 / 64 (at most 16 times the products), batch 32", Case(256, 32)),
        ("batch 64 / 32 (2 to 4 times the products), width 64", Case(64, 64)),
    ):
        yield Row(f"one pass, {name}", paired(larger.one_pass, base.one_pass, pairs=15)[0], "times")


def table() -> list[tuple[str, float, str]]:
    """The rows as (name, value, target); an empty target is for orientation."""
    return [(row.name, row.value, row.target) for row in rows()]


def main():
    for row in rows():
        print(row, flush=True)


if __name__ == "__main__":
    main()
