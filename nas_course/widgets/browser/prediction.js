// Prediction first: nothing moves before the learner has named a winner; the guess is kept.

function edgeKey(view) {
  return `${view.cell().name}/${view.state.edge}`;
}

// {operation, epoch} for the chosen edge, or null; a guess made in another space may not count here.
function guessOf(view) {
  const guess = (view.model.get("predictions") || {})[edgeKey(view)];
  return guess && view.cell().operations.includes(guess.operation) ? guess : null;
}

function isGated(view) {
  return Object.keys(view.model.get("predictions") || {}).length === 0;
}

function keepGuess(view, operation, epoch) {
  view.model.set("predictions", { ...view.model.get("predictions"), [edgeKey(view)]: { operation, epoch } });
  view.model.save_changes();
}

function decline(view) {
  view.model.set("predictions", { ...view.model.get("predictions"), declined: { operation: "", epoch: 0 } });
  view.model.save_changes();
}

function showCard(view) {
  const { card } = view.parts, key = view.gated() && view.cell() ? edgeKey(view) : "";
  card.hidden = !key;
  if (card.dataset.key === key) return;
  card.dataset.key = key;
  if (key) card.replaceChildren(...cardContents(view));
  else card.replaceChildren();
}

function cardContents(view) {
  const cell = view.cell(), question = document.createElement("p"), choices = document.createElement("div"), skip = document.createElement("button");
  question.innerHTML = "<strong>Predict first.</strong> <span></span>";
  question.lastChild.textContent = `Which operation will weigh most on edge ${edgeName(cell, view.state.edge).split(" → ").map(pretty).join(" → ")} of the ${view.cellLabel()} when the search ends? ` +
    `All start equal.${noneWords(cell)}`;
  choices.className = "nas-choices";
  selectableNames(cell).forEach((name) => choices.append(operationButton(view, name, () => {
    keepGuess(view, name, 0);
    view.reveal();
  })));
  skip.type = "button";
  skip.className = "nas-link";
  skip.textContent = "Show it without a prediction";
  skip.addEventListener("click", () => { decline(view); view.reveal(); });
  return [question, choices, skip];
}

function selectableNames(cell) {
  return cell.operations.filter((_, o) => cell.selectable[o]);
}

// What becomes of `none` differs between spaces, and who guesses must know it.
function noneWords(cell) {
  const none = cell.operations.indexOf(NONE);
  if (none < 0) return "";
  if (!cell.selectable[none]) return " The operation “none” is never selected.";
  return " “none” can be selected, too: the edge is then left out of the cell.";
}

// The gap between guess and winner in words; or the invitation to guess.
function showVerdict(view) {
  const { verdict } = view.parts;
  if (view.gated()) return void setText(verdict, "The curves appear when you have predicted.");
  const guess = view.guess();
  if (!guess) return void offerGuess(view);
  setText(verdict, view.store.length ? verdictText(view, guess) : `Your guess ${labelOf(view.cell(), guess.operation)} is kept. The curves start with the search.`);
  verdict.dataset.key = "";
}

function verdictText(view, guess) {
  const cell = view.cell(), row = view.shownRow(), weights = view.store.weightsAt(row);
  const base = cell.offset + view.state.edge * cell.operations.length;
  const winner = winnerOf(weights, base, cell), guessed = cell.operations.indexOf(guess.operation), name = cell.labels[guessed];
  const when = guess.epoch ? ` (made at epoch ${epochText(guess.epoch)})` : "";
  const now = epochText(view.store.epochAt(row));
  if (winner < 0) return `Your guess ${name}${when}: no winner at epoch ${now}, the weights are not numbers.`;
  const mine = shown(weights[base + guessed], 3), best = shown(weights[base + winner], 3);
  if (winner === guessed) return `★ Your guess ${name}${when} leads at epoch ${now} with weight ${best}.`;
  const rank = rankOf(weights, base, cell, guessed), count = selectableCount(cell);
  return `★ Your guess ${name}${when}: rank ${rank} of ${count} at epoch ${now}, weight ${mine}. ` +
    `Leader: ${cell.labels[winner]}, ${best}. Gap ${shown(weights[base + winner] - weights[base + guessed], 3)}.`;
}

function offerGuess(view) {
  const { verdict } = view.parts, key = edgeKey(view);
  if (verdict.dataset.key === key) return;
  verdict.dataset.key = key;
  const label = document.createElement("label"), select = document.createElement("select");
  label.textContent = "Your guess for this edge: ";
  select.append(option("", "choose…"), ...selectableNames(view.cell()).map((name) => option(name, labelOf(view.cell(), name))));
  select.addEventListener("change", () => {
    const seen = view.store.length ? view.store.epochAt(view.revealedRow()) : 0;
    keepGuess(view, select.value, seen);
    view.changed();
  });
  label.append(select);
  verdict.replaceChildren(label);
}
