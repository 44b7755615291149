"""Run every test: three suites, as many at a time as there are processors. Exit with 1 when any of them failed.

What each prints is shown whole, one suite after the other: the first while it runs, the next when the one before is
done. For a part of the tests call `pytest` itself, which runs the same ones in one process.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXPLORERS = "tests/browser/test_explorers.py"
#: What is given to pytest. Together they are what `pytest` alone runs, each test once.
SUITES = {
    "the package and the chapters": ("--ignore=tests/browser",),
    "the explorers in a browser": (EXPLORERS,),
    "the pages in a browser": ("tests/browser", f"--ignore={EXPLORERS}"),
}


class Suite:
    """One pytest, whose output waits in a file until it is shown."""

    def __init__(self, name: str, arguments: tuple[str, ...]):
        self.name, self.arguments = name, arguments
        self.log, self.shown = tempfile.TemporaryFile(), 0
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        colour = ("--color=yes",) if sys.stdout.isatty() else ()
        command = [sys.executable, "-m", "pytest", *colour, *self.arguments]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=self.log, stderr=subprocess.STDOUT)

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def show(self) -> None:
        """Print what has come since the last call."""
        text = os.pread(self.log.fileno(), 1 << 24, self.shown)
        self.shown += len(text)
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()

    def close(self) -> None:
        """End it, if it still runs, as Ctrl+C does, so that it closes its browser, or kill it."""
        if self.running:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


def run(suites: list[Suite], places: int) -> int:
    """Run them all, at most `places` at a time, and say how each ended."""
    for current in suites:
        print(f"\n{current.name[0].upper()}{current.name[1:]}", flush=True)
        done = False
        while not done:
            free = places - sum(suite.running for suite in suites)
            for suite in [suite for suite in suites if suite.process is None][:free]:
                suite.start()
            done = current.process is not None and not current.running  # asked before the last words are shown
            current.show()
            if not done:
                time.sleep(0.2)
    codes = [suite.process.returncode for suite in suites]
    print()
    for suite, code in zip(suites, codes, strict=True):
        print(f"{suite.name}: {f'FAILED (pytest ended with {code})' if code else 'passed'}")
    return int(any(codes))


def main() -> int:
    suites = [Suite(name, arguments) for name, arguments in SUITES.items()]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        return run(suites, os.cpu_count() or 1)
    except KeyboardInterrupt:  # the suites have heard it too
        with suppress(subprocess.TimeoutExpired):
            for suite in suites:
                if suite.running:
                    suite.process.wait(20)
        return 130
    finally:
        for suite in suites:
            suite.close()


if __name__ == "__main__":
    sys.exit(main())
