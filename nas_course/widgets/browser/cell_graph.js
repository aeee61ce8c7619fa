// Panel 3: the cell as a graph; edge width = weight, colour = operation; morphs into the derived cell.

const WIDEST = 22;   // width in px of an edge whose strongest operation has weight 1

// Inputs of a two-input cell stand left, one above the other; all other nodes in a row.
function graphLayout(view) {
  const canvas = view.parts.graph, w = canvas.clientWidth, h = canvas.clientHeight - 6;
  const { nodes, inputs, output } = view.cell(), stacked = inputs === 2 ? 2 : 0, inRow = nodes.length - stacked + (output ? 1 : 0);
  const from = stacked ? 0.25 : 0.07, to = output ? 0.955 : 0.93;
  const inside = (x) => Math.min(w - 22, Math.max(22, x));
  const rowX = (i) => inside((from + ((to - from) * i) / Math.max(1, inRow - 1)) * w);
  const places = nodes.map((_, i) => (i < stacked ? { x: inside(0.055 * w), y: (i ? 0.83 : 0.17) * h } : { x: rowX(i - stacked), y: 0.5 * h }));
  return { places, h, stacked, output: output ? { x: rowX(inRow - 1), y: 0.5 * h } : null };
}

// Edges from the upper input pass above the row, from the lower one below; in the row, neighbours
// join straight and longer edges bend, so that no two edges share a path.
function graphEdges(view) {
  const { places, h, stacked } = graphLayout(view);
  return view.cell().edges.map(([source, target]) => {
    const a = places[source], b = places[target], span = target - source;
    if (source < stacked) {
      const side = source === 0 ? -1 : 1, reach = target - stacked;
      return { a, b, c: { x: a.x + 0.7 * (b.x - a.x), y: 0.5 * h + side * h * (0.3 + 0.135 * reach) } };
    }
    const side = span < 2 ? 0 : (source + span) % 2 ? 1 : -1;
    return { a, b, c: { x: (a.x + b.x) / 2, y: 0.5 * h + side * h * (span === 2 ? 0.36 : 0.62) } };
  });
}

function pointOn(edge, t) {
  const part = (p, q, r) => (1 - t) ** 2 * p + 2 * t * (1 - t) * q + t * t * r;
  return { x: part(edge.a.x, edge.c.x, edge.b.x), y: part(edge.a.y, edge.c.y, edge.b.y) };
}

function drawGraph(view) {
  const { pen } = fitCanvas(view.parts.graph);
  const { state, store } = view, layout = graphLayout(view), edges = graphEdges(view);
  if (layout.output) drawOutputEdges(view, pen, layout);
  if (store.length) {
    const derived = deriveCell(store.weightsAt(view.shownRow()), view.cell());
    const order = derived.map((_, e) => e).sort((a, b) => (a === state.edge) - (b === state.edge) || derived[a].kept - derived[b].kept);
    for (const e of order) drawGraphEdge(view, pen, edges[e], derived[e]);
    if (state.morph > 0.5) drawEdgeLabels(view, pen, edges, derived.filter((item) => item.kept));
  }
  view.cell().nodes.forEach((name, i) => drawNode(view, pen, layout.places[i], pretty(name)));
  if (layout.output) drawNode(view, pen, layout.output, "out");
}

function drawOutputEdges(view, pen, { places, output }) {
  const inputs = view.cell().inputs;
  pen.strokeStyle = view.theme.grid;
  pen.lineWidth = 2;
  pen.setLineDash([]);
  places.slice(inputs).forEach((place) => {
    pen.beginPath();
    pen.moveTo(place.x, place.y);
    pen.quadraticCurveTo((place.x + output.x) / 2, place.y + 0.26 * (output.x - place.x), output.x, output.y);
    pen.stroke();
  });
}

function drawGraphEdge(view, pen, edge, item) {
  const { theme, state } = view, cell = view.cell(), m = state.morph;
  if (item.operation < 0) return;
  const style = theme.operation(cell.operations[item.operation]);
  const picked = view.pickedOperation(), faded = picked >= 0 && picked !== item.operation;
  const relaxed = Math.max(1.2, WIDEST * item.weight), final = item.kept ? 5 : 1;
  const width = relaxed + m * (final - relaxed);
  if (item.edge === state.edge) {
    strokeEdge(pen, edge, theme.accent, width + 7);
    strokeEdge(pen, edge, theme.page, width + 3);
  }
  pen.globalAlpha = (item.kept ? 1 : 1 - 0.9 * m) * (faded ? 0.25 : 1);
  // no connection: it is shown as gaps
  const dash = cell.operations[item.operation] === NONE ? [5, 5] : [];
  strokeEdge(pen, edge, style.color, width, dash);
  if (!dash.length) drawArrow(pen, edge, style.color, width);
  if (m <= 0.5) drawMarker(pen, style, pointOn(edge, 0.5).x, pointOn(edge, 0.5).y, 5, theme.page);
  pen.globalAlpha = 1;
}

function strokeEdge(pen, edge, color, width, dash = []) {
  pen.strokeStyle = color;
  pen.lineWidth = width;
  pen.setLineDash(dash);
  pen.beginPath();
  pen.moveTo(edge.a.x, edge.a.y);
  pen.quadraticCurveTo(edge.c.x, edge.c.y, edge.b.x, edge.b.y);
  pen.stroke();
}

function drawArrow(pen, edge, color, width) {
  const tip = pointOn(edge, 1 - 17 / (Math.hypot(edge.b.x - edge.a.x, edge.b.y - edge.a.y) || 17));
  const angle = Math.atan2(edge.b.y - tip.y, edge.b.x - tip.x), size = 5 + width / 2;
  pen.fillStyle = color;
  pen.beginPath();
  for (const [turn, reach] of [[0, size * 0.5], [2.5, size], [-2.5, size]]) {
    pen.lineTo(tip.x + reach * Math.cos(angle + turn), tip.y + reach * Math.sin(angle + turn));
  }
  pen.fill();
}

// Each label takes the first free place along its edge; where there is none, the mark stands alone.
function drawEdgeLabels(view, pen, edges, items) {
  const taken = graphLayout(view).places.map(({ x, y }) => ({ x, y, half: 16 }));
  for (const item of items) {
    const label = view.cell().labels[item.operation];
    pen.font = `600 11px ${view.theme.font}`;
    const half = pen.measureText(label).width / 2 + 14;
    const free = (place) => taken.every((box) => Math.abs(box.x - place.x) > box.half + half || Math.abs(box.y - place.y) > 20);
    const places = [0.5, 0.58, 0.42, 0.66, 0.34, 0.72, 0.28].map((t) => pointOn(edges[item.edge], t));
    const place = places.find(free);
    if (place) taken.push({ ...place, half });
    drawEdgeLabel(view, pen, place ? { ...place, half } : { ...places[0], half: 10 }, view.cell().operations[item.operation], place ? label : "");
  }
}

function drawEdgeLabel(view, pen, { x, y, half }, name, label) {
  const { theme, state } = view;
  pen.globalAlpha = (state.morph - 0.5) * 2;
  pen.fillStyle = theme.page;
  pen.strokeStyle = theme.operation(name).color;
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.roundRect(x - half, y - 9, 2 * half, 18, 9);
  pen.fill();
  pen.stroke();
  drawMarker(pen, theme.operation(name), x - half + 10, y, 4, theme.page);
  text(pen, theme, label, x + 7, y + 0.5, { align: "center", size: 11, weight: 600 });
  pen.globalAlpha = 1;
}

function drawNode(view, pen, place, label) {
  const { theme } = view;
  pen.setLineDash([]);
  pen.fillStyle = theme.page;
  pen.strokeStyle = theme.ink;
  pen.lineWidth = 1.5;
  pen.beginPath();
  if (label.length > 1) pen.roundRect(place.x - 19, place.y - 13, 38, 26, 8);
  else pen.arc(place.x, place.y, 14, 0, 2 * Math.PI);
  pen.fill();
  pen.stroke();
  text(pen, theme, label, place.x, place.y + 0.5, { align: "center", size: 12.5, weight: 600 });
}

// The edge whose curve passes nearest to the pointer, or -1.
function graphEdgeAt(view, x, y) {
  let best = -1, distance = 12;
  graphEdges(view).forEach((edge, e) => {
    for (let t = 0.15; t <= 0.85; t += 0.05) {
      const point = pointOn(edge, t), away = Math.hypot(point.x - x, point.y - y);
      if (away < distance) { best = e; distance = away; }
    }
  });
  return best;
}
