"""The built front page in headless Chromium: from input to paint, and from request to a live explorer."""

import statistics
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks import Row

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from chromium import FLAGS, find  # noqa: E402

MOVES = 120

#: one move of a control, timed in the page: from the event to plotly's redraw, and to the frame after it
TIME_MOVES = """async (moves) => {
  const explorer = [...gradlab.explorers.values()][0];
  const slider = explorer.root.querySelector("input[type=range]");
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const times = [];
  for (let i = 0; i < moves; i++) {
    await frame();
    const start = performance.now();
    slider.value = 5 + ((i * 7) % 40);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await explorer.drawn;
    const drawn = performance.now() - start;
    await frame();
    times.push([drawn, performance.now() - start]);
  }
  return times;
}"""

#: the same figure drawn anew by plotly, which is what a page without a table of differences would do
TIME_NEW = """async (moves) => {
  const box = document.querySelector("[data-explorer] .gl-drawn");
  const [data, layout] = [box.data, box.layout];
  const times = [];
  for (let i = 0; i < moves; i++) {
    const start = performance.now();
    await Plotly.newPlot(box, data, layout, { displayModeBar: false });
    times.push(performance.now() - start);
  }
  return times;
}"""


def rows():
    page_file = ROOT / "_build" / "html" / "intro.html"
    if not page_file.exists():
        raise SystemExit(f"{page_file.relative_to(ROOT)} is missing: run `make book` first")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(page_file.as_uri())
        page.wait_for_selector("[data-explorer][data-drawn]")
        alive = page.evaluate("performance.now()")
        times = page.evaluate(TIME_MOVES, MOVES)
        anew = page.evaluate(TIME_NEW, 20)
        browser.close()
    drawn, painted = zip(*times, strict=True)
    p95 = statistics.quantiles(painted, n=20)[-1]
    yield Row("input to drawn, median", statistics.median(drawn), "ms")
    yield Row("input to paint, median", statistics.median(painted), "ms")
    yield Row("input to paint, 95th percentile", p95, "ms", "at most 50 ms", p95 <= 50)
    yield Row(
        "a new plot of the same figure / ours, input to drawn",
        statistics.median(anew) / statistics.median(drawn),
        "times",
    )
    yield Row("opening the page from disk to a live explorer", alive, "ms")
