// The view in a page without a kernel: a model that only has get, set and events.
// `static.py` puts the constants ID, ROWS, STATE and MODULE before this.

const figure = document.getElementById(ID), listeners = {};
const bytes = Uint8Array.from(atob(ROWS), (letter) => letter.charCodeAt(0));
const state = {...STATE, rows: new DataView(bytes.buffer)};
const model = {
  get: (name) => state[name],
  set(name, value) { state[name] = value; (listeners["change:" + name] || []).forEach((f) => f()); },
  on(name, f) { (listeners[name] ||= []).push(f); },
  off() {}, save_changes() {}, send() {},
};
async function start() {
  const url = URL.createObjectURL(new Blob([MODULE], {type: "text/javascript"}));
  const view = (await import(url)).default;
  const place = document.createElement("div");
  figure.querySelector("img").replaceWith(place);
  view.render({model, el: place});
}
new IntersectionObserver((entries, observer) => {
  if (entries.some((entry) => entry.isIntersecting)) { observer.disconnect(); start(); }
}).observe(figure);
