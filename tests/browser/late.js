// Everything that a browser does after the input that causes it comes late by a random time, as
// where other programs hold the processor. `conftest.py` runs this before all else on a page.

(longest) => {
  const late = () => longest * Math.random() ** 3;   // ms; mostly little, now and then a lot
  const after = window.setTimeout, stop = window.clearTimeout;

  // ---- timers and frames ----
  const ask = window.requestAnimationFrame, cancel = window.cancelAnimationFrame, asked = new Map();
  window.setTimeout = (call, wait = 0, ...values) => after(call, wait + late(), ...values);
  window.requestAnimationFrame = (call) => {
    const id = after(() => asked.set(id, ask((now) => { asked.delete(id); call(now); })), late());
    return id;
  };
  window.cancelAnimationFrame = (id) => { stop(id); cancel(asked.get(id)); };

  // ---- events that the browser queues ----
  const queued = new Set(["toggle", "scroll", "scrollend", "selectionchange", "transitionend", "animationend"]);
  const listeners = new WeakMap(), place = EventTarget.prototype;
  const add = place.addEventListener, remove = place.removeEventListener;
  place.addEventListener = function (type, listener, ...rest) {
    if (!queued.has(type) || typeof listener !== "function") return add.call(this, type, listener, ...rest);
    if (!listeners.has(listener)) {
      listeners.set(listener, function (event) { after(() => listener.call(this, event), late()); });
    }
    return add.call(this, type, listeners.get(listener), ...rest);
  };
  place.removeEventListener = function (type, listener, ...rest) {
    remove.call(this, type, (queued.has(type) && listeners.get(listener)) || listener, ...rest);
  };

  // ---- observers ----
  const behind = (Observer) => class extends Observer {
    constructor(call, ...rest) {
      super((entries) => { const id = after(() => { this.waiting.delete(id); call(entries, this); }, late()); this.waiting.add(id); }, ...rest);
      this.waiting = new Set();
    }
    disconnect() {
      super.disconnect();
      this.waiting.forEach((id) => stop(id));
      this.waiting.clear();
    }
  };
  window.ResizeObserver = behind(window.ResizeObserver);
  window.IntersectionObserver = behind(window.IntersectionObserver);

  // ---- what a server says, in its order ----
  const heard = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
  Object.defineProperty(WebSocket.prototype, "onmessage", { ...heard, set(call) {
    let due = 0;
    heard.set.call(this, call && ((event) => {
      const now = performance.now();
      due = Math.max(due, now + late());
      after(() => call.call(this, event), due - now);
    }));
  } });
}
