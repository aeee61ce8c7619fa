// The numbers behind the picture: softmax, entropy, ranks, the derived cell, the sentence.
// Arrays are flat: edge e and operation o of a cell stand at `start + e * operations + o`.

const SKIP = "skip_connect";
const NONE = "none";

function softmaxInto(target, logits, start, length) {
  let top = -Infinity, sum = 0;
  for (let i = start; i < start + length; i++) top = Math.max(top, logits[i]);
  for (let i = start; i < start + length; i++) sum += target[i] = Math.exp(logits[i] - top);
  for (let i = start; i < start + length; i++) target[i] /= sum;
}

// Entropy of one edge's weights divided by log K: 1 = undecided, 0 = one operation has it all.
function normalizedEntropy(weights, start, length) {
  let sum = 0;
  for (let i = start; i < start + length; i++) sum -= weights[i] > 0 ? weights[i] * Math.log(weights[i]) : 0;
  return Number.isNaN(weights[start]) ? NaN : sum / Math.log(length);
}

// The operation with the largest weight of those that a cell can have (`cell.selectable`: all but
// `none` in DARTS, all in NAS-Bench-201); -1 if the weights are not numbers. As argmax does it, of
// equal weights the first wins.
function winnerOf(weights, start, cell) {
  let best = -1;
  cell.selectable.forEach((allowed, o) => {
    const weight = weights[start + o];
    if (allowed && weight >= 0 && (best < 0 || weight > weights[start + best])) best = o;
  });
  return best;
}

// Rank among the operations that a cell can have; 1 is the winner.
function rankOf(weights, start, cell, operation) {
  return 1 + cell.selectable.filter((allowed, o) => allowed && weights[start + o] > weights[start + operation]).length;
}

function selectableCount(cell) {
  return cell.selectable.filter(Boolean).length;
}

function edgeWinners(weights, cell) {
  return cell.edges.map((_, e) => winnerOf(weights, cell.offset + e * cell.operations.length, cell));
}

function meanEntropy(weights, cell) {
  const size = cell.operations.length;
  const sum = cell.edges.reduce((total, _, e) => total + normalizedEntropy(weights, cell.offset + e * size, size), 0);
  return sum / cell.edges.length;
}

function skipCount(weights, cell) {
  const skip = cell.operations.indexOf(SKIP);
  return edgeWinners(weights, cell).filter((winner) => winner === skip && skip >= 0).length;
}

// Mean weight of skip_connect over the edges.
function skipShare(weights, cell) {
  const skip = cell.operations.indexOf(SKIP), size = cell.operations.length;
  const sum = cell.edges.reduce((total, _, e) => total + weights[cell.offset + e * size + skip], 0);
  return skip < 0 ? 0 : sum / cell.edges.length;
}

// One {edge, operation, weight, kept} per edge. Every edge takes its strongest operation; where that
// is `none`, it vanishes. Where there is `cell.kept` (DARTS, section 2.4), a node keeps so many of
// its edges, those whose operation weighs most.
function deriveCell(weights, cell) {
  const size = cell.operations.length;
  const edges = edgeWinners(weights, cell).map((operation, e) => ({
    edge: e, operation, kept: operation >= 0 && cell.operations[operation] !== NONE,
    weight: operation < 0 ? -1 : weights[cell.offset + e * size + operation],
  }));
  if (!cell.kept) return edges;
  for (const target of new Set(cell.edges.map((pair) => pair[1]))) {
    const incoming = edges.filter((item) => cell.edges[item.edge][1] === target);
    incoming.sort((a, b) => b.weight - a.weight || a.edge - b.edge);
    incoming.slice(cell.kept).forEach((item) => { item.kept = false; });
  }
  return edges;
}

function shown(value, digits) {
  return Number.isFinite(value) ? value.toFixed(digits) : "not a number";
}

function epochText(epoch) {
  return Number.isInteger(epoch) ? String(epoch) : epoch.toFixed(1);
}

function changeText(first, last) {
  const before = shown(first, 2), now = shown(last, 2);
  if (before === now) return `stayed at ${now}`;
  return `${last < first ? "fell" : "rose"} from ${before} to ${now}`;
}

// The same sentence as nas_course.widgets.readings.sentence, for row `index` of the store.
function sentence(store, index, cell) {
  const weights = store.weightsAt(index), size = cell.operations.length;
  const winners = edgeWinners(weights, cell);
  const weight = (e) => weights[cell.offset + e * size + winners[e]];
  let edge = 0;
  winners.forEach((_, e) => { if (weight(e) > weight(edge)) edge = e; });
  const epoch = store.epochAt(index), unit = epoch === 1 ? "epoch" : "epochs";
  const label = cell.name === "cell" ? "the cell" : `the ${cell.name} cell`;
  const start = `After ${epochText(epoch)} ${unit} ${label}'s strongest operation is `;
  if (winners.includes(-1)) return `${start}unknown: its weights are not numbers.`;
  return `${start}${cell.labels[winners[edge]]} on edge ${edgeName(cell, edge)} (weight ${shown(weight(edge), 3)}); ` +
    `${skipCount(weights, cell)} of ${cell.edges.length} edges prefer skip; ` +
    `entropy ${changeText(meanEntropy(store.weightsAt(0), cell), meanEntropy(weights, cell))}.`;
}

// Subscripts as letters, where a page cannot set them: c_{k-2} becomes cₖ₋₂.
function pretty(name) {
  const low = { k: "ₖ", "-": "₋", 1: "₁", 2: "₂" };
  return name.replace(/_\{(.*?)\}/g, (_, part) => [...part].map((letter) => low[letter] || letter).join(""));
}

function edgeName(cell, edge) {
  const [source, target] = cell.edges[edge];
  return `${cell.nodes[source]} → ${cell.nodes[target]}`;
}

// What the view calls an operation, by its name in the history.
function labelOf(cell, name) {
  return cell.labels[cell.operations.indexOf(name)] || name;
}
