// The history in the browser: decodes what Python sends, checks it, keeps weights ready to draw.
// A row is COLUMNS numbers, then the logits of each cell, all float32, little endian.

const COLUMNS = ["epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "learning_rate", "seconds", "eigenvalue"];

class HistoryStore {
  constructor() {
    this.listeners = new Set();
    this.cells = [];
    this.problem = "";
    this.clear();
  }

  clear() {
    this.rows = [];      // stored rows: {values, weights, entropy[], ...} per row
    this.live = null;    // the newest row of a running epoch; the next one replaces it
  }

  get length() { return this.rows.length + (this.live ? 1 : 0); }
  row(index) { return index < this.rows.length ? this.rows[index] : this.live; }
  weightsAt(index) { return this.row(index).weights; }
  epochAt(index) { return this.row(index).values[0]; }
  column(index, name) { return this.row(index).values[COLUMNS.indexOf(name)]; }

  setHeader(header) {
    let offset = COLUMNS.length;
    this.header = header;
    this.cells = Object.entries(header.cells || {}).map(([name, cell]) => {
      const placed = { name, ...cell, offset };
      offset += cell.edges.length * cell.operations.length;
      return placed;
    });
    this.stride = offset;
    this.clear();
    this.tell();
  }

  // Replaces all rows, as when a view is opened late.
  setRows(view) {
    const rows = this.decode(view);
    if (!rows) return;
    if (this.live && rows.length && rows[rows.length - 1].values[0] >= this.live.values[0]) this.live = null;
    this.rows = rows;
    this.tell();
  }

  // Rows `start`, `start + 1`, ... Returns false where rows before them are missing.
  append(start, view) {
    const rows = this.decode(view);
    if (!rows) return true;
    if (start > this.rows.length) return false;
    this.rows.splice(start, rows.length, ...rows);
    this.live = null;
    this.tell();
    return true;
  }

  setLive(view) {
    const rows = this.decode(view);
    if (!rows || !rows.length) return;
    const last = this.rows[this.rows.length - 1];
    if (last && rows[0].values[0] <= last.values[0]) return;   // late: a stored row has overtaken it
    this.live = rows[0];
    this.tell();
  }

  decode(view) {
    const bytes = view ? view.byteLength : 0;
    if (bytes === 0) return [];
    if (this.cells.length === 0) return this.fail("Rows arrived before the description of the cells.");
    if (bytes % (4 * this.stride)) {
      return this.fail(`A message of ${bytes} bytes came; rows of this search have ${4 * this.stride} bytes each. It was left out.`);
    }
    const rows = [];
    for (let at = 0; at < bytes; at += 4 * this.stride) rows.push(this.decodeRow(view, at));
    return rows;
  }

  decodeRow(view, at) {
    const values = new Float32Array(this.stride), weights = new Float32Array(this.stride);
    for (let i = 0; i < this.stride; i++) values[i] = view.getFloat32(at + 4 * i, true);
    for (const cell of this.cells) {
      const size = cell.operations.length;
      cell.edges.forEach((_, e) => softmaxInto(weights, values, cell.offset + e * size, size));
    }
    this.reportNotFinite(values);
    return {
      values, weights,
      entropy: this.cells.map((cell) => meanEntropy(weights, cell)),
      skipShare: this.cells.map((cell) => skipShare(weights, cell)),
      skipEdges: this.cells.map((cell) => skipCount(weights, cell) / cell.edges.length),
    };
  }

  reportNotFinite(values) {
    for (const cell of this.cells) {
      const end = cell.offset + cell.edges.length * cell.operations.length;
      const bad = values.subarray(cell.offset, end).reduce((count, value) => count + !Number.isFinite(value), 0);
      if (bad) {
        this.fail(`Epoch ${epochText(values[0])}: ${bad} of ${end - cell.offset} architecture parameters of the ${cell.name} cell are ` +
          "not finite (NaN or infinite). The search has probably diverged; try a smaller learning rate. Gaps in the curves show where.");
      }
    }
  }

  fail(message) {
    this.problem = message;
    this.tell();
    return null;
  }

  // Where `epoch` lies between the rows, as a real index.
  indexOfEpoch(epoch) {
    let low = 0, high = this.length - 1;
    if (high < 0 || epoch <= this.epochAt(0)) return 0;
    if (epoch >= this.epochAt(high)) return high;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.epochAt(middle) <= epoch) low = middle; else high = middle;
    }
    const from = this.epochAt(low);
    return low + (epoch - from) / (this.epochAt(high) - from);
  }

  // Weight at a real index: straight lines between the rows, as drawn.
  weightBetween(position, i) {
    const low = Math.min(Math.floor(position), this.length - 1), part = position - low;
    const here = this.weightsAt(low)[i];
    return part > 0 && low + 1 < this.length ? here + part * (this.weightsAt(low + 1)[i] - here) : here;
  }

  epochBetween(position) {
    const low = Math.min(Math.floor(position), this.length - 1), part = position - low;
    const here = this.epochAt(low);
    return part > 0 && low + 1 < this.length ? here + part * (this.epochAt(low + 1) - here) : here;
  }

  tell() { this.listeners.forEach((listener) => listener()); }
}

// One store for each Python object, shared by all its views, so that no view comes too late.
const stores = new Map();

function storeOf(model) {
  const key = model.get("key");
  if (!stores.has(key)) stores.set(key, connect(model, new HistoryStore()));
  return stores.get(key);
}

function connect(model, store) {
  store.setHeader(model.get("header") || {});
  store.setRows(model.get("rows"));
  model.on("change:header", () => { store.setHeader(model.get("header")); store.setRows(model.get("rows")); });
  model.on("change:rows", () => store.setRows(model.get("rows")));
  model.on("msg:custom", (message, buffers) => receive(model, store, message, buffers));
  return store;
}

function receive(model, store, message, buffers) {
  const view = buffers && buffers[0];
  if (message.kind === "live") store.setLive(view);
  else if (message.kind === "rows" && !store.append(message.start, view)) model.send({ kind: "resend" });
  else if (message.kind !== "rows") store.fail(`A message of unknown kind ${JSON.stringify(message.kind)} came and was left out.`);
}
