"""What every training loop needs: one thread, a bar for somebody who watches, and checks of what is given."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from tqdm import tqdm


@contextmanager
def one_thread() -> Iterator[None]:
    """Small networks are fastest on one thread; the former number comes back at the end."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def watched(progress: bool | None) -> bool:
    """`progress`; where it is None: a terminal, or a kernel that a Jupyter server started for a person, watches."""
    return progress if progress is not None else sys.stderr.isatty() or "JPY_SESSION_NAME" in os.environ


def counted(steps: int, what: str, progress: bool | None) -> Iterator[int]:
    """0, 1, ..., steps - 1, with a bar on stderr for somebody who watches."""
    return tqdm(range(steps), desc=what, disable=not watched(progress), file=sys.stderr)


def whole(name, value, least):
    """ValueError unless `value` is a whole number from `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} is {value!r}; it may be an integer from {least}")


def rate(name, value, open_end):
    """ValueError unless `value` is a finite number above 0, or from 0 where the end is not open."""
    if not np.isfinite(value) or value < 0 or (open_end and value == 0):
        raise ValueError(f"{name} is {value!r}; it may be a finite number {'above' if open_end else 'from'} 0")
