// The elements of the view and what their names are; nothing here knows the data.

const PAGE = `
<div class="nas-head">
  <div><strong class="nas-title">Architecture parameters during the search</strong><span data-part="run" class="nas-run"></span></div>
  <span data-part="status" class="nas-status"></span>
</div>
<p data-part="problem" class="nas-problem" role="alert" hidden></p>
<p class="nas-waiting">Give this view a search to follow:
  <code>search_gradient(..., on_history=explorer.watch)</code>, or open a finished one: <code>AlphaExplorer.from_file("runs/first")</code>.</p>
<div class="nas-controls">
  <button type="button" data-part="play" class="nas-play" aria-label="Play"></button>
  <button type="button" data-part="back" aria-label="One row back" title="One row back">‹</button>
  <input type="range" data-part="slider" min="0" max="0" step="1" value="0" aria-label="Epoch">
  <button type="button" data-part="forth" aria-label="One row forward" title="One row forward">›</button>
  <output data-part="epoch" class="nas-epoch"></output>
  <label>speed <select data-part="speed">
    <option value="0.5">0.5 epochs/s</option><option value="1">1 epoch/s</option><option value="2">2 epochs/s</option>
    <option value="5">5 epochs/s</option><option value="10">10 epochs/s</option><option value="25">25 epochs/s</option>
  </select></label>
  <label>cell <select data-part="cell"></select></label>
  <label>edge <select data-part="edge"></select></label>
  <button type="button" data-part="reset" title="Back to the start; forget all predictions">Reset</button>
</div>
<div data-part="legend" class="nas-legend" role="group" aria-label="Pick out one operation"></div>
<div class="nas-grid">
  <figure class="nas-alpha-panel">
    <figcaption data-part="curvesTitle"></figcaption>
    <div class="nas-stage"><canvas data-part="curves" role="img"></canvas>
      <div data-part="card" class="nas-card" role="group" hidden></div></div>
    <p data-part="verdict" class="nas-verdict"></p>
  </figure>
  <figure class="nas-alpha-panel">
    <figcaption>All edges × operations <span class="nas-hint">arrow keys or click</span></figcaption>
    <div class="nas-stage"><canvas data-part="heat" tabindex="0" role="application" aria-roledescription="heat map"></canvas></div>
    <p data-part="heatNote" class="nas-note"></p>
    <p data-part="detail" class="nas-detail"></p>
  </figure>
  <figure class="nas-alpha-panel">
    <figcaption>The cell as a graph
      <span class="nas-morph"><button type="button" data-part="derive" aria-pressed="false">Derive cell</button>
      <label>relaxed <input type="range" data-part="morph" min="0" max="100" value="0" aria-label="From relaxed cell to derived cell"> derived</label></span>
    </figcaption>
    <div class="nas-stage nas-low"><canvas data-part="graph" role="img"></canvas></div>
    <p data-part="graphNote" class="nas-note"></p>
  </figure>
  <figure class="nas-alpha-panel">
    <figcaption>How decided is the cell? <span class="nas-hint">entropy, skip connections</span></figcaption>
    <div class="nas-stage nas-low"><canvas data-part="traces" role="img"></canvas></div>
    <p class="nas-note">skip edges: share whose strongest operation is skip; skip weight: its mean weight<span
      data-part="eigenvalueNote" hidden>; eigenvalue: the largest of the Hessian of the validation loss, as a share of its maximum</span></p>
  </figure>
</div>
<p data-part="summary" class="nas-summary"></p>
<details class="nas-table"><summary>Numbers as a table</summary>
  <table><caption data-part="tableTitle"></caption>
    <thead><tr><th scope="col">operation</th><th scope="col">α</th><th scope="col">weight</th><th scope="col">rank</th><th scope="col">since epoch 0</th></tr></thead>
    <tbody data-part="table"></tbody></table>
</details>
<p data-part="announce" class="nas-hidden" aria-live="polite"></p>`;

function buildPage(root) {
  root.className = "nas-alpha";
  root.setAttribute("role", "region");
  root.setAttribute("aria-label", "Architecture parameters during the search");
  root.innerHTML = PAGE;
  const parts = {};
  root.querySelectorAll("[data-part]").forEach((element) => { parts[element.dataset.part] = element; });
  return parts;
}

// Arrow keys and letters are JupyterLab's commands, unless the focused element itself says no. Keys
// with a modifier, as Ctrl+S, stay JupyterLab's. It listens on the document, so this must be earlier.
function ownKeys(root) {
  const decide = (event) => {
    if (!root.contains(event.target)) return;
    const modified = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
    event.target.toggleAttribute("data-lm-suppress-shortcuts", !modified);
  };
  window.addEventListener("keydown", decide, true);
  return () => window.removeEventListener("keydown", decide, true);
}

function setText(element, string) {
  if (element.textContent !== string) element.textContent = string;
}

function option(value, label) {
  const element = document.createElement("option");
  element.value = value;
  element.textContent = label;
  return element;
}

// A button with an operation's mark and name; used by the legend and by the prediction.
function operationButton(view, name, onClick) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.operation = name;
  button.className = "nas-operation";
  button.innerHTML = "<canvas aria-hidden='true'></canvas><span></span>";
  button.lastChild.textContent = labelOf(view.cell(), name);
  button.title = name;
  button.addEventListener("click", onClick);
  return button;
}

function paintSwatches(view) {
  view.root.querySelectorAll(".nas-operation").forEach((button) => {
    const { pen, width, height } = fitCanvas(button.firstChild);
    const style = view.theme.operation(button.dataset.operation);
    pen.strokeStyle = style.color;
    pen.lineWidth = 2;
    pen.setLineDash((style.dash || []).map((length) => length * 1.4));
    pen.beginPath();
    pen.moveTo(0, height / 2);
    pen.lineTo(width, height / 2);
    pen.stroke();
    drawMarker(pen, style, width / 2, height / 2, 4, view.theme.page);
  });
}
