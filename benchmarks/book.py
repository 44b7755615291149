"""The whole book built in a copy of this folder: from nothing, then again with nothing changed."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import Row, seconds

ROOT = Path(__file__).resolve().parent.parent


def rows():
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "book")
        left_out = shutil.ignore_patterns(".venv", ".git", "_build", "node_modules", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=left_out)
        (copy / "node_modules").symlink_to(ROOT / "node_modules")
        build = [Path(sys.executable).parent / "jupyter-book", "build", ".", "-W", "-n", "--keep-going", "-q"]
        cold, again = (
            seconds(lambda: subprocess.run(build, cwd=copy, check=True, stdout=subprocess.DEVNULL)) for _ in "12"
        )
    yield Row("whole book, nothing built before", cold, "s")
    yield Row("whole book again, nothing changed / from nothing", again / cold, "times")
