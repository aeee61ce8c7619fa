// Panel 4: how undecided the cell is (entropy) and how much of it skip connections hold.

const TRACE_MARGIN = { left: 54, right: 122, top: 10, bottom: 36 };

function traceLines(view) {
  const c = view.state.cell, skip = view.theme.operation(SKIP).color, { accent, ink } = view.theme;
  return [
    { label: "entropy", color: accent, dash: [], value: (row) => row.entropy[c] },
    { label: "skip edges", color: ink, dash: [2, 3], value: (row) => row.skipEdges[c] },
    { label: "skip weight", color: skip, dash: [8, 3], value: (row) => row.skipShare[c] },
  ];
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
    const value = line.value(store.row(view.shownRow()));
    return { ...line, at: frame.y(value), y: frame.y(value), value };
  });
  drawCursor(pen, theme, frame, store.epochBetween(at));
  for (const item of spread(labels.filter((line) => !Number.isNaN(line.y)), frame.top + 6, frame.bottom - 6, 15)) {
    pen.fillStyle = item.color;
    pen.fillRect(frame.right + 7, item.y - 5, 4, 10);
    text(pen, theme, `${item.label} ${item.value.toFixed(2)}`, frame.right + 15, item.y, { size: 11.5 });
  }
}

function drawTrace(view, pen, frame, line, at, last) {
  const { store } = view, past = Math.floor(at) + 1;
  const x = (i) => frame.x(store.epochAt(i)), y = (i) => frame.y(line.value(store.row(i)));
  pen.strokeStyle = line.color;
  pen.lineWidth = 2;
  pen.setLineDash(line.dash);
  polyline(pen, past, x, y);
  pen.globalAlpha = 0.28;
  if (last >= past) polyline(pen, last - past + 2, (i) => x(i + past - 1), (i) => y(i + past - 1));
  pen.globalAlpha = 1;
  pen.setLineDash([]);
}
