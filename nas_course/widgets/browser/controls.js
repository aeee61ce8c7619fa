// The controls: what each of them does, and how they show the state.

const PLAY = "▶", PAUSE = "❚❚", SLIDER_KEYS = /^(Arrow|Page|Home|End)/;

function fillPickers(view) {
  const { parts, store, state } = view;
  parts.cell.replaceChildren(...store.cells.map((cell, i) => option(String(i), cell.name)));
  const kept = store.cells.findIndex((cell) => cell.name === view.keptView.cell);
  state.cell = Math.max(0, kept);
  state.speed = defaultSpeed(store.header.epochs || 10);
  parts.speed.value = String(state.speed);
  fillEdges(view);
  parts.legend.replaceChildren(...(view.cell() ? view.cell().operations : []).map((name, o) => legendButton(view, name, o)));
  paintSwatches(view);
}

function legendButton(view, name, o) {
  const button = operationButton(view, name, () => pickOperation(view, view.state.operation === o ? -1 : o));
  button.addEventListener("pointerenter", () => { view.state.hover = o; view.changed(); });
  button.addEventListener("pointerleave", () => { view.state.hover = -1; view.changed(); });
  return button;
}

// A whole history in about six seconds.
function defaultSpeed(epochs) {
  return [0.5, 1, 2, 5, 10, 25].find((speed) => speed >= epochs / 8) || 25;
}

function fillEdges(view) {
  const cell = view.cell();
  if (!cell) return;
  view.state.edge = Math.min(view.state.edge, cell.edges.length - 1);
  view.parts.edge.replaceChildren(...cell.edges.map((_, e) => option(String(e), edgeName(cell, e).split(" → ").map(pretty).join(" → "))));
}

function pickEdge(view, edge) {
  view.state.edge = edge;
  view.changed();
  view.keep();
}

function pickOperation(view, operation) {
  view.state.operation = operation;
  view.changed();
}

function wireControls(view) {
  const { parts, state } = view, on = (part, event, action) => parts[part].addEventListener(event, action);
  on("play", "click", () => { state.playing ? view.pause() : view.play(); });
  on("back", "click", () => step(view, -1));
  on("forth", "click", () => step(view, 1));
  on("slider", "input", () => { state.playing = false; view.moveTo(Number(parts.slider.value)); });
  on("slider", "keydown", (event) => { if (SLIDER_KEYS.test(event.key)) hold(view); });
  on("slider", "pointerdown", () => hold(view));
  on("speed", "change", () => { state.speed = Number(parts.speed.value); });
  on("cell", "change", () => {
    state.cell = Number(parts.cell.value);
    fillEdges(view);
    view.rowsChanged();
    view.keep();
  });
  on("edge", "change", () => pickEdge(view, Number(parts.edge.value)));
  on("reset", "click", () => reset(view));
  on("morph", "input", () => { view.morphGoal = undefined; state.morph = Number(parts.morph.value) / 100; view.changed(); view.keep(); });
  on("derive", "click", () => view.morphTo(state.morph > 0.5 ? 0 : 1));
  wireCanvases(view);
}

function wireCanvases(view) {
  const { parts, state } = view, at = (event) => [event.offsetX, event.offsetY];
  parts.curves.addEventListener("pointermove", (event) => hover(view, curveAt(view, ...at(event))));
  parts.curves.addEventListener("pointerleave", () => hover(view, -1));
  parts.curves.addEventListener("click", (event) => {
    const operation = curveAt(view, ...at(event));
    pickOperation(view, operation === state.operation ? -1 : operation);
  });
  parts.graph.addEventListener("click", (event) => {
    const edge = graphEdgeAt(view, ...at(event));
    if (edge >= 0) pickEdge(view, edge);
  });
  parts.heat.addEventListener("click", (event) => {
    const cell = heatCellAt(view, ...at(event));
    if (!cell) return;
    state.operation = cell.operation;
    pickEdge(view, cell.edge);
  });
  parts.heat.addEventListener("keydown", (event) => {
    if (!view.cell() || !heatKey(view, event.key)) return;
    event.preventDefault();
    view.wordsAt = -Infinity;
    pickEdge(view, state.edge);
  });
}

function hover(view, operation) {
  if (view.state.hover === operation) return;
  view.state.hover = operation;
  view.changed();
}

function step(view, by) {
  view.state.playing = false;
  view.moveTo(Math.round(view.state.at) + by);
}

// Who takes the slider stops the playback, also where the value does not change: Home on the first
// row, or a press on the thumb. Such a key or press fires no input event.
function hold(view) {
  if (!view.state.playing) return;
  view.pause();
  syncControls(view);   // the key counts from the value that is shown
}

function reset(view) {
  Object.assign(view.state, { at: 0, revealed: 0, playing: false, operation: -1, hover: -1, morph: 0 });
  view.morphGoal = undefined;   // else a morph that is on its way would go on
  view.parts.morph.value = "0";
  view.following = true;
  view.model.set("predictions", {});
  view.model.save_changes();
  view.rowsChanged();
  view.keep();
}

function syncControls(view) {
  const { parts, state, store } = view, closed = view.gated() || store.length === 0;
  for (const part of ["play", "back", "slider", "forth", "speed"]) parts[part].disabled = closed;
  for (const part of ["derive", "morph"]) parts[part].disabled = closed;
  setText(parts.play, state.playing ? PAUSE : PLAY);
  parts.play.setAttribute("aria-label", state.playing ? "Pause" : "Play");
  parts.slider.value = String(view.shownRow());
  parts.edge.value = String(state.edge);
  parts.cell.value = String(state.cell);
  setText(parts.derive, state.morph > 0.5 ? "Show relaxed" : "Derive cell");
  parts.derive.setAttribute("aria-pressed", String(state.morph > 0.5));
  parts.legend.querySelectorAll("button").forEach((button, o) => button.setAttribute("aria-pressed", String(state.operation === o)));
}
