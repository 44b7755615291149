"""The static form is whole without a script, well formed, silent towards other hosts and the same at every build."""

import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import plotly.graph_objects as go
import pytest
from states import NAMES, encoded, evaluated, explorer, states
from test_explorer import toy

from gradlab.explorer import Menu, PlotlyMime, Preset, Sentence, Slider, static, table
from gradlab.explorer.core import plain
from gradlab.style import figure, swap

VOID = {"input", "br", "meta", "link", "img", "hr"}


class Tree(HTMLParser):
    """Fails on a tag that is never closed; keeps every element with its attributes and the text inside it."""

    def __init__(self, html):
        super().__init__()
        self.open, self.found = [], []
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        assert len(set(names)) == len(names), f"{tag} repeats an attribute: {names}"
        self.found.append(SimpleNamespace(tag=tag, attributes=dict(attributes), text=""))
        if tag not in VOID:
            self.open.append(self.found[-1])

    def handle_startendtag(self, tag, attributes):
        self.found.append(SimpleNamespace(tag=tag, attributes=dict(attributes), text=""))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1].tag == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data):
        for element in self.open:
            element.text += data

    def all(self, tag=None, css=None):
        wanted = (e for e in self.found if tag in (None, e.tag))
        return [e for e in wanted if css is None or css in e.attributes.get("class", "").split()]

    def one(self, tag=None, css=None):
        (element,) = self.all(tag, css)
        return element


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """name -> (html, folder); the table is made from the states that other tests share."""
    made = {}

    def of(name):
        if name not in made:
            folder, whole = tmp_path_factory.mktemp(name), encoded(name)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(table, "evaluated", lambda _: evaluated(name))
                patch.setattr(table, "compressed", lambda *_: whole)
                made[name] = static.html(explorer(name), str(folder)), folder
        return made[name]

    return of


@pytest.mark.parametrize("name", NAMES)
def test_without_a_script_title_poster_sentence_and_numbers_are_there(name, page):
    html, _ = page(name)
    one, tree = explorer(name), Tree(html)
    state = states(name)[one.index(one.default)]
    assert tree.one(css="gl-title").text == one.title
    assert tree.one(css="gl-said").text == re.sub("<[^>]+>", "", state.said.whole)
    assert tree.one(css="gl-sentence").attributes["data-verdict"] == state.said.verdict
    picture = tree.one("svg")
    assert (
        picture.attributes["role"] == "img"
        and picture.attributes["aria-label"] == f"{one.title}. {plain(state.said.whole)}"
    )
    assert 2 <= len(tree.all("tr")) <= static.ROWS + 1 and all(cell.text for cell in tree.all("th"))
    root = tree.one("section")
    assert root.attributes["data-explorer"] == name and json.loads(root.attributes["data-state"]) == one.default


@pytest.mark.parametrize("name", NAMES)
def test_controls_are_native_labelled_and_at_their_default(name, page):
    tree, one = Tree(page(name)[0]), explorer(name)
    controls = {e.attributes["name"]: e for e in tree.found if "name" in e.attributes}
    assert list(controls) == [control.name for control in one.controls]
    assert len(tree.all("label")) == len(controls)
    for control in one.controls:
        element = controls[control.name].attributes
        if isinstance(control, Menu):
            assert controls[control.name].tag == "select"
        else:
            at = int(element["value"])
            assert control.values[at] == control.default and int(element["max"]) == len(control.values) - 1
            assert element["aria-valuetext"] == control.text(control.default) and element["aria-label"] == control.label
    chosen = [e.attributes["value"] for e in tree.all("option") if "selected" in e.attributes]
    assert chosen == [c.default for c in one.controls if isinstance(c, Menu)]
    assert [b.text for b in tree.all("button", "gl-preset")] == [p.label for p in one.presets]
    assert [b for b in tree.all("button") if b.attributes.get("data-do") == "linear"] != [] or not one.linear_axis


@pytest.mark.parametrize("name", NAMES)
def test_nothing_asks_another_host(name, page):
    html, folder = page(name)
    texts = [html, *(path.read_text() for path in folder.iterdir())]
    assert not any(re.search(r"https?:|//[a-z]|@import|url\(|\bsrc=|<link", text) for text in (html,))
    assert not any("http" in text[:200] for text in texts)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_script_needs_is_in_the_page(name, page):
    html, folder = page(name)
    one, tree = explorer(name), Tree(html)
    text = tree.one("script", "gl-spec").text
    spec = json.loads(text)
    assert "<" not in text and spec["name"] == name and spec["swap"] == swap()
    assert [c["values"] for c in spec["controls"]] == [list(c.values) for c in one.controls]
    assert [c["default"] for c in spec["controls"]] == list(one.default.values())
    assert [[eval(v) for v in c["literals"]] for c in spec["controls"]] == [list(c.values) for c in one.controls]
    assert [p["state"] for p in spec["presets"]] == [one.state(**p.state) for p in one.presets]
    files = [path.name for path in folder.iterdir()]
    inline = tree.all("script", "gl-table")
    assert files == [f"{spec['table']}.js"] if spec["table"] else (files == [] and len(inline) == 1)


def noise(states=12, points=4000):
    """An explorer whose table is too large to stand in the page."""
    drawn = np.random.default_rng(0).normal(size=(states, points))
    return toy(
        (Slider("n", "N", tuple(range(states)), 0),),
        evaluate=lambda n: n,
        figure=lambda n: figure([{"type": "scatter", "x": drawn[n], "y": drawn[n], "line": {"color": "#1C2128"}}], {}),
        sentence=lambda n: Sentence("reading", f"Noise {n}."),
    )


def test_a_large_table_goes_to_a_file_and_a_small_one_stays(tmp_path):
    html = static.html(noise(), str(tmp_path / "new"))
    (path,) = (tmp_path / "new").iterdir()
    key = json.loads(Tree(html).one("script", "gl-spec").text)["table"]
    assert path.name == f"{key}.js" and re.fullmatch(r"toy-[0-9a-f]{12}", key)
    assert re.fullmatch(rf'gradlabTables\["{key}"\]="[A-Za-z0-9+/=]+";\n', path.read_text())
    small = Tree(static.html(toy(), str(tmp_path / "none")))
    assert small.one("script", "gl-table").text and not (tmp_path / "none").exists()


def test_two_builds_are_identical(tmp_path):
    first, second = (static.html(noise(), str(tmp_path / folder)) for folder in "ab")
    assert first == second
    (one,), (other,) = ((tmp_path / folder).iterdir() for folder in "ab")
    assert one.name == other.name and one.read_bytes() == other.read_bytes()
    assert static.html(toy(), str(tmp_path)) == static.html(toy(), str(tmp_path))


def test_hostile_words_stay_words(tmp_path):
    evil = "</script><!-- <script>\"&'</section>"
    one = toy(
        (Slider("x", evil, (0, 1), 0, unit=evil), Menu("name", "Name", {evil: evil}, evil)),
        title=evil,
        presets=(Preset(evil, {"x": 1}),),
        sentence=lambda r: Sentence("reading", "Fine.", evil),
    )
    tree = Tree(static.html(one, str(tmp_path)))
    assert tree.one(css="gl-title").text == evil and tree.one("button", "gl-preset").text == evil
    assert tree.one("option").attributes["value"] == evil and tree.one("section").attributes["aria-label"] == evil
    assert len(tree.all("section")) == 1 and len(tree.all("script")) == 2
    assert json.loads(tree.one("script", "gl-spec").text)["controls"][1]["values"] == [evil]


def test_twelve_rows_first_and_last_included():
    for count in (1, 2, 11, 12, 13, 50, 500):
        picked = static.evenly(count, static.ROWS)
        assert picked[0] == 0 and picked[-1] == count - 1 and len(picked) == min(count, static.ROWS)
        assert picked == sorted(set(picked))


def test_numbers_table_words():
    meta = {"column": "kept", "format": "power"}
    traces = [
        {"type": "scatter", "x": [1, 2.5, 3], "y": [-2.0, 0.0, None], "meta": meta},
        {
            "type": "scatter",
            "x": np.array([1.0, 3.0]),
            "y": np.array([-0.5, np.inf]),
            "meta": {"column": "a<b", "format": "number"},
        },
        {"type": "scatter", "x": [1], "y": [1]},
    ]
    tree = Tree(static.numbers_table(figure(traces, {"meta": {"x": "layer"}})))
    assert [h.text for h in tree.all("th")] == ["layer", "kept", "a<b", "1", "2.50", "3"]
    assert [d.text for d in tree.all("td")] == ["0.0100", "−0.500", "1.00", "", "not a number", "beyond every float"]
    assert static.numbers_table(figure([], {})) == ""


def test_rows_with_names_and_cells_with_words():
    meta = {"column": "after", "format": "text"}
    traces = [
        {"type": "scatter", "x": np.arange(2.0), "y": np.zeros(2), "text": ["10<sup>−3</sup>", "never"], "meta": meta}
    ]
    tree = Tree(static.numbers_table(figure(traces, {"meta": {"x": "tanh", "rows": ["He", "N(0,1)"]}})))
    assert [h.text for h in tree.all("th")] == ["tanh", "after", "He", "N(0,1)"]
    assert [d.text for d in tree.all("td")] == ["10−3", "never"]


# ------------------------------------------------------------------------------------- figures of chapters


def test_a_figure_of_a_chapter(tmp_path):
    drawn = figure(
        [{"type": "scatter", "x": [1, 2], "y": [0.5, 0.25], "line": {"color": "#1C2128"}, "meta": {"column": "left"}}],
        {"xaxis": {"range": [1, 2]}, "yaxis": {"range": [0, 1]}},
        title="Ten keep 10<sup>−6</sup>",
        alt='A "line" falls & falls.',
    )
    data = SimpleNamespace(mime_type="application/vnd.plotly.v1+json", content=json.loads(drawn.to_json()))
    (node,) = PlotlyMime.handle_mime(None, data, False)
    tree = Tree(node.rawsource or str(node.astext()))
    assert node["format"] == "html" and tree.one("figcaption").text == "Ten keep 10−6"
    assert tree.one("svg").attributes["aria-label"] == 'Ten keep 10^−6. A "line" falls & falls.'
    assert tree.one("figure").attributes["aria-label"] == "Ten keep 10^−6"
    assert json.loads(tree.one("script", "gl-spec").text)["controls"] == [] and len(tree.all("tr")) == 3
    assert tree.one("script", "gl-table").text


def test_a_figure_without_columns_has_no_empty_numbers():
    bare = figure([], {}, title="Nothing")
    assert not Tree(static.figure_html(bare)).all("details")


def test_a_figure_without_a_title_is_refused_and_other_data_left_alone():
    data = SimpleNamespace(mime_type="application/vnd.plotly.v1+json", content=go.Figure().to_plotly_json())
    with pytest.raises(ValueError, match=r"figure: got one without a title; build it with gradlab.style.figure"):
        PlotlyMime.handle_mime(None, data, False)
    assert PlotlyMime.handle_mime(None, SimpleNamespace(mime_type="image/png"), False) is None
