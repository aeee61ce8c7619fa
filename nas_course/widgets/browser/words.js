// Everything the view says in words: status, readouts, table, descriptions for screen readers.

const ANNOUNCE_EVERY = 5000;   // ms; more often would talk over the reader

function writeWords(view) {
  const { parts, store, state } = view, cell = view.cell();
  const problem = view.model.get("problem") || store.problem;
  parts.problem.hidden = !problem;
  setText(parts.problem, problem);
  setText(parts.status, statusText(view));
  if (!cell) return;
  setText(parts.run, runText(store.header));
  setText(parts.curvesTitle, `Edge ${view.edgeLabel()} of the ${view.cellLabel()}`);
  showCard(view);
  showVerdict(view);
  setText(parts.detail, detailText(view));
  setText(parts.graphNote, graphNote(view));
  setText(parts.heatNote, `colour = mixing weight; bold number: the strongest operation of an edge${exclusion(cell)}`);
  describeCanvases(view);
  parts.summary.hidden = store.length === 0;
  if (store.length === 0) return;
  const row = view.shownRow();
  setText(parts.epoch, epochReadout(view));
  parts.slider.setAttribute("aria-valuetext", `epoch ${epochText(store.epochAt(row))} of ${epochText(view.lastEpoch())}`);
  parts.summary.hidden = view.gated();
  setText(parts.summary, view.gated() ? "" : pretty(sentence(store, row, cell)));
  writeTable(view, row);
  announce(view);
}

function runText(header) {
  return [header.method, header.data, header.seed === undefined ? "" : `seed ${header.seed}`].filter(Boolean).join(" · ");
}

function statusText(view) {
  const { store } = view;
  if (!view.cell()) return "waiting for a search";
  if (store.length === 0) return "waiting for the first row";
  const last = store.epochAt(store.length - 1), total = view.lastEpoch();
  const finished = !store.live && store.header.epochs && last >= store.header.epochs;
  const part = finished ? `${epochText(last)} epochs, finished` : `epoch ${epochText(last)} of ${epochText(total)}`;
  const accuracy = store.column(store.length - 1, "valid_accuracy");
  return Number.isFinite(accuracy) ? `${part} · validation accuracy ${(100 * accuracy).toFixed(1)} %` : part;
}

function epochReadout(view) {
  const { store, state } = view;
  const epoch = state.playing ? store.epochBetween(state.at).toFixed(1) : epochText(store.epochAt(view.shownRow()));
  return `epoch ${epoch}${view.follows() && !view.finished() ? " · live" : ""}`;
}

// Details on demand: the formula with the numbers of the picked (else leading) operation.
function detailText(view) {
  const { store, state } = view, cell = view.cell();
  if (store.length === 0 || view.gated()) return "w = exp(α) / Σ exp(α′), over the operations of one edge";
  const size = cell.operations.length, base = cell.offset + state.edge * size, row = store.row(view.shownRow());
  const picked = view.pickedOperation(), operation = picked >= 0 ? picked : view.winner();
  if (operation < 0) return "The weights of this edge are not numbers.";
  const alpha = row.values[base + operation];
  let sum = 0;
  for (let i = base; i < base + size; i++) sum += Math.exp(row.values[i]);
  return `${view.edgeLabel()}, ${cell.labels[operation]}: w = exp(${shown(alpha, 3)}) / ${shown(sum, 3)} = ${shown(row.weights[base + operation], 3)}` +
    ` · rank ${operationRank(row.weights, base, cell, operation)}`;
}

function graphNote(view) {
  if (view.state.morph > 0.5 && view.store.length) return view.derivedCaption();
  const cell = view.cell(), uniform = (1 / cell.operations.length).toFixed(3);
  return `line width = weight of the edge's strongest operation${exclusion(cell)} (all equal: ${uniform})`;
}

function exclusion(cell) {
  const names = cell.labels.filter((_, o) => !cell.selectable[o]);
  return names.length ? `, leaving out “${names.join("”, “")}”` : "";
}

function operationRank(weights, base, cell, operation) {
  return cell.selectable[operation] ? String(rankOf(weights, base, cell, operation)) : "–";
}

// Also while it is folded up: it is whole at the moment it opens, whoever or whatever opens it.
function writeTable(view, row) {
  const { parts, store, state } = view, cell = view.cell();
  if (view.gated()) return void parts.table.replaceChildren();
  const size = cell.operations.length, base = cell.offset + state.edge * size;
  const { values, weights } = store.row(row), first = store.weightsAt(0);
  setText(parts.tableTitle, `Edge ${view.edgeLabel()} of the ${view.cellLabel()} at epoch ${epochText(store.epochAt(row))}`);
  while (parts.table.rows.length > size) parts.table.deleteRow(-1);
  while (parts.table.rows.length < size) parts.table.append(tableRow());
  cell.labels.forEach((name, o) => {
    const change = weights[base + o] - first[base + o];
    const cells = [name, shown(values[base + o], 3), shown(weights[base + o], 3), operationRank(weights, base, cell, o),
      `${change >= 0 ? "+" : ""}${shown(change, 3)}`];
    cells.forEach((string, i) => setText(parts.table.rows[o].cells[i], string));
  });
}

function tableRow() {
  const row = document.createElement("tr");
  row.innerHTML = "<th scope='row'></th><td></td><td></td><td></td><td></td>";
  return row;
}

function describeCanvases(view) {
  const { parts, store } = view, cell = view.cell(), hidden = view.gated() || store.length === 0;
  const label = (part, string) => { if (parts[part].getAttribute("aria-label") !== string) parts[part].setAttribute("aria-label", string); };
  label("curves", hidden ? "Curves, hidden until you predict" : `Curves of the ${cell.operations.length} mixing weights of edge ${view.edgeLabel()} over the epochs; the numbers are in the table below`);
  label("heat", hidden ? "Heat map of all edges and operations" : `Heat map. ${detailText(view)}`);
  label("traces", hidden ? "Entropy and skip connections over the epochs" : `Entropy and skip connections over the epochs. ${sentence(store, view.shownRow(), cell)}${eigenvalueWords(view)}`);
  label("graph", hidden ? "The cell as a graph" : view.derivedCaption());
}

function announce(view, now = performance.now()) {
  const text = view.gated() ? view.parts.card.querySelector("p")?.textContent || "" : view.parts.summary.textContent;
  const moving = view.state.playing || (view.store.live && view.follows());
  if (text === view.announced || (moving && now - view.announcedAt < ANNOUNCE_EVERY)) return;
  view.announced = text;
  view.announcedAt = now;
  setText(view.parts.announce, text);
}
