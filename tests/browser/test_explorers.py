"""Every explorer on every page, moved through every control, its drawn points compared with Python's."""

import json
import random
import re
from urllib.parse import parse_qs

import pytest

from browser.drawn import (
    DESK,
    POCKET,
    SETTINGS,
    Setting,
    compare,
    computed,
    element,
    explorer,
    explorers_of,
    grid_state,
    pages,
    read,
    same_arrays,
    source,
    table,
)
from gradlab.explorer import Menu, live
from gradlab.explorer.core import WORDS

SHORT = [setting for setting in SETTINGS if setting != DESK]
HASH = "() => location.hash.includes('?')"


class Driven:
    """One explorer on an open page, driven as a reader drives it."""

    def __init__(self, visit, name: str):
        self.visit, self.page, self.name, self.made = visit, visit.page, name, explorer(name)
        self.root = self.page.locator(f'[data-explorer="{name}"]')
        self.root.scroll_into_view_if_needed()
        self.page.wait_for_selector(f'[data-explorer="{name}"][data-drawn]')
        self.pin = self.first_pin()

    def first_pin(self):
        first = [p for p in self.made.presets if self.made.state(**p.state) == self.made.default]
        return self.made.state(**first[0].pin) if first and first[0].pin is not None else None

    def control(self, name: str):
        return self.root.locator(f'.gl-control [name="{name}"]')

    def do(self, what: str):
        self.root.locator(f'[data-do="{what}"]').click()
        return self.check()

    def again(self):
        self.pin = self.first_pin()
        return self.do("again")

    def check(self, **expected):
        """What is drawn equals what Python computes, and the named controls have the named values."""
        shown = compare(self.page, self.name, extra=("pinned",) if self.pin else ())
        for name, value in expected.items():
            assert shown["state"][name] == value
        if self.pin:
            self._pinned(shown)
        return shown

    def _pinned(self, shown):
        frozen, pinned = computed(self.name, self.pin)
        data = [
            trace for trace in frozen.to_plotly_json()["data"] if (trace.get("meta") or {}).get("role") == "measured"
        ]
        curve = {key: table.array(data[0][key]) for key in "xy"}
        same_arrays({key: shown["traces"][-1]["arrays"][key] for key in "xy"}, curve, (self.name, "pinned", self.pin))
        said = computed(self.name, shown["state"])[1]
        clause = ""
        if None not in (said.log10_value, pinned.log10_value):
            clause = live.compared(said.log10_value - pinned.log10_value, pinned.label)
        assert shown["compared"] == clause


@pytest.fixture
def driven(visits):
    """driven(setting, (page, explorer)) -> Driven; from then on nothing on the page may move."""

    def start(setting: Setting, explorer_on: tuple[str, str], **more) -> Driven:
        page, name = explorer_on
        one = Driven(visits(setting, page, **more), name)
        one.page.evaluate("gradlab.settled()")
        one.visit.shifts()
        return one

    return start


@pytest.fixture(scope="module")
def at_hand(request, explorer_on, open_page):
    """at_hand() -> Driven, on a page that stays open for all tests of `moved` until one of them fails."""
    page, name = explorer_on
    held = []

    def get() -> Driven:
        if not held or held[-1].page.is_closed():
            held.append(Driven(open_page(request.param, page, tab="at hand"), name))
        return held[-1]

    return get


@pytest.fixture
def moved(request, at_hand):
    """The explorer after "Start again"; from then on nothing on the page may move, ask another host or err."""
    one, failed = at_hand(), request.session.testsfailed
    one.page.mouse.move(0, 0)
    one.again()
    one.root.scroll_into_view_if_needed()
    one.page.evaluate("gradlab.settled()")
    one.visit.shifts()
    yield one
    faults = one.visit.foreign + one.visit.errors
    if faults or request.session.testsfailed != failed:
        one.page.context.close()
    assert not faults


def on(*settings: Setting):
    """The settings in which a test of `moved` runs."""
    return pytest.mark.parametrize("at_hand", settings, ids=str, indirect=True, scope="module")


def assert_still(one: Driven, height: int):
    assert one.visit.shifts() == []
    assert one.page.evaluate("document.documentElement.scrollHeight") == height


@on(DESK, POCKET)
def test_every_value_by_keyboard(moved):
    one, press = moved, moved.page.keyboard.press
    height = one.check()["height"]
    for control in one.made.controls:
        one.again()
        values = list(control.values)
        one.control(control.name).focus()
        press("Home")
        one.check(**{control.name: values[0]})
        key = "ArrowDown" if isinstance(control, Menu) else "ArrowRight"
        for value in values[1:]:
            press(key)
            one.check(**{control.name: value})
        press(key)
        one.check(**{control.name: values[-1]})
        if len(values) > 1:
            press("ArrowUp" if isinstance(control, Menu) else "ArrowLeft")
            one.check(**{control.name: values[-2]})
        press("End")
        one.check(**{control.name: values[-1]})
    assert_still(one, height)


@on(DESK, POCKET)
def test_every_control_by_pointer(moved):
    one = moved
    height = one.check()["height"]
    for control in one.made.controls:
        field, values = one.control(control.name), list(control.values)
        if isinstance(control, Menu):
            for value in values:
                field.select_option(value)
                one.check(**{control.name: value})
            continue
        for share in (0.98, 0.02, 0.31, 0.5, 0.77):
            box = field.bounding_box()
            field.click(position={"x": share * box["width"], "y": box["height"] / 2})
            at = values.index(one.check()["state"][control.name])
            aimed = (share * box["width"] - 8) / (box["width"] - 16) * (len(values) - 1)
            assert abs(at - min(max(aimed, 0), len(values) - 1)) < 0.05 * len(values) + 0.6, (control.name, share)
        one.page.mouse.move(box["x"] + 0.77 * box["width"], box["y"] + box["height"] / 2)
        one.page.mouse.down()
        one.page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + box["height"] / 2, steps=4)
        one.page.mouse.move(box["x"] + 1.2 * box["width"], box["y"] + box["height"] / 2, steps=4)
        one.page.mouse.up()
        one.check(**{control.name: values[-1]})
    for preset, button in zip(one.made.presets, one.root.locator(".gl-preset").all(), strict=True):
        button.click()
        one.pin = one.made.state(**preset.pin) if preset.pin is not None else None
        one.check(**one.made.state(**preset.state))
    one.again()
    assert_still(one, height)


@pytest.mark.parametrize("setting", SHORT, ids=str)
def test_ends_and_presets(explorer_on, setting, driven):
    one = driven(setting, explorer_on)
    height = one.check(**one.made.default)["height"]
    for control in one.made.controls:
        values = list(control.values)
        one.control(control.name).focus()
        for key, value in (("End", values[-1]), ("Home", values[0])):
            one.page.keyboard.press(key)
            one.check(**{control.name: value})
    for preset, button in zip(one.made.presets, one.root.locator(".gl-preset").all(), strict=True):
        button.press("Enter")
        one.pin = one.made.state(**preset.pin) if preset.pin is not None else None
        one.check(**one.made.state(**preset.state))
    assert_still(one, height)


@on(DESK)
def test_states_at_random(moved):
    """Controls moved together, in states that no path of single moves reaches; the page keeps its height."""
    one = moved
    height = one.check()["height"]
    choose = random.Random(1)
    for _ in range(15):
        state = {c.name: choose.choice(list(c.values)) for c in one.made.controls}
        one.page.evaluate("([name, state]) => gradlab.explorers.get(name).set(state)", [one.name, state])
        one.check(**state)
    assert_still(one, height)


@pytest.mark.parametrize("setting", [DESK, POCKET], ids=str)
def test_buttons(explorer_on, setting, driven):
    """Pin, axis, numbers, copy, link and start again."""
    one = driven(
        setting, explorer_on, **({"permissions": ["clipboard-read", "clipboard-write"]} if setting is DESK else {})
    )
    height = one.check()["height"]
    if one.pin:
        one.pin = None
        one.do("pin")
    state = one.check()["state"]
    one.pin = state
    assert one.do("pin")["compared"] == one.check()["compared"]
    assert one.root.locator('[data-do="pin"]').inner_text() == WORDS["unpin"]
    first = one.made.controls[0]
    field = one.control(first.name)
    field.focus()
    field.press("Home")
    one.check(**{first.name: first.values[0]})
    _linear(one)
    _copy(one, setting)
    one.do("link")
    assert one.page.evaluate("location.hash").startswith(f"#{one.name}?")
    one.pin = None
    one.do("pin")
    one.again()
    assert_still(one, height)
    one.root.locator(".gl-numbers summary").click()
    assert one.root.locator(".gl-numbers table").is_visible()


def _linear(one: Driven):
    button = one.root.locator('[data-do="linear"]')
    assert button.count() == int(one.made.linear_axis)
    if one.made.linear_axis:
        button.click()
        shown = read(one.page, one.name)
        spec = computed(one.name, grid_state(one.name, shown["state"]))[0].to_plotly_json()
        expected = live.on_linear_axis(spec)
        for trace, wanted in zip(shown["traces"], expected["data"], strict=False):
            for key in ("x", "y"):
                assert trace["arrays"][key] == pytest.approx(table.array(wanted[key]), rel=1e-5, nan_ok=True)
        button.click()
        one.check()


def _copy(one: Driven, setting: Setting):
    button = one.root.locator('[data-do="copy"]')
    button.click()
    one.page.wait_for_selector(f'[data-explorer="{one.name}"][data-copied]')
    shown = one.check()
    assert shown["copied"] == one.made.python(shown["state"])
    if setting is DESK:
        assert one.page.evaluate("navigator.clipboard.readText()") == shown["copied"]
    found = {}
    exec(re.sub(r"\n(widgets.*)$", r"\nrecord = \1", shown["copied"]), found)
    assert one.made.sentence(found["record"]).whole == computed(one.name, shown["state"])[1].whole


@on(DESK)
def test_a_click_on_the_curve_sets_the_control(moved):
    """Where a trace says which control it sets, a click near one of its points sets that control."""
    one = moved
    targets = one.page.evaluate(
        """(name) => {
      const box = document.querySelector(`[data-explorer="${name}"] .gl-drawn`);
      const frame = box.getBoundingClientRect();
      return box.data.filter((t) => t.meta?.sets && t.x.length).map((t) => {
        const x = box._fullLayout[(t.xaxis || "x").replace("x", "xaxis")], y = box._fullLayout[(t.yaxis || "y").replace("y", "yaxis")];
        const i = Math.floor(t.x.length * 0.7);
        return { sets: t.meta.sets, value: (t.meta.values || t.x)[i], left: x._offset + x.d2p(t.x[i]), top: y._offset + y._length / 2 };
      });
    }""",
        one.name,
    )
    assert {target["sets"] for target in targets} <= set(one.made.default)
    for target in targets:
        one.root.locator(".gl-drawn").click(position={"x": target["left"], "y": target["top"]})
        values = next(c.values for c in one.made.controls if c.name == target["sets"])
        one.check(**{target["sets"]: min(values, key=lambda v: abs(v - target["value"]))})


def grips(one: Driven) -> list[dict]:
    """Every handle of an explorer: for x and y the control that it sets, and the places of its values on screen."""
    return one.page.evaluate(
        """(name) => {
      const root = document.querySelector(`[data-explorer="${name}"]`), box = root.querySelector(".gl-drawn");
      const frame = root.querySelector(".gl-figure").getBoundingClientRect();
      return [...root.querySelectorAll(".gl-handle")].map((grip) => {
        const place = grip.getBoundingClientRect(), out = { size: [place.width, place.height], label: grip.ariaLabel };
        out.click = Boolean(grip.held.handle.click);
        for (const key of ["x", "y"]) {
          const held = grip.held.handle[key];
          if (!held) continue;
          const values = gradlab.explorers.get(name).spec.controls.find((c) => c.name === held.control).values;
          out[key] = { control: held.control, at: (held.at || values).map((v) => grip.held[key]._offset + grip.held[key].d2p(v)) };
        }
        return out;
      });
    }""",
        one.name,
    )


@on(DESK, POCKET)
def test_every_handle(moved):
    """A handle is dragged to other values, and stepped by the arrow keys; the control beside it follows."""
    one = moved
    height = one.check()["height"]
    promised = [
        t
        for t in computed(one.name, one.made.default)[0].to_plotly_json()["data"]
        if (t.get("meta") or {}).get("handle")
    ]
    assert len(grips(one)) == len([t for t in promised if len(t["x"])])
    for i, grip in enumerate(grips(one)):
        one.again()
        handle = one.root.locator(".gl-handle").nth(i)
        assert min(grip["size"]) >= 24 and grip["label"]
        for axis, keys in (("x", ("ArrowRight", "ArrowLeft")), ("y", ("ArrowUp", "ArrowDown"))):
            if axis not in grip:
                continue
            name, values = grip[axis]["control"], list(_control(one, grip[axis]["control"]).values)
            start = values.index(one.check()["state"][name])
            handle.focus()
            rising = grip[axis]["at"][-1] > grip[axis]["at"][0]
            along = 1 if rising == (axis == "x") else -1  # y grows downwards on a screen
            for key, step in zip(keys, (along, -along), strict=True):
                start = min(max(start + step, 0), len(values) - 1)
                handle.press(key)
                one.check(**{name: values[start]})
            for target in (len(values) // 4, len(values) - 1, 0):
                _drag(one, handle, axis, grip[axis]["at"][target])
                one.check(**{name: values[target]})
        if grip["click"]:  # the last value of both
            one.root.locator(".gl-drawn").click(position={axis: grip[axis]["at"][-1] for axis in "xy"})
            one.check(**{grip[axis]["control"]: _control(one, grip[axis]["control"]).values[-1] for axis in "xy"})
    assert_still(one, height)


def _drag(one: Driven, handle, axis: str, to: float):
    frame, place = one.root.locator(".gl-drawn").bounding_box(), handle.bounding_box()
    at = {"x": place["x"] + place["width"] / 2, "y": place["y"] + place["height"] / 2}
    one.page.mouse.move(at["x"] + 3, at["y"] + 2)
    one.page.mouse.down()
    there = at | {axis: frame[axis] + to}
    one.page.mouse.move(there["x"] + 3, there["y"] + 2, steps=5)
    one.page.mouse.up()


# ------------------------------------------------------------------------------------------------- address


def all_moved(one: Driven):
    """Every control away from its default, one curve pinned, and the state written into the address."""
    for control in one.made.controls:
        field = one.control(control.name)
        field.focus()
        field.press("End" if control.default != control.values[-1] else "Home")
    if one.pin:
        one.pin = None
        one.do("pin")
    one.pin = one.check()["state"]
    one.do("pin")
    field.press("Home" if control.default != control.values[-1] else "End")
    return one.check()


@pytest.mark.parametrize("setting", [DESK, POCKET], ids=str)
def test_the_address_holds_the_state(explorer_on, setting, driven):
    one = driven(setting, explorer_on)
    shown = all_moved(one)
    linear = one.root.locator('[data-do="linear"]')
    if one.made.linear_axis:
        linear.click()
    one.page.wait_for_function(HASH)
    one.root.locator('[data-do="link"]').click()
    one.page.reload()
    one.page.wait_for_selector(f'[data-explorer="{one.name}"][data-drawn]')
    if one.made.linear_axis:
        assert linear.get_attribute("aria-pressed") == "true"
        linear.click()
    again = one.check()
    assert (again["state"], again["compared"]) == (shown["state"], shown["compared"])


def test_an_unknown_value_is_ignored_and_said(explorer_on, visits):
    page_name, name = explorer_on
    made = explorer(name)
    last = made.controls[-1]
    good = f"{made.controls[0].name}={made.controls[0].values[0]}"
    visit = visits(DESK, page_name, f"#{name}?{good}&{last.name}=<b>2000</b>&spin=7;nobody?a=1")
    one = Driven(visit, name)
    shown = one.check(
        **{
            made.controls[0].name: made.controls[0].values[0],
            **({last.name: last.default} if len(made.controls) > 1 else {}),
        }
    )
    assert (shown["notice"] and "<b>2000</b>" in shown["notice"]) or "spin" in shown["notice"]
    assert one.root.locator(".gl-notice b").count() == 0
    visit = visits(DESK, page_name, f"#{name}?{last.name}=2000.5")
    shown = Driven(visit, name).check(**made.default)
    assert shown["notice"] == WORDS["ignored"].format(name=last.name, value="2000.5")
    field = visit.page.locator(f'[data-explorer="{name}"] .gl-control [name]').first
    field.focus()


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_back_leaves_the_page_with_one_press(explorer_on, scheme, visits, book, address):
    page_name, name = explorer_on
    elsewhere = next(page for page in pages() if page != page_name)
    visit = visits(Setting(scheme, "desktop", "light"), elsewhere)
    before = visit.page.url
    visit.page.goto((address if scheme == "http" else book.as_uri() + "/") + page_name)
    one = Driven(visit, name)
    for control in one.made.controls:
        one.control(control.name).focus()
        for key in ("End", "Home", "End"):
            one.control(control.name).press(key)
            one.check()
        one.page.wait_for_function(HASH)
        one.root.locator('[data-do="link"]').click()
    one.page.go_back()
    assert visit.page.url == before


@pytest.mark.parametrize("setting", [DESK, POCKET], ids=str)
def test_two_on_one_page(setting, book, visits, scratch):
    """A page with every explorer of the book: one moves, the others stay; the address holds all that moved."""
    where = {name: page for page in pages() for name in explorers_of(page)}
    assert len(where) > 1, "the book has one explorer only"
    folder, page = scratch(*(element(page, name) for name, page in where.items()))
    visit = visits(setting, page, folder=folder)
    visit.draw_all()
    all_ = [Driven(visit, name) for name in where]
    before = {one.name: one.check() for one in all_}
    for one in all_[:2]:
        all_moved(one)
        after = {other.name: other.check() for other in all_ if other is not one}
        for name, shown in after.items():
            if one is all_[0] or name != all_[0].name:
                same = ("state", "said", "compared", "table", "pressed", "range", "notes")
                assert {key: shown[key] for key in same} == {key: before[name][key] for key in same}
    for one in all_[:2]:
        one.root.locator('[data-do="link"]').click()
    kept = {one.name: one.check()["state"] for one in all_}
    assert visit.page.evaluate("location.hash").count("?") == 2
    visit.page.reload()
    visit.draw_all()
    assert {one.name: one.check()["state"] for one in all_} == kept


# ------------------------------------------------------------------------------- prose links, speech, touch

LINK = 'a[href^="#"][href*="?"]'
#: Notes every control that gets marked from now on; the mark itself fades.
MARKED = """() => {
  window.marked = [];
  window.marking ||= new MutationObserver((changes) => changes.forEach(({ target }) => {
    if (target.classList.contains("gl-changed")) window.marked.push(target.querySelector("[name]").name);
  }));
  window.marking.observe(document.body, { subtree: true, attributeFilter: ["class"] });
}"""


@pytest.mark.parametrize("setting", [DESK, POCKET], ids=str)
def test_prose_sets_the_explorer(page_name, setting, book, visits):
    """A link sets every control, brings the figure into view, marks what changed and leaves the page where it is."""
    if "gl-set" not in source(page_name):
        return
    visit = visits(setting, page_name, reduced_motion="reduce")
    links = visit.page.locator(LINK)
    visit.page.wait_for_function("window.gradlab")
    for link in links.all():
        name, query = link.get_attribute("href")[1:].split("?")
        assert "gl-set" in link.get_attribute("class") and not link.evaluate("(a) => a.target")
        one = Driven(visit, name)
        before = one.check()["state"]
        wanted = one.made.default | {
            key: next(v for v in _control(one, key).values if str(v) == text or _number(text) == v)
            for key, (text,) in parse_qs(query).items()
        }
        visit.page.evaluate(MARKED)
        if seen := link.is_visible():  # else it stands in a folded solution
            link.focus()
            link.press("Enter")
        else:
            link.dispatch_event("click")
        shown = one.check(**wanted)
        assert set(visit.page.evaluate("window.marked")) >= {
            key for key, value in wanted.items() if before[key] != value
        }
        assert shown["notice"] == ""
        visible = one.root.locator(".gl-figure").evaluate(
            "(e) => { const b = e.getBoundingClientRect(); return (Math.min(b.bottom, innerHeight) - Math.max(b.top, 0)) / b.height; }"
        )
        assert visible >= 0.6
        back = visit.page.locator(".gl-back")
        if seen and back.count():
            back.click()
            assert link.evaluate("(a) => a === document.activeElement")
    if links.count():
        visit.page.wait_for_selector(".gl-changed", state="detached")


def _control(one: Driven, name: str):
    return next(c for c in one.made.controls if c.name == name)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def test_speaks_once_after_quiet(explorer_on, driven):
    """Many quick moves, one status message: after 600 ms of quiet, and it is the sentence that stands there."""
    one = driven(DESK, explorer_on)
    assert one.root.locator(".gl-status").text_content() == "", "nothing is said before the reader moves"
    one.page.evaluate(
        """(name) => {
      const root = document.querySelector(`[data-explorer="${name}"]`);
      window.spoken = [];
      window.lastMove = 0;
      root.addEventListener("input", () => (window.lastMove = performance.now()), true);
      new MutationObserver(() => window.spoken.push([performance.now() - window.lastMove, root.querySelector(".gl-status").textContent]))
        .observe(root.querySelector(".gl-status"), { childList: true, characterData: true, subtree: true });
    }""",
        one.name,
    )
    first = one.made.controls[0]
    one.control(first.name).evaluate(
        """async (field, values) => {  // in the page, where no pause between two moves is as long as 600 ms
      for (const value of values) {
        field.value = value;
        field.dispatchEvent(new Event("input", { bubbles: true }));
        await gradlab.settled();
      }
    }""",
        list(first.values[:6]) if isinstance(first, Menu) else list(range(len(first.values)))[:6],
    )
    one.page.wait_for_function("window.spoken.length > 0")
    one.page.wait_for_function("performance.now() - window.lastMove > 2000")
    spoken = one.page.evaluate("window.spoken")
    assert len(spoken) == 1
    assert spoken[0][0] >= 595
    assert spoken[0][1].split() == one.root.locator(".gl-sentence").text_content().split()
    status = one.root.locator(".gl-status")
    assert status.get_attribute("role") == "status"
    assert one.root.locator(".gl-sentence").get_attribute("aria-live") is None


@on(POCKET)
def test_a_finger_on_the_picture_scrolls_the_page(moved):
    one = moved
    one.root.locator(".gl-figure").evaluate("(e) => e.scrollIntoView({ block: 'center', behavior: 'instant' })")
    before = one.page.evaluate("scrollY")
    box = one.root.locator(".gl-drawn").bounding_box()
    x, y = box["x"] + 0.9 * box["width"], box["y"] + 0.6 * box["height"]
    assert (
        one.page.evaluate(
            "([x, y]) => document.elementFromPoint(x, y).closest('.gl-handle, .gl-drawn').className", [x, y]
        )
        != "gl-handle"
    )
    session = one.page.context.new_cdp_session(one.page)
    touches = [("touchStart", 0), *(("touchMove", -step * 20) for step in range(1, 9)), ("touchEnd", None)]
    for kind, moved_by in touches:
        points = [] if moved_by is None else [{"x": x, "y": y + moved_by}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    one.page.wait_for_function("(before) => scrollY > before + 100", arg=before)
    one.check(**one.made.default)


@on(POCKET)
def test_every_control_is_large_enough_for_a_finger(moved):
    one = moved
    for part in one.root.locator(".gl-control select, .gl-control input, button, summary").all():
        assert part.bounding_box()["height"] >= 44, part.evaluate("(e) => e.outerHTML.slice(0, 100)")


def test_focus_is_visible(explorer_on, driven):
    one = driven(DESK, explorer_on)
    one.control(one.made.controls[0].name).focus()
    seen = set()
    for _ in range(30):
        place = one.page.evaluate(
            """(name) => {
          const e = document.activeElement, s = getComputedStyle(e);
          const inside = e.closest(`[data-explorer="${name}"]`);
          return inside && [e.name || e.dataset.do || e.textContent, s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2];
        }""",
            one.name,
        )
        if place is None:
            break
        assert place[1], place[0]
        seen.add(place[0])
        one.page.keyboard.press("Tab")
    assert seen >= {c.name for c in one.made.controls} | {"pin", "again", "copy", "link"}


def test_the_page_carries_what_the_first_draw_shows(explorer_on, book):
    """Sentence, state and numbers in the HTML are those of the default state: first paint needs no script."""
    page, name = explorer_on
    made, part = explorer(name), element(page, name)
    assert computed(name, made.default)[1].whole in part
    state = re.search(r'data-state="([^"]*)"', part)[1].replace("&quot;", '"')
    assert json.loads(state) == made.default
    assert source(page).count(f'data-explorer="{name}"') == 1
