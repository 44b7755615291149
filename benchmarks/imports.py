"""Import time of each module, in a fresh process each, as a ratio to importing NumPy alone."""

import statistics
import subprocess
import sys

from benchmarks import Row, seconds

MODULES = (
    "gradlab", "gradlab.records", "gradlab.activations", "gradlab.initializers", "gradlab.theory", "gradlab.backprop",
    "gradlab.data", "gradlab.style", "gradlab.plots", "gradlab.explorer", "gradlab.widgets", "gradlab.training",
)  # fmt: skip
RUNS = 5


def rows():
    for module in MODULES:
        pairs = [(_fresh(module), _fresh("numpy")) for _ in range(RUNS)]
        yield Row(f"import {module} / import numpy", statistics.median(ours / base for ours, base in pairs), "times")


def _fresh(module: str) -> float:
    return seconds(lambda: subprocess.run([sys.executable, "-c", f"import {module}"], check=True))
