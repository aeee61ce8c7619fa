"""A plain page with the alpha widget in it, driven from Python in place of a kernel."""

import base64
import json

from patience import expect

from nas_course.widgets.alpha_explorer import MODULE, STYLE_SHEET
from nas_course.widgets.packing import browser_header, pack_row, pack_rows, palette

# What tests look at from inside, besides what the page shows.
INSIDE = "HistoryStore, COLUMNS, sentence, deriveCell, meanEntropy, skipShare, weightRange"
PAGE = """<!doctype html><meta charset="utf-8"><title>explorer</title>
<style>body {{ margin: 16px; }} {css}</style><body><div id="place"></div>
<script type="module">
const listeners = {{}}, state = {state};
const toBytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const toView = (text) => new DataView(toBytes(text).buffer);
state.rows = toView(state.rows);
const emit = (name, ...values) => (listeners[name] || []).forEach((call) => call(...values));
window.sent = [];
window.toView = toView;
window.model = {{
  get: (name) => state[name],
  set(name, value) {{ state[name] = value; emit("change:" + name); }},
  on(name, listener) {{ (listeners[name] ||= []).push(listener); }},
  off() {{}}, save_changes() {{}}, send(message) {{ window.sent.push(message); }},
}};
window.message = (content, text) => emit("msg:custom", content, [toView(text)]);
window.reload = (header, rows) => {{
  state.rows = toView(rows);
  state.header = header;
  emit("change:header");
}};
const source = {module};
const url = URL.createObjectURL(new Blob([source], {{type: "text/javascript"}}));
window.inside = await import(url);
window.stop = window.inside.default.render({{model: window.model, el: document.getElementById("place")}});
</script>"""

# The view shows what was asked of it: all text and all panels, or all text while it plays on. An
# input takes back at once that the view has settled. What a browser tells later, as a new size,
# makes the view paint the same state again.
SETTLED = """(before) => {
  const root = document.querySelector(".nas-alpha");
  const plays = root.querySelector("[data-part=play]").ariaLabel === "Pause";
  return root.hasAttribute("data-settled") || (plays && Number(root.dataset.words) > before);
}"""

# What the view's own functions say of row 1.
READ_STATE = """(rows) => {
  const store = new inside.HistoryStore();
  store.setHeader(model.get("header"));
  store.setRows(toView(rows));
  const weights = store.weightsAt(1);
  return {
    sentences: store.cells.map((cell) => inside.sentence(store, 1, cell)),
    leaders: store.cells.map((cell) => inside.deriveCell(weights, cell)
      .map((item) => cell.operations[item.operation])),
    entropy: store.cells.map((cell) => inside.meanEntropy(weights, cell)),
    skips: store.cells.map((cell) => inside.skipShare(weights, cell)),
    derived: store.cells.map((cell) => inside.deriveCell(weights, cell).filter((item) => item.kept)
      .map((item) => [cell.operations[item.operation], ...cell.edges[item.edge]])),
  };
}"""


class ExplorerPage:
    """The view on a page; `page` is Playwright's."""

    def __init__(self, page, folder, history, **state):
        self.page, self.history = page, history
        self.header = browser_header(history.header)
        self.state = {"key": "test", "palette": palette(), "predictions": {}, "problem": ""}
        self.state |= {"view": {}, "header": self.header, "rows": self.packed(history.rows)}
        file = folder / "explorer.html"
        file.write_text(self._html(self.state | state), encoding="utf-8")
        page.goto(file.as_uri())
        page.locator(".nas-alpha[data-paints]").wait_for()
        self.settle()

    @staticmethod
    def _html(state):
        module = MODULE.replace("export default", f"export {{ {INSIDE} }};\nexport default")
        source = json.dumps(module).replace("</", "<\\/")
        return PAGE.format(css=STYLE_SHEET, state=json.dumps(state), module=source)

    def packed(self, rows):
        """Rows as text that the page decodes."""
        return base64.b64encode(pack_rows(pack_row(row, self.header) for row in rows)).decode()

    def send(self, content, rows=()):
        """Send a custom message, as the kernel would."""
        self.page.evaluate("([c, b]) => window.message(c, b)", [content, self.packed(rows)])

    def push(self, content, rows=()):
        """Send a custom message and wait until the view shows it."""
        self.send(content, rows)
        self.settle()

    def read(self, rows):
        """What the functions of the view say of the second of these rows."""
        return self.page.evaluate(READ_STATE, self.packed(rows))

    def part(self, name):
        return self.page.locator(f"[data-part={name}]")

    def settle(self):
        """Wait until the view has followed the last change.

        It looks between frames: within one, sizes may change after the view has settled.
        """
        before = self.page.locator(".nas-alpha").get_attribute("data-words")
        self.page.wait_for_function(SETTLED, arg=int(before), polling=10)

    def predict(self, operation):
        self.page.locator(f".nas-choices [data-operation={operation}]").click()
        self.settle()

    def go_to(self, row):
        """Move the slider to a row, as a script of the page would see a drag."""
        self.part("slider").evaluate(
            "(slider, row) => { slider.value = row; slider.dispatchEvent(new Event('input')); }",
            str(row),
        )
        self.settle()

    def expect_table(self, rows):
        """Wait until the table of numbers is this, rows of texts."""
        expect(self.part("table").locator("th, td")).to_have_text(
            [text for row in rows for text in row]
        )
