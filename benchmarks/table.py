"""Building the static table of each explorer."""

from benchmarks import Row, seconds
from gradlab import widgets
from gradlab.explorer import table


def rows():
    for name in widgets.__all__:
        explorer = getattr(widgets, name)()
        size = 0

        def build(explorer=explorer):
            nonlocal size
            size = len(table.build(explorer))

        first = seconds(build)
        yield Row(f"table of {name}, {explorer.state_count} states, nothing computed yet", first, "s")
        yield Row(
            f"table of {name}, records cached: drawing and encoding / first build", seconds(build) / first, "times"
        )
        yield Row(f"table of {name}, compressed", size / 1000, "kB")
