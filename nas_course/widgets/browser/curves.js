// Panel 1: the mixing weights of the picked edge over the epochs, one line per operation.

const CURVE_MARGIN = { left: 54, top: 10, bottom: 36 };
const MARK = "★ ", LABEL_SIZE = 12, LABEL_AT = 20;   // px from the frame's right side

// Wide enough for the widest name with the mark of a guess, in whatever font the page has.
function labelMargin(view, pen) {
  pen.font = `700 ${LABEL_SIZE}px ${view.theme.font}`;
  const widths = view.cell().labels.map((label) => pen.measureText(MARK + label).width);
  return Math.ceil(LABEL_AT + Math.max(...widths) + 4);
}


// All edges of a cell share one vertical scale, so that edges can be compared.
function weightRange(store, cell) {
  let low = Infinity, high = -Infinity;
  const end = cell.offset + cell.edges.length * cell.operations.length;
  for (let r = 0; r < store.length; r++) {
    const weights = store.weightsAt(r);
    for (let i = cell.offset; i < end; i++) {
      if (weights[i] < low) low = weights[i];
      if (weights[i] > high) high = weights[i];
    }
  }
  if (!(high >= low)) return { low: 0, high: 2 / cell.operations.length };
  const pad = Math.max(0.004, 0.06 * (high - low));
  return { low: Math.max(0, low - pad), high: Math.min(1, high + pad) };
}

function drawCurves(view) {
  const { pen, width, height } = fitCanvas(view.parts.curves);
  const { store, state, theme } = view, cell = view.cell();
  const domain = { ...view.range, epochs: view.lastEpoch() };
  const margin = { ...CURVE_MARGIN, right: labelMargin(view, pen) };
  const frame = drawAxes(pen, theme, { width, height }, margin, domain, { x: "epoch", y: "mixing weight  (softmax of α)" });
  view.curveFrame = frame;
  drawUniform(pen, theme, frame, cell);
  if (view.gated() || store.length === 0) return;
  const base = cell.offset + state.edge * cell.operations.length;
  const order = cell.operations.map((_, o) => o).sort((a, b) => emphasis(view, a) - emphasis(view, b));
  for (const o of order) drawCurve(view, pen, frame, base, o);
  drawCursor(pen, theme, frame, store.epochBetween(state.at));
  drawGap(view, pen, frame, base);
  drawCurveLabels(view, pen, frame, base);
}

function drawUniform(pen, theme, frame, cell) {
  const y = Math.round(frame.y(1 / cell.operations.length)) + 0.5;
  if (y < frame.top || y > frame.bottom) return;
  pen.strokeStyle = theme.muted;
  pen.lineWidth = 1;
  pen.setLineDash([1, 3]);
  pen.beginPath();
  pen.moveTo(frame.left, y);
  pen.lineTo(frame.right, y);
  pen.stroke();
  pen.setLineDash([]);
}

// 0 faded, 1 plain, 2 picked, guessed or winning.
function emphasis(view, operation) {
  const picked = view.pickedOperation();
  if (picked >= 0) return picked === operation ? 2 : 0;
  const guess = view.guess();
  return operation === view.winner() || (guess && guess.operation === view.cell().operations[operation]) ? 2 : 1;
}

function drawCurve(view, pen, frame, base, operation) {
  const { store, state, theme } = view, strength = emphasis(view, operation);
  const style = theme.operation(view.cell().operations[operation]);
  const x = (i) => frame.x(store.epochAt(i)), y = (i) => frame.y(store.weightsAt(i)[base + operation]);
  const past = Math.floor(state.at) + 1, line = strength === 2 ? 2.6 : 1.6;
  pen.strokeStyle = style.color;
  pen.lineWidth = line;
  pen.lineJoin = "round";
  pen.setLineDash((style.dash || []).map((length) => length * 1.6));
  pen.globalAlpha = strength === 0 ? 0.3 : 1;
  polyline(pen, past, x, y);
  drawTail(view, pen, frame, base + operation, past - 1);
  if (view.revealedRow() >= past) {
    pen.globalAlpha *= 0.28;
    polyline(pen, view.revealedRow() - past + 2, (i) => x(i + past - 1), (i) => y(i + past - 1));
  }
  pen.globalAlpha = strength === 0 ? 0.3 : 1;
  const height = frame.y(store.weightBetween(state.at, base + operation));
  if (height >= 0) drawMarker(pen, style, frame.x(store.epochBetween(state.at)), height, strength === 2 ? 5 : 3.6, theme.page);
  pen.globalAlpha = 1;
}

// From the last whole row to the cursor, while the playback is between two rows.
function drawTail(view, pen, frame, i, row) {
  const { store, state } = view;
  if (state.at <= row) return;
  pen.beginPath();
  pen.moveTo(frame.x(store.epochAt(row)), frame.y(store.weightsAt(row)[i]));
  pen.lineTo(frame.x(store.epochBetween(state.at)), frame.y(store.weightBetween(state.at, i)));
  pen.stroke();
}

// A bracket between the guess and the winner, at the cursor.
function drawGap(view, pen, frame, base) {
  const guess = view.guess(), winner = view.winner();
  if (!guess || winner < 0) return;
  const cell = view.cell(), guessed = cell.operations.indexOf(guess.operation);
  const y = [guessed, winner].map((o) => frame.y(view.store.weightBetween(view.state.at, base + o)));
  if (guessed === winner || !(Math.abs(y[0] - y[1]) > 4)) return;
  const x = frame.x(view.store.epochBetween(view.state.at)) - 9;
  pen.strokeStyle = view.theme.ink;
  pen.lineWidth = 1.5;
  pen.setLineDash([]);
  pen.beginPath();
  pen.moveTo(x + 4, y[0]); pen.lineTo(x, y[0]); pen.lineTo(x, y[1]); pen.lineTo(x + 4, y[1]);
  pen.stroke();
  if (x <= frame.left + 40) return;
  pen.fillStyle = view.theme.page;
  pen.fillRect(x - 30, (y[0] + y[1]) / 2 - 8, 28, 16);
  text(pen, view.theme, "gap", x - 5, (y[0] + y[1]) / 2, { align: "right", size: 11 });
}

function drawCurveLabels(view, pen, frame, base) {
  const { store, state, theme } = view, cell = view.cell();
  const last = view.revealedRow(), guess = view.guess();
  const items = cell.operations.map((name, o) => {
    const value = last > state.at ? store.weightsAt(last)[base + o] : store.weightBetween(state.at, base + o);
    return { name, o, at: frame.y(value), y: frame.y(value) };
  }).filter((item) => !Number.isNaN(item.y));
  const from = frame.x(Math.max(store.epochAt(last), store.epochBetween(state.at)));
  for (const item of spread(items, frame.top + 6, frame.bottom - 4, 14)) {
    const strength = emphasis(view, item.o), style = theme.operation(item.name);
    pen.globalAlpha = strength === 0 ? 0.6 : 1;
    drawLeader(pen, style, from + 7, item.at, frame.right + 8, item.y);
    const mine = guess && guess.operation === item.name;
    text(pen, theme, (mine ? MARK : "") + cell.labels[item.o], frame.right + LABEL_AT, item.y,
      { size: LABEL_SIZE, weight: strength === 2 ? 700 : 400 });
    pen.globalAlpha = 1;
  }
}

function drawLeader(pen, style, x0, y0, x1, y1) {
  pen.strokeStyle = style.color;
  pen.setLineDash([]);
  const alpha = pen.globalAlpha;
  pen.lineWidth = 1;
  pen.globalAlpha = alpha * 0.5;
  pen.beginPath();
  if (x1 - x0 < 60) { pen.moveTo(x0, y0); pen.lineTo(x1, y1); }
  pen.stroke();
  pen.globalAlpha = alpha;
  drawMarker(pen, style, x1 + 4, y1, 3.6, "transparent");
}

// The operation whose line passes nearest to the pointer, or -1.
function curveAt(view, x, y) {
  const frame = view.curveFrame, cell = view.cell();
  if (!frame || view.gated() || view.store.length === 0) return -1;
  const base = cell.offset + view.state.edge * cell.operations.length;
  const epoch = ((x - frame.left) / (frame.right - frame.left)) * view.lastEpoch();
  const at = Math.min(view.store.indexOfEpoch(epoch), view.revealedRow());
  let best = -1, distance = 14;
  cell.operations.forEach((_, o) => {
    const away = Math.abs(frame.y(view.store.weightBetween(at, base + o)) - y);
    if (away < distance) { best = o; distance = away; }
  });
  return best;
}
