// Drawing tools that all panels share: sharp canvases, theme colours, scales, axes, labels.

function fitCanvas(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

function channels(color) {
  const hex = /^#(..)(..)(..)$/.exec(color);
  if (hex) return hex.slice(1).map((part) => parseInt(part, 16));
  return (color.match(/[\d.]+/g) || [0, 0, 0]).slice(0, 3).map(Number);
}

// Relative luminance, WCAG 2.2.
function luminance(color) {
  const [r, g, b] = channels(color).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function readTheme(root, palette) {
  const style = getComputedStyle(root);
  const color = (name) => style.getPropertyValue(name).trim();
  const dark = luminance(style.backgroundColor) < 0.2;
  return {
    dark,
    page: style.backgroundColor, ink: color("--nas-ink"), muted: color("--nas-muted"), grid: color("--nas-grid"),
    accent: color("--nas-accent"), font: style.fontFamily,
    operation: (name) => ({ ...palette[name], color: (palette[name] || {})[dark ? "dark" : "light"] || color("--nas-ink") }),
    ramp: dark ? ["#16202b", "#2b5f8f", "#d9ecff"] : ["#f4f8fc", "#7db0dc", "#08376b"],
  };
}

function mix(from, to, part) {
  const a = channels(from), b = channels(to);
  return `rgb(${a.map((value, i) => Math.round(value + part * (b[i] - value))).join(",")})`;
}

function rampColor(ramp, part) {
  const at = Math.max(0, Math.min(1, part)) * (ramp.length - 1), low = Math.min(Math.floor(at), ramp.length - 2);
  return mix(ramp[low], ramp[low + 1], at - low);
}

function text(pen, theme, string, x, y, options = {}) {
  pen.font = `${options.weight || 400} ${options.size || 12}px ${theme.font}`;
  pen.fillStyle = options.color || theme.ink;
  pen.textAlign = options.align || "left";
  pen.textBaseline = options.baseline || "middle";
  pen.fillText(string, x, y);
}

// About `count` round numbers that cover [low, high].
function ticks(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((unit) => unit * power).find((unit) => unit >= rough * 0.99);
  const values = [];
  for (let value = Math.ceil(low / step - 1e-6) * step; value <= high + step * 1e-6; value += step) values.push(value);
  return { values, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

function scale(from, to, low, high) {
  return (value) => low + ((value - from) / (to - from)) * (high - low);
}

// Axes of a plot over epochs; returns the frame with its two scales.
function drawAxes(pen, theme, size, margin, domain, labels) {
  const frame = { left: margin.left, right: size.width - margin.right, top: margin.top, bottom: size.height - margin.bottom };
  frame.x = scale(0, domain.epochs, frame.left, frame.right);
  frame.y = scale(domain.low, domain.high, frame.bottom, frame.top);
  drawHorizontalGrid(pen, theme, frame, domain);
  const marks = ticks(0, domain.epochs, Math.min(domain.epochs, Math.max(3, (frame.right - frame.left) / 55)));
  for (const value of marks.values.filter(Number.isInteger)) {
    pen.fillStyle = theme.muted;
    pen.fillRect(Math.round(frame.x(value)), frame.bottom, 1, 4);
    text(pen, theme, String(value), frame.x(value), frame.bottom + 12, { align: "center", color: theme.muted, size: 11 });
  }
  text(pen, theme, labels.x, (frame.left + frame.right) / 2, size.height - 7, { align: "center", color: theme.muted, size: 11 });
  pen.save();
  pen.translate(9, (frame.top + frame.bottom) / 2);
  pen.rotate(-Math.PI / 2);
  text(pen, theme, labels.y, 0, 0, { align: "center", color: theme.muted, size: 11 });
  pen.restore();
  return frame;
}

function drawHorizontalGrid(pen, theme, frame, domain) {
  const marks = ticks(domain.low, domain.high, Math.max(3, (frame.bottom - frame.top) / 45));
  for (const value of marks.values) {
    const y = Math.round(frame.y(value));
    pen.fillStyle = theme.grid;
    pen.fillRect(frame.left, y, frame.right - frame.left, 1);
    text(pen, theme, value.toFixed(marks.digits), frame.left - 6, y, { align: "right", color: theme.muted, size: 11 });
  }
  pen.fillStyle = theme.muted;
  pen.fillRect(frame.left, frame.bottom, frame.right - frame.left, 1);
}

// Polyline through `count` points; a point that is not a number leaves a gap.
function polyline(pen, count, x, y) {
  let drawing = false;
  pen.beginPath();
  for (let i = 0; i < count; i++) {
    const height = y(i);
    if (Number.isNaN(height)) { drawing = false; continue; }
    if (drawing) pen.lineTo(x(i), height); else pen.moveTo(x(i), height);
    drawing = true;
  }
  pen.stroke();
}

function drawCursor(pen, theme, frame, epoch) {
  const x = Math.round(frame.x(epoch));
  pen.fillStyle = theme.ink;
  pen.globalAlpha = 0.55;
  pen.fillRect(x, frame.top, 1, frame.bottom - frame.top);
  pen.globalAlpha = 1;
}

// Moves labels apart, downwards and then back up, so that none stands closer than `gap`.
function spread(items, low, high, gap) {
  items.sort((a, b) => a.y - b.y);
  items.forEach((item, i) => { item.y = Math.max(item.y, i ? items[i - 1].y + gap : low); });
  for (let i = items.length - 1; i >= 0; i--) {
    items[i].y = Math.min(items[i].y, i + 1 < items.length ? items[i + 1].y - gap : high);
  }
  return items;
}

// The markers of matplotlib that nas_course.plots.style uses, as polygons in a 2 x 2 box.
const CROSS = [[-.35, -1], [.35, -1], [.35, -.35], [1, -.35], [1, .35], [.35, .35], [.35, 1], [-.35, 1], [-.35, .35], [-1, .35], [-1, -.35], [-.35, -.35]];
const turned = (points) => points.map(([x, y]) => [(x - y) * 0.707, (x + y) * 0.707]);
const THIN = CROSS.map(([x, y]) => [Math.abs(x) === .35 ? x * .5 : x, Math.abs(y) === .35 ? y * .5 : y]);
const MARKERS = {
  "^": [[0, -1], [1, .8], [-1, .8]], "v": [[0, 1], [1, -.8], [-1, -.8]], "<": [[-1, 0], [.8, 1], [.8, -1]], ">": [[1, 0], [-.8, 1], [-.8, -1]],
  s: [[-.85, -.85], [.85, -.85], [.85, .85], [-.85, .85]], D: [[0, -1.15], [1.15, 0], [0, 1.15], [-1.15, 0]],
  P: CROSS, X: turned(CROSS), x: turned(THIN),
};

function drawMarker(pen, style, x, y, radius, halo) {
  pen.beginPath();
  if (MARKERS[style.marker]) {
    MARKERS[style.marker].forEach(([dx, dy]) => pen.lineTo(x + dx * radius, y + dy * radius));
    pen.closePath();
  } else pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.setLineDash([]);
  pen.lineWidth = 2;
  pen.strokeStyle = halo;
  pen.stroke();
  pen.fillStyle = style.color;
  pen.fill();
}
