"""The built book in a real Chromium: found, served on loopback and from disk, and watched for requests and errors."""

import http.server
import threading
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, TimeoutError, sync_playwright

from browser.drawn import BOOK, ROOT, Setting, chromium, explorers_of, guesses_of, pages

WATCH = """
window.shifts = [];
window.shiftWatch = new PerformanceObserver((list) => window.shifts.push(...list.getEntries()));
window.shiftWatch.observe({ type: "layout-shift", buffered: true });
// The colours of all letters in figures at the end of printing: this listens before the page does, which then redraws.
addEventListener("afterprint", () => {
  const letters = document.querySelectorAll(".gl-drawn .annotation-text");
  window.printed = [...letters].map((text) => getComputedStyle(text).fill);
});
"""
#: Every part of the page comes into view once, so that all that is drawn lazily is drawn.
SCROLL = """async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  for (let y = 0; y < document.documentElement.scrollHeight; y += 0.8 * innerHeight) {
    scrollTo({ top: y, behavior: "instant" });
    await frame();
  }
  scrollTo({ top: 0, behavior: "instant" });
  await frame();
}"""
DRAWN = (
    "() => window.gradlab && [...document.querySelectorAll('.gl-explorer')].every((e) => e.dataset.drawn !== undefined)"
)
SHIFTS = """async () => {
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  window.shifts.push(...window.shiftWatch.takeRecords());
  // Words that move inside their own reserved box, as when a sentence takes a line more, shift nothing else.
  const inside = (s) => s.node?.nodeType === 3 && s.node.parentElement?.closest(".gl-sentence, .gl-answer");
  return window.shifts.splice(0).filter((shift) => !shift.sources.every(inside)).map((shift) => {
    const parts = shift.sources.map((s) => s.node && (s.node.className || s.node.nodeName) + " " +
      [s.previousRect, s.currentRect].map((r) => [r.x, r.y, r.width, r.height].map(Math.round)).join(" to "));
    return `${shift.value.toFixed(4)}: ${parts.join("; ")}`;
  });
}"""


def pytest_generate_tests(metafunc):
    """``page_name`` runs over every page of the book, ``explorer_on`` over every (page, explorer),
    ``guess_on`` over every (page, guess box).

    A new chapter is covered with no change here. Without a book there is one case, and ``book`` fails it.
    """
    found = pages()
    if "guess_on" in metafunc.fixturenames:
        boxes = [(page, name) for page in found for name in guesses_of(page)] or [("no book", "none")]
        metafunc.parametrize("guess_on", boxes, ids=[f"{Path(page).stem}-{name}" for page, name in boxes])
    if "page_name" in metafunc.fixturenames:
        metafunc.parametrize("page_name", found or ["no book"], scope="module")
    if "explorer_on" in metafunc.fixturenames:
        pairs = [(page, name) for page in found for name in explorers_of(page)] or [("no book", "none")]
        ids = [f"{Path(page).stem}-{name}" for page, name in pairs]
        metafunc.parametrize("explorer_on", pairs, ids=ids, scope="module")


@pytest.fixture(scope="package")
def book() -> Path:
    """The folder of the built book."""
    assert pages(), f"There is no built book in {BOOK.relative_to(ROOT)}: run `make book`, then the tests again."
    return BOOK


@pytest.fixture(scope="package")
def browser() -> Browser:
    """One Chromium. Names of other hosts do not resolve in it, so that no request can leave the machine."""
    path = chromium.find()
    assert path, "No Chromium was found: `python tools/chromium.py` installs one."
    flags = [*chromium.FLAGS, "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=flags)
        yield started
        started.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_):  # a browser that closes a connection early is no news
        pass


@pytest.fixture(scope="package")
def serve():
    """serve(folder) -> address: a folder over http on a free port of loopback."""
    servers = []

    def start(folder: Path) -> str:
        server = _Server(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@dataclass
class Visit:
    """An open page and what it did that a page of the book must not do."""

    page: Page
    setting: Setting
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    while_loading: list[str] = field(default_factory=list)

    def shifts(self) -> list[str]:
        """The layout shifts since the last call, also those soon after a key or click."""
        return self.page.evaluate(SHIFTS)

    def draw_all(self) -> None:
        """Scroll through the page and wait until every explorer and figure is drawn."""
        self.page.evaluate(SCROLL)
        try:
            self.page.wait_for_function(DRAWN)
        except TimeoutError as error:
            raise AssertionError(f"{self.page.url}: not everything was drawn; {self.errors}") from error
        self.page.evaluate("gradlab.settled()")


def watched(context: BrowserContext, setting: Setting, local: str) -> Visit:
    """A page whose foreign requests, console errors and uncaught errors are recorded."""
    page = context.new_page()
    page.set_default_timeout(10_000)
    visit = Visit(page, setting)

    def request(sent):
        if not sent.url.startswith((local, "file:", "data:", "blob:", "about:")):
            visit.foreign.append(sent.url)

    context.on("request", request)
    page.on(
        "websocket",
        lambda socket: (
            None if socket.url.startswith(local.replace("http", "ws", 1)) else visit.foreign.append(socket.url)
        ),
    )
    page.on(
        "console",
        lambda message: (
            visit.errors.append(f"{message.text} {message.location['url']}") if message.type == "error" else None
        ),
    )
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    return visit


@pytest.fixture(scope="package")
def watch():
    """watch(context, setting, local) -> Visit, for pages that are not the book's."""
    return watched


@pytest.fixture(scope="package")
def address(book, serve):
    """The built book over http."""
    return serve(book)


@pytest.fixture(scope="package")
def open_page(browser, book, address):
    """open_page(setting, page, fragment="", folder=None, tab="", **context) -> Visit, in the tab kept for such a context.

    Each page is a document of its own, but a warm tab loads it at half the price. Who opens a second page in the same
    setting leaves the first, unless it names another ``tab``. ``folder`` is another one than the book's, read from
    disk only.
    """
    tabs = {}

    def warm(setting: Setting, name: str, more: dict) -> Visit:
        tab = tabs.get(key := repr((setting, name, more)))
        if tab and not tab.page.is_closed():
            try:
                tab.page.goto("about:blank")  # else a page that differs in its fragment only would not be loaded
                return tab
            except Error:  # it hangs or has crashed, which was said where it happened
                tab.page.context.close()
        context = browser.new_context(**setting.context(), **more)
        context.add_init_script(WATCH)
        tab = tabs[key] = watched(context, setting, address)
        return tab

    def start(
        setting: Setting, path: str, fragment: str = "", folder: Path | None = None, tab: str = "", **more
    ) -> Visit:
        found = warm(setting, tab, more)
        found.page.mouse.move(0, 0)
        found.foreign, found.errors = [], []
        visit = replace(found)
        start = address if setting.scheme == "http" and folder is None else (folder or book).as_uri() + "/"
        visit.page.goto(start + path + fragment, wait_until="load")
        return visit

    yield start
    for tab in tabs.values():
        tab.page.context.close()


@pytest.fixture
def visits(request, open_page):
    """``open_page`` for one test, which fails when one of its pages asked another host or erred."""
    opened, failed = [], request.session.testsfailed

    def start(*args, **more) -> Visit:
        opened.append(open_page(*args, **more))
        return opened[-1]

    yield start
    faults = [fault for visit in opened for fault in visit.foreign + visit.errors]
    if faults or request.session.testsfailed != failed:  # the next test gets tabs that nothing has happened to
        for visit in opened:
            visit.page.context.close()
    assert not faults


@pytest.fixture(scope="package")
def scratch(book, tmp_path_factory):
    """scratch(*elements) -> (folder, page): a page of elements of the book with the book's own style and script."""

    def make(*elements: str) -> tuple[Path, str]:
        folder = tmp_path_factory.mktemp("scratch")
        (folder / "_static").symlink_to(book / "_static")
        theme = 'document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"'
        head = (
            '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Scratch</title>'
            '<link rel="icon" href="_static/favicon.svg"><link rel="stylesheet" href="_static/gradlab.css">'
            f'<script>{theme}</script><script defer src="_static/gradlab.js"></script>'
        )
        body = "".join(elements)
        page = f'<!doctype html><html lang="en"><head>{head}</head><body><main>{body}</main></body></html>'
        (folder / "page.html").write_text(page, encoding="utf-8")
        return folder, "page.html"

    return make
