// The view: ties the store, the controls and the four panels together; anywidget calls `render`.

const WORDS_EVERY = 120;   // ms between text updates while numbers stream in
const PANELS = { curves: drawCurves, heat: drawHeatMap, graph: drawGraph, traces: drawTraces };

class AlphaView {
  constructor(model, el) {
    this.model = model;
    this.store = storeOf(model);
    this.root = el;
    this.parts = buildPage(el);
    const kept = model.get("view") || {};
    this.state = { cell: 0, edge: kept.edge || 0, operation: -1, hover: -1, at: 0, morph: kept.morph || 0, playing: false, speed: 2, revealed: 0 };
    this.keptView = kept;
    this.announced = "";
    this.announcedAt = -Infinity;
    this.wordsAt = -Infinity;
    this.reduced = matchMedia("(prefers-reduced-motion: reduce)");
    this.following = kept.epoch === undefined || kept.epoch === null;
    this.cleanups = [];
    this.stale = new Set();   // panels that no longer show the present state, oldest first
  }

  start() {
    wireControls(this);
    this.listen();
    this.restyle();
    this.headerChanged();
    return () => this.stop();
  }

  stop() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.keeper);
    clearTimeout(this.later);
    this.cleanups.forEach((undo) => undo());
  }

  listen() {
    const onRows = () => this.rowsChanged();
    this.store.listeners.add(onRows);
    this.cleanups.push(() => this.store.listeners.delete(onRows));
    this.cleanups.push(ownKeys(this.root));
    const sizes = new ResizeObserver(() => this.restyle());
    sizes.observe(this.root);
    const themes = new MutationObserver(() => this.restyle());
    themes.observe(document.body, { attributes: true });
    this.cleanups.push(() => sizes.disconnect(), () => themes.disconnect());
    const dark = matchMedia("(prefers-color-scheme: dark)"), restyle = () => this.restyle();
    dark.addEventListener("change", restyle);
    this.cleanups.push(() => dark.removeEventListener("change", restyle));
    const changed = () => this.changed();
    for (const name of ["change:predictions", "change:problem"]) {
      this.model.on(name, changed);
      this.cleanups.push(() => this.model.off(name, changed));
    }
  }

  // ---- what the panels ask ----
  cell() { return this.store.cells[this.state.cell]; }
  cellLabel() { return this.cell().name === "cell" ? "cell" : `${this.cell().name} cell`; }
  edgeLabel() { return edgeName(this.cell(), this.state.edge).split(" → ").map(pretty).join(" → "); }
  gated() { return isGated(this); }
  guess() { return guessOf(this); }
  lastEpoch() {
    const seen = this.store.length ? this.store.epochAt(this.store.length - 1) : 0;
    return Math.max(this.store.header.epochs || 0, seen, 1);
  }
  drawnPosition() { return this.gated() ? 0 : this.state.at; }
  shownRow() { return Math.round(this.drawnPosition()); }
  revealedRow() { return Math.min(Math.max(Math.ceil(this.state.revealed), Math.floor(this.state.at)), this.store.length - 1); }
  pickedOperation() { return this.state.hover >= 0 ? this.state.hover : this.state.operation; }
  follows() { return this.following; }
  finished() { return !this.store.live && this.store.length > 0 && this.store.epochAt(this.store.length - 1) >= (this.store.header.epochs || Infinity); }
  winner() {
    if (this.store.length === 0) return -1;
    const cell = this.cell();
    return winnerOf(this.store.weightsAt(this.shownRow()), cell.offset + this.state.edge * cell.operations.length, cell);
  }
  derivedCaption() {
    const cell = this.cell();
    const kept = deriveCell(this.store.weightsAt(this.shownRow()), cell).filter((item) => item.kept);
    return `derived at epoch ${epochText(this.store.epochAt(this.shownRow()))}: ${kept.length} of ${cell.edges.length} edges kept` +
      (cell.kept ? `, the ${cell.kept} strongest into each node` : kept.length < cell.edges.length ? "; where “none” is strongest, there is no edge" : "");
  }

  // ---- what changes ----
  headerChanged() {
    this.header = this.store.header;
    for (const part of ["card", "verdict"]) this.parts[part].replaceChildren();
    this.parts.card.dataset.key = this.parts.verdict.dataset.key = this.parts.card.dataset.painted = "";
    fillPickers(this);
    this.rowsChanged();
  }

  rowsChanged() {
    if (this.store.header !== this.header) return void this.headerChanged();
    const last = Math.max(0, this.store.length - 1);
    if (this.cell()) this.range = weightRange(this.store, this.cell());
    if (this.keptView.epoch >= 0 && last > 0) {
      this.state.at = this.store.indexOfEpoch(this.keptView.epoch);
      this.state.revealed = last;
      this.keptView = {};
    } else if (this.following && !this.state.playing && !this.gated()) this.state.at = last;
    this.state.at = Math.min(this.state.at, last);
    this.parts.slider.max = String(last);
    this.streamed();
  }

  // The first look: a finished search plays from the start, a running one is followed.
  reveal() {
    const finished = this.finished() && this.store.length > 1;
    this.state.at = 0;
    this.state.revealed = 0;
    if (finished && !this.reduced.matches) this.play();
    else this.moveTo(this.store.length - 1);
    syncControls(this);   // a control that is still disabled could not take the focus
    this.parts.slider.focus({ preventScroll: true });
  }

  moveTo(position) {
    const last = Math.max(0, this.store.length - 1);
    this.state.at = Math.min(last, Math.max(0, position));
    this.state.revealed = Math.max(this.state.revealed, this.state.at);
    this.following = this.state.at >= last;
    this.changed();
    this.keep();
  }

  play() {
    if (this.gated() || this.store.length < 2) return;
    if (this.state.at >= this.store.length - 1) this.state.at = 0;
    this.state.playing = true;
    this.following = false;
    this.playedAt = performance.now();
    this.changed();
  }

  pause() {
    this.state.playing = false;
    this.moveTo(Math.round(this.state.at));
  }

  advance(now) {
    const { store, state } = this, seconds = Math.min(0.1, (now - this.playedAt) / 1000);
    this.playedAt = now;
    this.waited = (this.waited || 0) + seconds * state.speed;
    if (this.reduced.matches) return void this.jump();
    state.at = store.indexOfEpoch(store.epochBetween(state.at) + seconds * state.speed);
    state.revealed = Math.max(state.revealed, state.at);
    if (state.at >= store.length - 1) this.pause();
  }

  // With reduced motion the playback goes from row to row, without anything in between.
  jump() {
    const { store, state } = this, next = Math.floor(state.at) + 1;
    if (this.waited < store.epochAt(next) - store.epochAt(next - 1)) return;
    this.waited = 0;
    state.at = next;
    state.revealed = Math.max(state.revealed, next);
    if (next >= store.length - 1) this.pause();
  }

  morphTo(goal) {
    this.morphGoal = goal;
    if (this.reduced.matches) this.state.morph = goal;
    this.changed();
  }

  advanceMorph() {
    if (this.morphGoal === undefined) return;
    const left = this.morphGoal - this.state.morph;
    this.state.morph = Math.abs(left) < 0.05 ? this.morphGoal : this.state.morph + Math.sign(left) * 0.05;
    this.parts.morph.value = String(Math.round(100 * this.state.morph));
    if (left === 0) { this.morphGoal = undefined; this.keep(); } else this.changed();
  }

  // Lets Python read, save and restore where the view stands.
  keep() {
    clearTimeout(this.keeper);
    this.keeper = setTimeout(() => {
      if (!this.cell()) return;
      const epoch = this.following || !this.store.length ? null : this.store.epochAt(this.shownRow());
      this.model.set("view", { cell: this.cell().name, edge: this.state.edge, epoch, morph: this.state.morph });
      this.model.save_changes();
    }, 300);
  }

  // ---- painting, once per frame at most ----
  changed() {
    this.hurry = true;
    this.streamed();
  }

  // For what comes many times a second: the curves follow at once, of the others one each frame.
  streamed() {
    for (const name of Object.keys(PANELS)) this.stale.add(name);
    this.schedule();
  }

  schedule() {
    if (this.frame) return;
    this.root.removeAttribute("data-settled");
    this.frame = requestAnimationFrame((now) => { this.frame = 0; this.paint(now); });
  }

  restyle() {
    this.theme = readTheme(this.root, this.model.get("palette") || {});
    this.root.dataset.theme = this.theme.dark ? "dark" : "light";
    paintSwatches(this);
    this.changed();
  }

  paint(now) {
    if (this.state.playing) this.advance(now);
    this.advanceMorph();
    syncControls(this);
    this.paintWords(now);
    this.root.classList.toggle("nas-empty", !this.cell());
    if (this.cell() && this.root.clientWidth) this.paintPanels();
    this.paints = (this.paints || 0) + 1;
    this.root.dataset.paints = String(this.paints);
    if (this.state.playing) this.streamed();
    else if (this.stale.size && this.root.clientWidth && this.cell()) this.schedule();
    // For whoever drives the page: all that is shown is the present state, and nothing moves.
    this.root.toggleAttribute("data-settled", !this.frame && !this.later);
  }

  paintPanels() {
    const names = this.hurry ? Object.keys(PANELS) : ["curves", [...this.stale].find((name) => name !== "curves")];
    this.hurry = false;
    for (const name of names.filter((name) => this.stale.delete(name))) PANELS[name](this);
  }

  paintWords(now) {
    if (now - this.wordsAt < WORDS_EVERY) {
      clearTimeout(this.later);
      this.later = setTimeout(() => { this.later = 0; this.schedule(); }, WORDS_EVERY);
      return;
    }
    this.wordsAt = now;
    writeWords(this);
    this.root.dataset.words = String(Number(this.root.dataset.words || 0) + 1);
    if (this.parts.card.dataset.painted !== this.parts.card.dataset.key) {
      this.parts.card.dataset.painted = this.parts.card.dataset.key;
      paintSwatches(this);
    }
  }
}

export default {
  initialize({ model }) { storeOf(model); },
  render({ model, el }) {
    const root = document.createElement("div");
    el.append(root);
    return new AlphaView(model, root).start();
  },
};
