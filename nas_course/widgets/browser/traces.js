// Panel 4: how undecided the cell is (entropy), how much of it skip connections hold, and, where the
// search measures it, how sharp the validation loss is in the alphas.

const TRACE_MARGIN = { left: 54, right: 122, top: 10, bottom: 36 };

function traceLines(view) {
  const c = view.state.cell, skip = view.theme.operation(SKIP).color, { accent, ink } = view.theme;
  const row = (i) => view.store.row(i);
  return [
    { label: "entropy", color: accent, dash: [], value: (i) => row(i).entropy[c] },
    { label: "skip edges", color: ink, dash: [2, 3], value: (i) => row(i).skipEdges[c] },
    { label: "skip weight", color: skip, dash: [8, 3], value: (i) => row(i).skipShare[c] },
    ...eigenvalueLine(view),
  ];
}

// The eigenvalue has another unit: it is drawn as a share of its maximum, its label tells the number.
// Between two measurements the last one stands.
function eigenvalueLine(view) {
  const measured = lastMeasured(view.store, "eigenvalue");
  const top = Math.max(...measured.filter(Number.isFinite));
  view.parts.eigenvalueNote.hidden = !(top > 0);
  if (!(top > 0)) return [];
  return [{
    label: "eigenvalue", color: view.theme.muted, dash: [1, 2, 6, 2],
    value: (i) => measured[i] / top, words: (i) => measured[i].toPrecision(2),
  }];
}

function lastMeasured(store, name) {
  const values = [];
  for (let i = 0; i < store.length; i++) {
    const value = store.column(i, name);
    values.push(Number.isFinite(value) || i === 0 ? value : values[i - 1]);
  }
  return values;
}

function eigenvalueWords(view) {
  const value = lastMeasured(view.store, "eigenvalue")[view.shownRow()];
  return Number.isFinite(value) ? ` The largest eigenvalue of the Hessian is ${value.toPrecision(2)}.` : "";
}

function drawTraces(view) {
  const { pen, width, height } = fitCanvas(view.parts.traces);
  const { store, state, theme } = view;
  const domain = { low: 0, high: 1, epochs: view.lastEpoch() };
  const frame = drawAxes(pen, theme, { width, height }, TRACE_MARGIN, domain, { x: "epoch", y: "share  (0 to 1)" });
  if (store.length === 0) return;
  const last = view.gated() ? 0 : view.revealedRow(), at = view.drawnPosition();
  const labels = traceLines(view).map((line) => {
    drawTrace(view, pen, frame, line, at, last);
    const row = view.shownRow(), y = frame.y(line.value(row));
    return { ...line, at: y, y, words: line.words ? line.words(row) : line.value(row).toFixed(2) };
  });
  drawCursor(pen, theme, frame, store.epochBetween(at));
  for (const item of spread(labels.filter((line) => !Number.isNaN(line.y)), frame.top + 6, frame.bottom - 6, 15)) {
    pen.fillStyle = item.color;
    pen.fillRect(frame.right + 7, item.y - 5, 4, 10);
    text(pen, theme, `${item.label} ${item.words}`, frame.right + 15, item.y, { size: 11.5 });
  }
}

function drawTrace(view, pen, frame, line, at, last) {
  const { store } = view, past = Math.floor(at) + 1;
  const x = (i) => frame.x(store.epochAt(i)), y = (i) => frame.y(line.value(i));
  pen.strokeStyle = line.color;
  pen.lineWidth = 2;
  pen.setLineDash(line.dash);
  polyline(pen, past, x, y);
  pen.globalAlpha = 0.28;
  if (last >= past) polyline(pen, last - past + 2, (i) => x(i + past - 1), (i) => y(i + past - 1));
  pen.globalAlpha = 1;
  pen.setLineDash([]);
}
