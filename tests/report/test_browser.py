"""The page in a real Chromium (Debian's package `chromium`), from file:// and with no network."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dnabert.report import write_report

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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, run: Path) -> Path:
    spec = importlib.util.spec_from_file_location("report_fixture", Path(__file__).with_name("conftest.py"))
    assert spec is not None and spec.loader is not None
    fixture = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fixture)
    folder = tmp_path_factory.mktemp("browser")
    fixture.write_comparison(folder / "comparison", n=_MANY)
    return write_report(folder / "comparison", run=run, out=folder / "out")


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1360, "height": 860})
    page.complaints = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.complaints.append(str(error)))  # type: ignore[attr-defined]
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)  # type: ignore[attr-defined]
    page.on("dialog", lambda dialog: page.complaints.append(dialog.message))  # type: ignore[attr-defined]
    page.on(
        "request",
        lambda r: page.complaints.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None,  # type: ignore[attr-defined]
    )
    page.goto(report.as_uri())
    page.wait_for_selector("#map[data-ready=yes]", timeout=120_000)
    yield page
    assert page.complaints == []  # type: ignore[attr-defined]
    page.close()


def test_small_enough(report: Path) -> None:
    assert report.stat().st_size < 25e6


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
        drawn = page.evaluate("document.getElementById('map').data.map(trace => trace.x.length)")
        assert sum(drawn) == _MANY


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
