// Panel 2: every edge (row) and operation (column) of the chosen cell at the current epoch.

const HEAT_MARGIN = { left: 62, right: 8, top: 50, bottom: 34 };

function heatLayout(view, width, height) {
  const cell = view.cell();
  return {
    left: HEAT_MARGIN.left, top: HEAT_MARGIN.top,
    column: (width - HEAT_MARGIN.left - HEAT_MARGIN.right) / cell.operations.length,
    row: (height - HEAT_MARGIN.top - HEAT_MARGIN.bottom) / cell.edges.length,
  };
}

function drawHeatMap(view) {
  const { pen, width, height } = fitCanvas(view.parts.heat);
  const layout = heatLayout(view, width, height), cell = view.cell();
  cell.operations.forEach((name, o) => drawColumnName(view, pen, layout, name, o));
  cell.edges.forEach((_, e) => drawHeatRow(view, pen, layout, e));
  drawHeatFocus(view, pen, layout);
  drawHeatScale(view, pen, width, height);
}

function drawColumnName(view, pen, layout, name, o) {
  const { theme } = view, x = layout.left + (o + 0.5) * layout.column;
  drawMarker(pen, theme.operation(name), x, layout.top - 9, 4, "transparent");
  const [first, second] = view.cell().labels[o].split(" ");
  const weight = view.pickedOperation() === o ? 700 : 400;
  text(pen, theme, first, x, layout.top - (second ? 37 : 24), { align: "center", size: 11, weight });
  if (second) text(pen, theme, second, x, layout.top - 24, { align: "center", size: 11, weight });
}

function drawHeatRow(view, pen, layout, e) {
  const { theme, state, store } = view, cell = view.cell(), size = cell.operations.length;
  const y = layout.top + e * layout.row, at = view.drawnPosition();
  const names = cell.edges[e].map((node) => pretty(cell.nodes[node]));
  text(pen, theme, names.join(" → "), layout.left - 8, y + layout.row / 2, { align: "right", size: 11.5, weight: e === state.edge ? 700 : 400 });
  const base = cell.offset + e * size, weights = store.length ? store.weightsAt(Math.round(at)) : null;
  const winner = weights ? winnerOf(weights, base, cell) : -1;
  const stronger = (o) => winner >= 0 && weights[base + o] > weights[base + winner];   // an operation that no cell can have
  for (let o = 0; o < size; o++) {
    const weight = store.length ? store.weightBetween(at, cell.offset + e * size + o) : 1 / size;
    drawHeatCell(view, pen, { x: layout.left + o * layout.column, y, w: layout.column - 1, h: layout.row - 1 }, weight, o === winner ? 700 : stronger(o) ? 400 : 0);
  }
}

// `bold` is the weight of the font in which the number is written; 0: no number.
function drawHeatCell(view, pen, box, weight, bold) {
  const { theme, range } = view;
  if (Number.isNaN(weight)) {
    pen.strokeStyle = theme.muted;
    pen.strokeRect(box.x + 0.5, box.y + 0.5, box.w - 1, box.h - 1);
    text(pen, theme, "?", box.x + box.w / 2, box.y + box.h / 2, { align: "center", size: 11 });
    return;
  }
  const fill = rampColor(theme.ramp, (weight - range.low) / (range.high - range.low));
  pen.fillStyle = fill;
  pen.fillRect(box.x, box.y, box.w, box.h);
  if (!bold || view.gated()) return;
  const color = luminance(fill) > 0.18 ? "#111111" : "#ffffff";
  text(pen, theme, weight.toFixed(2).replace(/^0/, ""), box.x + box.w / 2, box.y + box.h / 2 + 0.5, { align: "center", size: 11, weight: bold, color });
}

function drawHeatFocus(view, pen, layout) {
  const { state, theme } = view, cell = view.cell();
  pen.setLineDash([]);
  pen.lineWidth = 2;
  pen.strokeStyle = theme.accent;
  pen.strokeRect(layout.left - 1.5, layout.top + state.edge * layout.row - 1.5, layout.column * cell.operations.length + 2, layout.row + 2);
  const picked = view.pickedOperation();
  if (picked < 0) return;
  pen.strokeStyle = theme.ink;
  pen.strokeRect(layout.left + picked * layout.column - 0.5, layout.top + state.edge * layout.row - 0.5, layout.column, layout.row);
}

function drawHeatScale(view, pen, width, height) {
  const { theme, range } = view, bar = { x: HEAT_MARGIN.left, y: height - 25, w: 120, h: 9 };
  for (let i = 0; i < bar.w; i++) {
    pen.fillStyle = rampColor(theme.ramp, i / bar.w);
    pen.fillRect(bar.x + i, bar.y, 1, bar.h);
  }
  const options = { size: 11, color: theme.muted };
  text(pen, theme, range.low.toFixed(2), bar.x, bar.y + 17, options);
  text(pen, theme, range.high.toFixed(2), bar.x + bar.w, bar.y + 17, { ...options, align: "right" });
}

function heatCellAt(view, x, y) {
  const canvas = view.parts.heat, layout = heatLayout(view, canvas.clientWidth, canvas.clientHeight), cell = view.cell();
  const edge = Math.floor((y - layout.top) / layout.row), operation = Math.floor((x - layout.left) / layout.column);
  if (edge < 0 || edge >= cell.edges.length || operation >= cell.operations.length) return null;
  return { edge, operation: Math.max(-1, operation) };
}

// Arrow keys walk over the cells; Home and End go to the ends of a row.
function heatKey(view, key) {
  const { state } = view, cell = view.cell(), last = cell.operations.length - 1;
  const moves = {
    ArrowUp: () => { state.edge = Math.max(0, state.edge - 1); },
    ArrowDown: () => { state.edge = Math.min(cell.edges.length - 1, state.edge + 1); },
    ArrowLeft: () => { state.operation = Math.max(0, state.operation - 1); },
    ArrowRight: () => { state.operation = Math.min(last, state.operation + 1); },
    Home: () => { state.operation = 0; }, End: () => { state.operation = last; },
    Escape: () => { state.operation = -1; },
  };
  if (!moves[key]) return false;
  if (state.operation < 0 && key !== "Escape") state.operation = Math.max(0, view.winner());
  moves[key]();
  return true;
}
