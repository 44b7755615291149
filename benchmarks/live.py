"""The live form: from a slider's new value to the redrawn figure, without the browser's share."""

import itertools

import numpy as np
import plotly.graph_objects as go
import torch

from benchmarks import Row, paired
from gradlab import widgets
from gradlab.explorer import live
from gradlab.widgets.gradients import BATCH, NETWORKS, WIDTH, _networks


def rows():
    torch.set_num_threads(1)
    explorer = live._Live(widgets.gradients())
    depths = itertools.cycle((30, 31, 29, 40, 12))

    def ours():
        explorer.controls["depth"].value = next(depths)

    def usual():
        # What a slider callback usually does: build the nets anew, let autograd measure them, draw a new figure.
        depth = next(depths)
        norms = [_norms_by_autograd(depth, seed) for seed in range(NETWORKS)]
        go.FigureWidget(data=[{"type": "scatter", "y": np.median(np.log10(norms), axis=0)}])

    ratio, theirs, own = paired(usual, ours)
    yield Row(f"slider to redraw: autograd nets and a new figure ({theirs * 1000:.0f} ms) / ours", ratio, "times")
    yield Row("slider to redraw, ours", own * 1000, "ms")
    menu = itertools.cycle(("tanh", "sigmoid"))

    def fresh():
        _networks.cache_clear()
        explorer.controls["activation"].value = next(menu)

    yield Row("another activation, nothing cached: all depths of all nets", paired(fresh, ours)[1] * 1000, "ms")


def _norms_by_autograd(depth: int, seed: int) -> list[float]:
    generator = torch.Generator().manual_seed(seed)
    layers = [torch.randn(WIDTH, WIDTH, generator=generator, dtype=torch.float64) / WIDTH**0.5 for _ in range(depth)]
    h, pre = torch.randn(BATCH, WIDTH, generator=generator, dtype=torch.float64), []
    for layer in layers:
        z = (h @ layer.T).requires_grad_()
        z.retain_grad()
        pre.append(z)
        h = torch.sigmoid(z)
    h.sum().backward()
    return [float(z.grad.norm()) for z in pre]
