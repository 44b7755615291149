"""python -m benchmarks [NAME ...]: prints one table; without a name, all of them."""

import importlib
import sys

NAMES = ("depths", "convolution", "normalization", "recurrent", "live", "table", "imports", "pages", "book")


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"benchmark: got {', '.join(unknown)}, expected some of {', '.join(NAMES)}")
        return 2
    missed = 0
    for name in names or NAMES:
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"\n{name}: {module.__doc__.splitlines()[0]}", flush=True)
        for row in module.rows():
            missed += row.met is False
            print(f"  {row}", flush=True)
    print(f"\n{missed} target{'' if missed == 1 else 's'} missed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
