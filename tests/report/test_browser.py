"""The page in a real Chromium (Debian's package `chromium`), from file:// and with no network."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dnabert.report import write_report
from dnabert.report.interactive import MAXIMUM_POINTS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
]
_MANY = 173_000
_FEW = 6_000
_DRAWN = "document.getElementById('map').data.map(trace => trace.x.length)"
_NO_STORAGE = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }});"
_WHITE, _DARK = ("rgb(255, 255, 255)", "#ffffff"), ("rgb(21, 24, 29)", "#15181d")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_FLAGS)
        yield browser
        browser.close()


def _fixture() -> Any:
    """conftest.py as a module: its session fixtures hold another comparison than these tests need."""
    spec = importlib.util.spec_from_file_location("report_fixture", Path(__file__).with_name("conftest.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _write(folder: Path, *, run: Path, n: int) -> Path:
    _fixture().write_comparison(folder / "comparison", n=n)
    return write_report(folder / "comparison", run=run, out=folder / "out")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, run: Path) -> Path:
    return _write(tmp_path_factory.mktemp("large"), run=run, n=_MANY)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, run: Path) -> Path:
    return _write(tmp_path_factory.mktemp("few"), run=run, n=_FEW)


@contextmanager
def _opened(browser: Browser, report: Path, *, before: str = "", **options: Any) -> Iterator[Page]:
    """The page with its map drawn; on leaving, nothing may have failed or been asked of a network."""
    page = browser.new_page(viewport={"width": 1360, "height": 860}, **options)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on(
        "request", lambda r: complaints.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None
    )
    if before:
        page.add_init_script(before)
    page.goto(report.as_uri())
    page.wait_for_selector("#map[data-ready=yes]", timeout=120_000)
    yield page
    assert complaints == []
    page.close()


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    with _opened(browser, report) as page:
        yield page


def _saved(page: Page, selector: str) -> tuple[str, bytes]:
    with page.expect_download() as download:
        page.locator(selector).first.click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def _find(page: Page, text: str) -> str:
    page.fill("#find", text)
    page.press("#find", "Enter")
    return page.inner_text("#found")


def _ground(page: Page) -> tuple[str, str]:
    """Colours behind the text and behind the map."""
    return tuple(
        page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, document.getElementById('map').layout.paper_bgcolor]"
        )
    )


def test_many_windows_stay_small_and_draw(browser: Browser, large: Path) -> None:
    assert large.stat().st_size < 25e6
    with _opened(browser, large) as page:
        assert sum(page.evaluate(_DRAWN)) == _MANY


def test_a_million_windows_open_with_a_part_of_them_drawn(browser: Browser, run: Path, tmp_path: Path) -> None:
    report = _write(tmp_path, run=run, n=1_000_000)
    assert report.stat().st_size < 35e6
    with _opened(browser, report) as page:
        assert sum(page.evaluate(_DRAWN)) == MAXIMUM_POINTS
        assert "300,000 drawn at random for the map" in page.inner_text("#sampled").replace("\u202f", ",").replace("\u2009", ",")


def test_every_colour_draws_every_window(page: Page) -> None:
    options = page.eval_on_selector_all("#colour option", "all => all.map(each => each.value)")
    assert options == [
        "label",
        "genome",
        "region",
        "gene_type",
        "repeat_class",
        "cpg_island",
        "gc",
        "probability",
        "split",
    ]
    for option in options:
        page.select_option("#colour", option)
        assert sum(page.evaluate(_DRAWN)) == _FEW


def test_noise_is_drawn_first_in_light_grey(page: Page) -> None:
    name, colour = page.evaluate("(t => [t.name, t.marker.color])(document.getElementById('map').data[0])")
    assert name.startswith("noise (") and colour == "#D8D8D8"


def test_hover_tells_the_window(page: Page) -> None:
    box = page.locator("#map .nsewdrag").first.bounding_box()
    assert box is not None
    for step in range(60):
        page.mouse.move(box["x"] + box["width"] * (0.3 + 0.006 * step), box["y"] + box["height"] / 2)
        page.wait_for_timeout(30)
        if "chr22:" in page.inner_text("#hover"):
            break
    assert all(word in page.inner_text("#hover") for word in ("place", "cluster", "region", "repeat", "GC"))


def test_a_cluster_opens_its_card(page: Page) -> None:
    page.locator("#clusters table a").first.click()
    page.wait_for_selector("#clusters details[open] .sequence")


def test_a_point_opens_its_card(page: Page) -> None:
    place = page.evaluate("""() => {
        const map = document.getElementById("map"), box = map.querySelector(".nsewdrag").getBoundingClientRect();
        const {xaxis, yaxis} = map._fullLayout, last = map.data[map.data.length - 1];
        return [box.x + xaxis.d2p(last.x[0]), box.y + yaxis.d2p(last.y[0])];
    }""")
    page.mouse.move(place[0] - 30, place[1])
    page.mouse.move(*place, steps=8)
    page.wait_for_function("document.getElementById('hover').innerText.includes('cluster')")
    page.mouse.click(*place)
    page.wait_for_selector("#clusters details[open]:target .sequence")


def test_tables_sort_by_number(page: Page) -> None:
    heading = page.locator("#clusters th button", has_text="Windows")
    cells = "all => all.map(each => Number(each.dataset.value))"
    for reverse in (True, False):
        heading.click()
        sizes = page.eval_on_selector_all("#clusters tbody td:nth-child(2)", cells)
        assert sizes == sorted(sizes, reverse=reverse)


def test_pictures_load(page: Page) -> None:
    widths = page.eval_on_selector_all("figure img", "all => all.map(each => each.naturalWidth)")
    assert len(widths) == 3 and min(widths) > 100


def test_narrow_screen_has_no_sideways_scroll(page: Page) -> None:
    page.set_viewport_size({"width": 420, "height": 800})
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 420


def test_search_by_gene_marks_counts_and_lists(page: Page) -> None:
    genes = _fixture().map_table(_FEW)["gene"]
    n = int((genes == "APOL1").sum())
    assert _find(page, "apol1") == f"{n:,} windows in gene APOL1, the first 20 listed."
    assert page.evaluate(_DRAWN)[-1] == n
    assert page.locator("#hits li").count() == 20
    page.locator("#hits li a").first.click()
    page.wait_for_selector("#clusters details[open]")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("chr22:449-896", "1 window at chr22:449–896."),
        ("chr22:448-897", "3 windows at chr22:448–897."),
        ("CHR22 : 1,000", "1 window at chr22:1,000."),
        ("chr22:2-1", "The end 1 lies before the start 2."),
        ("chr9:5", "The map has no chromosome chr9; it has chr22."),
        ("cluster 99", "The map has no cluster 99."),
        ("<b>x", "No gene, place or cluster “<b>x” on this map."),
    ],
)
def test_search_by_place(page: Page, asked: str, told: str) -> None:
    assert _find(page, asked) == told


def test_search_by_genome_and_cluster(page: Page) -> None:
    table = _fixture().map_table(_FEW)
    first = table["genome"][0]
    assert _find(page, f"{first} chr22:1-448") == f"1 window at chr22:1–448 of {first}."
    n = int((table["label"] == 3).sum())
    for asked in ("3", "cluster 3", "#3"):
        assert _find(page, asked).startswith(f"{n:,} windows in cluster 3")


def test_search_by_keyboard_alone(page: Page) -> None:
    page.focus("#find")
    page.keyboard.type("MYH9")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "hits"
    page.locator("#hits li button").first.press("Enter")
    assert "chr22:" in page.evaluate("document.getElementById('map').layout.annotations[0].text")
    page.keyboard.press("Escape")
    assert page.inner_text("#found") == "" and page.locator("#hits").is_hidden()
    assert page.evaluate("document.activeElement.id") == "find"
    assert sum(page.evaluate(_DRAWN)) == _FEW
    assert page.evaluate("document.getElementById('map').layout.annotations") in (None, [])


def test_legend_by_keyboard(page: Page) -> None:
    visible = "document.getElementById('map').data.map(trace => trace.visible)"
    page.locator("#legend button").nth(1).press("Enter")
    assert page.evaluate(visible)[:3] == [True, False, True]
    page.click("#look")
    assert page.evaluate(visible)[:3] == [True, False, True]
    page.locator("#legend button", has_text="hide all").press("Space")
    assert not any(page.evaluate(visible))
    assert page.locator("#legend [aria-pressed=true]").count() == 0
    page.select_option("#colour", "probability")
    assert page.inner_text("#legend").split()[-1] == "%"


@pytest.mark.parametrize(("system", "ground"), [("light", _WHITE), ("dark", _DARK)])
def test_look_follows_the_system(browser: Browser, report: Path, system: str, ground: tuple[str, str]) -> None:
    with _opened(browser, report, color_scheme=system) as page:
        assert _ground(page) == ground
        page.emulate_media(media="print")
        page.wait_for_function("document.getElementById('map').layout.paper_bgcolor == '#ffffff'")
        assert _ground(page) == _WHITE


def test_look_is_chosen_and_remembered(browser: Browser, report: Path) -> None:
    with _opened(browser, report) as page:
        page.click("#look")
        assert _ground(page) == _DARK
        page.reload()
        page.wait_for_selector("#map[data-ready=yes]")
        assert _ground(page) == _DARK


def test_look_without_storage(browser: Browser, report: Path) -> None:
    with _opened(browser, report, before=_NO_STORAGE) as page:
        page.click("#look")
        assert _ground(page) == _DARK
        assert page.inner_text("#look") == "Light look"


def test_tables_download(page: Page) -> None:
    name, content = _saved(page, "#clusters .tools button")
    lines = content.decode().splitlines()
    assert name == "clusters.tsv" and lines[0].split("\t")[:3] == ["Cluster", "Windows", "Share"]
    assert {line.count("\t") for line in lines} == {11}
    assert {int(line.split("\t")[0]) for line in lines[1:]} == set(range(-1, 31))
    assert page.locator("main table").count() == page.locator(".tools button", has_text="TSV").count()


def test_figures_and_map_download(page: Page) -> None:
    for selector, kind in (("figure .tools button", "svg"), ("figure .tools button:nth-child(2)", "png")):
        name, content = _saved(page, selector)
        assert name == f"learned.{kind}"
        assert b"<svg" in content if kind == "svg" else content.startswith(b"\x89PNG")
    assert _saved(page, "#map-png")[1].startswith(b"\x89PNG")
    name, content = _saved(page, "#map-svg")
    assert name == "map.svg" and content.decode().count("cluster") > 20  # the legend comes with it


def test_every_control_has_a_name(page: Page) -> None:
    nameless = """all => all.filter(each => !(each.getAttribute("aria-label") || each.textContent.trim()
        || (each.labels && each.labels.length))).map(each => each.outerHTML)"""
    assert page.eval_on_selector_all("nav button, main button, main input, main select", nameless) == []
    assert page.get_attribute("#found", "aria-live") == "polite"
