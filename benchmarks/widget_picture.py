"""The picture of the alpha widget in the README, from a real search that it runs first.

    python benchmarks/widget_picture.py

Writes docs/alpha_explorer.png: the view in Chromium, a prediction made, two thirds of the way.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from explorer_page import ExplorerPage  # noqa: E402
from lab_server import BROWSER_ARGUMENTS  # noqa: E402

from nas_course.data import load  # noqa: E402
from nas_course.doctor import find_browser  # noqa: E402
from nas_course.history import History  # noqa: E402
from nas_course.search import search_gradient  # noqa: E402
from nas_course.strategies.gradient import GradientSettings  # noqa: E402

PICTURE = ROOT / "docs" / "alpha_explorer.png"


def search() -> History:
    """Run first-order DARTS on digits for 15 epochs, with the chapter's rate for the alphas."""
    data = load("digits", train_images=128, valid_images=128, test_images=60)
    settings = GradientSettings(channels=4, cells=3, batch_size=16, alpha_learning_rate=0.02)
    return search_gradient("darts-1st", data, settings=settings, epochs=15).history


def draw(history: History) -> bytes:
    """Show the history in a page, predict, and take its picture."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=BROWSER_ARGUMENTS)
        page = browser.new_page(
            viewport={"width": 1080, "height": 1000},
            device_scale_factor=1.25,
            reduced_motion="reduce",
            color_scheme="light",
        )
        view = ExplorerPage(page, Path(folder), history)
        view.predict("skip_connect")
        view.go_to(2 * len(history) // 3)
        picture = page.locator(".nas-alpha").screenshot()
        browser.close()
    return picture


def main() -> None:
    picture = Image.open(io.BytesIO(draw(search()))).convert("RGB")
    # a third of the size; k-means keeps rare colours, such as that of one thin line
    picture = picture.quantize(256, kmeans=4, dither=Image.Dither.NONE)
    PICTURE.parent.mkdir(exist_ok=True)
    picture.save(PICTURE, optimize=True)
    print(f"{PICTURE}: {PICTURE.stat().st_size:,} bytes, {picture.width} x {picture.height}")


if __name__ == "__main__":
    main()
