"""How pytest compares the notebooks: printed text strictly, pictures and widgets not at all."""

import os

os.environ.pop("GRADLAB_STATIC", None)
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A figure is checked through the record it draws; standard error holds progress bars.
NOT_COMPARED = (
    "application/vnd.plotly.v1+json",
    "application/javascript",
    "image/svg+xml",
    "stderr",
    "text/html",
    "text/latex",
)


def pytest_collectstart(collector):
    if type(collector).__name__ == "IPyNbFile":
        collector.skip_compare += NOT_COMPARED
