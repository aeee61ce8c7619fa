"""The static twin from a file: no kernel, no network, with and without scripts."""

import pytest
from descent_history import descent_history
from patience import expect, let_time_pass

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
    expect(picture).to_have_attribute("alt", summary(history))
    assert picture.bounding_box()["height"] > 300  # a page has loaded when its pictures have
    expect(page.locator("figcaption").first).to_have_text(summary(history))


def test_with_scripts_the_twin_is_the_view_itself(twin):
    history = descent_history(epochs=20)
    page = twin(history)
    page.locator(".nas-alpha[data-paints]").wait_for()
    expect(page.locator("figure.nas-twin > img")).to_have_count(0)
    page.locator(".nas-choices [data-operation=skip_connect]").click()
    slider = page.locator("[data-part=slider]")
    slider.press("Home")
    slider.press("ArrowRight")
    expect(page.locator("[data-part=epoch]")).to_have_text("epoch 1")
    expect(page.locator("[data-part=verdict]")).to_contain_text("★ Your guess skip")


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
    expect(page.locator("#running .nas-twin")).to_be_hidden()
    expect(page.get_by_text("model not found")).to_be_hidden()
    assert page.evaluate(IN_SIGHT) is False
    let_time_pass(page)
    expect(page.locator("#running .nas-twin img")).to_have_count(1)  # hidden, so it never started


# Whether the twin beside the live view is in sight, as the browser tells it and the twin's script
# before it.
IN_SIGHT = """() => new Promise((done) => {
  new IntersectionObserver(([entry]) => done(entry.isIntersecting))
    .observe(document.querySelector("#running .nas-twin"));
})"""
