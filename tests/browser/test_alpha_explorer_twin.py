"""The static twin from a file: no kernel, no network, with and without scripts."""

import pytest
from descent_history import descent_history

from nas_course.widgets import AlphaExplorer
from nas_course.widgets.readings import summary

pytestmark = pytest.mark.browser


@pytest.fixture
def twin(open_page, tmp_path):
    """Open the twin of a history from disk, while the network is refused."""

    def twin(history, **context):
        page = open_page(offline=True, **context)
        html = AlphaExplorer(history)._repr_mimebundle_()[0]["text/html"]
        file = tmp_path / "twin.html"
        file.write_text(f'<!doctype html><meta charset="utf-8"><body>{html}', encoding="utf-8")
        page.goto(file.as_uri())
        return page

    return twin


def test_without_scripts_there_is_the_picture_with_its_words(twin):
    history = descent_history()
    page = twin(history, java_script_enabled=False)
    picture = page.locator("figure.nas-twin img")
    assert picture.get_attribute("alt") == summary(history)
    assert picture.bounding_box()["height"] > 300
    assert page.locator("figcaption").first.inner_text() == summary(history)


def test_with_scripts_the_twin_is_the_view_itself(twin):
    history = descent_history(epochs=20)
    page = twin(history)
    page.locator(".nas-alpha[data-paints]").wait_for()
    assert page.locator("figure.nas-twin > img").count() == 0
    page.locator(".nas-choices [data-operation=skip_connect]").click()
    slider = page.locator("[data-part=slider]")
    slider.press("Home")
    slider.press("ArrowRight")
    page.wait_for_function(
        "() => document.querySelector('[data-part=epoch]').innerText === 'epoch 1'"
    )
    assert "★ Your guess skip" in page.locator("[data-part=verdict]").inner_text()


def test_beside_a_live_view_the_twin_hides_and_does_no_work(twin, open_page, tmp_path):
    html = AlphaExplorer(descent_history())._repr_mimebundle_()[0]["text/html"]
    page = open_page()
    file = tmp_path / "both.html"
    live = '<div class="jp-OutputArea-child"><div class="jupyter-widgets">{}</div></div>'
    areas = [
        f'<div class="jp-OutputArea" id="{name}">{live.format(inner)}'
        f'<div class="jp-OutputArea-child">{twin_html}</div></div>'
        for name, inner, twin_html in (
            ("running", '<div class="nas-alpha">live</div>', html),
            ("dead", "Error displaying widget: model not found", html.replace("nas-twin-", "b-")),
        )
    ]
    file.write_text(f'<!doctype html><meta charset="utf-8"><body>{"".join(areas)}')
    page.goto(file.as_uri())
    page.locator("#dead .nas-twin .nas-alpha[data-paints]").wait_for()
    assert page.locator("#running .nas-twin").is_hidden()
    assert page.locator("#running .nas-twin img").count() == 1, "hidden, so it was never started"
    assert page.get_by_text("model not found").is_hidden()
