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

  // ---- events that the browser queues, of those that a view may follow ----
  const queued = (target, type, listener) => typeof listener === "function" &&
    (type === "toggle" || (type === "change" && target instanceof MediaQueryList));
  const listeners = new WeakMap(), place = EventTarget.prototype;
  const add = place.addEventListener, remove = place.removeEventListener;
  const delayed = (listener) => {
    const later = function (event) { after(() => listener.call(this, event), late()); };
    if (!listeners.has(listener)) listeners.set(listener, later);
    return listeners.get(listener);
  };
  place.addEventListener = function (type, listener, ...rest) {
    return add.call(this, type, queued(this, type, listener) ? delayed(listener) : listener, ...rest);
  };
  place.removeEventListener = function (type, listener, ...rest) {
    remove.call(this, type, queued(this, type, listener) ? delayed(listener) : listener, ...rest);
  };

  // ---- observers ----
  const behind = (Observer) => class extends Observer {
    constructor(call, ...rest) {
      super((entries) => {
        const id = after(() => { this.waiting.delete(id); call(entries, this); }, late());
        this.waiting.add(id);
      }, ...rest);
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
    const messages = [];
    heard.set.call(this, call && ((event) => {
      messages.push(event);
      after(() => call.call(this, messages.shift()), late());
    }));
  } });
}
