// The layer x head grid. A click paints at once and is reported afterwards; what Python sends back
// is adopted only when its `revision` has risen, that is when Python itself changed the mask
// (preset, undo, link). An answer to an older click can therefore never undo a newer one.

const QUIET = 120; // ms without a click before a burst is reported
const PATIENCE = 400; // ms after which a burst is reported even if it goes on
const boards = new WeakMap();

export default function (component) {
  const root = component.parentElement;
  if (!boards.has(root)) boards.set(root, new Board(root));
  const board = boards.get(root);
  board.update(component);
  return () => board.leave();
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function element(tag, attributes = {}, text = "") {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
}

class Board {
  constructor(root) {
    this.root = root.querySelector(".switchboard");
    this.shape = "";
    this.revision = null;
    this.focus = [0, 0]; // -1 stands for the header row or column
    this.anchor = null;
    this.brush = null; // while the pointer is down: the state being painted
    this.listen();
  }

  update({ data, setStateValue }) {
    this.send = setStateValue;
    this.data = data;
    const shape = `${data.mode}/${data.heads.join(".")}`;
    const fresh = shape !== this.shape;
    if (fresh) this.build(shape);
    if (fresh || data.revision !== this.revision) this.adopt(data);
    this.paint();
  }

  adopt(data) {
    this.cancel();
    this.revision = data.revision;
    this.on = data.rows.map((row) => [...row].map((bit) => bit === "1"));
    this.chosen = data.chosen;
  }

  leave() {
    if (this.timer) this.flush();
  }

  // ---------------------------------------------------------------- building and painting

  build(shape) {
    this.shape = shape;
    const { heads, mode } = this.data;
    const columns = Math.max(...heads);
    const table = element("table", { role: "grid", "aria-label": this.data.label });
    this.cells = heads.map(() => []);
    this.rowHeaders = [];
    this.columnHeaders = [];
    const top = element("tr", { role: "row" });
    top.append(element("td", { role: "gridcell", class: "corner" }));
    for (let head = 0; head < columns; head++) {
      const button = this.header(-1, head, `H${head}`, "head column");
      this.columnHeaders.push(button);
      top.append(this.wrap("th", { role: "columnheader", scope: "col" }, button));
    }
    const body = element("tbody");
    heads.forEach((count, layer) => {
      const row = element("tr", { role: "row" });
      const button = this.header(layer, -1, `L${layer}`, "layer");
      this.rowHeaders.push(button);
      row.append(this.wrap("th", { role: "rowheader", scope: "row" }, button));
      for (let head = 0; head < count; head++) row.append(this.cell(layer, head, mode));
      body.append(row);
    });
    table.append(this.wrap("thead", {}, top), body);
    this.root.style.setProperty("--columns", columns);
    this.root.classList.toggle("dense", columns > 16);
    this.root.querySelector(".board").replaceChildren(table);
    this.focus = [clamp(this.focus[0], 0, heads.length - 1), 0];
  }

  wrap(tag, attributes, child) {
    const node = element(tag, attributes);
    node.append(child);
    return node;
  }

  header(layer, head, text, kind) {
    const what = this.data.mode === "switch" ? `${text}: switch the whole ${kind}` : `${text}, ${kind}`;
    return element("button", {
      type: "button", tabindex: "-1", "aria-label": what, "data-layer": layer, "data-head": head,
    }, text);
  }

  cell(layer, head, mode) {
    const button = element("button", {
      type: "button", tabindex: "-1", "data-layer": layer, "data-head": head,
      ...(mode === "switch" ? { role: "switch" } : {}),
    });
    this.cells[layer].push(button);
    return this.wrap("td", { role: "gridcell" }, button);
  }

  paint() {
    this.cells.forEach((row, layer) => row.forEach((_, head) => this.paintCell(layer, head)));
    this.paintLegend();
    this.rove();
    this.describe(...this.focus);
  }

  paintCell(layer, head) {
    const { mode, sprite, values, texts, notes } = this.data;
    const button = this.cells[layer][head];
    const value = values?.[layer]?.[head] ?? null;
    const on = this.on[layer][head];
    const isChosen = this.chosen?.[0] === layer && this.chosen?.[1] === head;
    if (mode === "switch") button.setAttribute("aria-checked", String(on));
    else button.setAttribute("aria-pressed", String(isChosen));
    button.classList.toggle("off", !on);
    button.classList.toggle("thumbnail", Boolean(sprite));
    button.setAttribute("aria-label", [`L${layer}.H${head}`, notes?.[layer]?.[head]].filter(Boolean).join(", "));
    this.forewarn(button, layer, head);
    button.textContent = sprite ? "" : texts?.[layer]?.[head] ?? "";
    const colour = value === null ? null : this.colour(value);
    button.style.setProperty("--colour", colour ? `rgb(${colour})` : "transparent");
    button.style.setProperty("--ink", colour ? ink(colour) : "inherit");
    if (sprite) this.paintThumbnail(button, layer, head);
  }

  // A forecast is about the mask that Python knew; once the cell has been clicked it is history.
  forewarn(button, layer, head) {
    const known = this.data.rows[layer][head] === "1";
    const words = this.data.forecasts?.[layer]?.[head];
    if (words && known === this.on[layer][head]) button.setAttribute("aria-description", words);
    else button.removeAttribute("aria-description");
  }

  paintThumbnail(button, layer, head) {
    const { heads, sprite } = this.data;
    const columns = Math.max(...heads);
    const share = (index, count) => (count > 1 ? (100 * index) / (count - 1) : 0);
    button.style.backgroundImage = `url(${sprite})`;
    button.style.backgroundSize = `${columns * 100}% ${heads.length * 100}%`;
    button.style.backgroundPosition = `${share(head, columns)}% ${share(layer, heads.length)}%`;
  }

  colour(value) {
    const { low, high, scale } = this.data;
    const place = clamp((value - low) / (high - low || 1), 0, 1) * (scale.length - 1);
    const left = Math.min(Math.floor(place), scale.length - 2);
    const [from, to] = [channels(scale[left]), channels(scale[left + 1])];
    return from.map((part, index) => Math.round(part + (to[index] - part) * (place - left)));
  }

  paintLegend() {
    const { title, low_text, high_text, scale, mode, values } = this.data;
    const legend = this.root.querySelector(".legend");
    legend.hidden = !values && mode !== "switch";
    legend.querySelector(".title").textContent = title ?? "";
    legend.querySelector(".low").textContent = low_text ?? "";
    legend.querySelector(".high").textContent = high_text ?? "";
    const bar = legend.querySelector(".bar");
    bar.hidden = !values;
    bar.style.backgroundImage = `linear-gradient(to right, ${(scale ?? []).join(",")})`;
    legend.querySelector(".key").hidden = mode !== "switch";
  }

  describe(layer, head) {
    const button = this.at(layer, head);
    const isCell = layer >= 0 && head >= 0;
    const parts = [button?.getAttribute("aria-label") ?? ""];
    if (isCell && !this.on[layer][head]) parts.push("off");
    if (isCell && button.hasAttribute("aria-description")) parts.push(button.getAttribute("aria-description"));
    this.root.querySelector(".note").textContent = parts.join(" · ");
  }

  // ---------------------------------------------------------------- acting

  act(layer, head, isRange) {
    if (this.data.mode === "choose") return layer < 0 || head < 0 ? undefined : this.choose(layer, head);
    if (layer < 0 || head < 0) return this.switchLine(layer, head);
    if (isRange && this.anchor) return this.switchRange(layer, head);
    this.anchor = [layer, head];
    this.set([[layer, head]], !this.on[layer][head]);
  }

  choose(layer, head) {
    this.chosen = [layer, head];
    this.paint();
    this.send("report", { revision: this.revision, chosen: [layer, head] });
  }

  switchLine(layer, head) {
    const line = [];
    this.on.forEach((row, l) => row.forEach((_, h) => {
      if (l === layer || h === head) line.push([l, h]);
    }));
    this.set(line, !line.some(([l, h]) => this.on[l][h]));
  }

  switchRange(layer, head) {
    const [fromLayer, fromHead] = this.anchor;
    const inside = [];
    this.on.forEach((row, l) => row.forEach((_, h) => {
      const inLayers = l >= Math.min(layer, fromLayer) && l <= Math.max(layer, fromLayer);
      if (inLayers && h >= Math.min(head, fromHead) && h <= Math.max(head, fromHead)) inside.push([l, h]);
    }));
    this.set(inside, this.on[fromLayer][fromHead]);
  }

  set(heads, state) {
    for (const [layer, head] of heads) {
      this.on[layer][head] = state;
      this.paintCell(layer, head);
    }
    this.describe(...this.focus);
    this.report();
  }

  // The first click of a burst is reported at once, the others together.
  report() {
    const now = performance.now();
    if (this.brush === null && !this.timer && now - (this.reported ?? -PATIENCE) > QUIET) return this.flush();
    this.waiting ??= now;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), Math.min(QUIET, Math.max(0, this.waiting + PATIENCE - now)));
  }

  flush() {
    this.cancel();
    this.reported = performance.now();
    const rows = this.on.map((row) => row.map((on) => (on ? "1" : "0")).join(""));
    this.send("report", { revision: this.revision, rows });
  }

  cancel() {
    clearTimeout(this.timer);
    this.timer = null;
    this.waiting = null;
  }

  // ---------------------------------------------------------------- pointer and keyboard

  listen() {
    const board = this.root.querySelector(".board");
    board.addEventListener("pointerdown", (event) => this.press(event));
    board.addEventListener("pointerover", (event) => this.hover(event));
    board.addEventListener("pointerleave", () => this.describe(...this.focus));
    board.addEventListener("click", (event) => this.click(event));
    board.addEventListener("keydown", (event) => this.key(event));
    board.addEventListener("focusin", (event) => {
      const place = placeOf(event);
      if (place) this.moveFocus(place, false);
    });
  }

  // A mouse or pen switches on press, so that it can go on as a drag; a finger on the click that
  // follows, so that it can still scroll the page.
  press(event) {
    const place = placeOf(event);
    this.pointer = event.pointerType;
    if (!place || event.button !== 0 || event.pointerType === "touch") return;
    this.moveFocus(place, false);
    this.act(...place, event.shiftKey);
    const [layer, head] = place;
    if (this.data.mode !== "switch" || layer < 0 || head < 0) return;
    this.brush = this.on[layer][head];
    this.stroke = place;
    window.addEventListener("pointerup", () => { this.brush = null; }, { once: true });
  }

  hover(event) {
    const place = placeOf(event);
    if (!place) return;
    if (this.brush !== null && place[0] >= 0 && place[1] >= 0) {
      // A fast pointer skips cells: take those on the straight way from the last one.
      const crossed = between(this.stroke, place).filter(([l, h]) => this.on[l]?.[h] === !this.brush);
      if (crossed.length) this.set(crossed, this.brush);
      this.stroke = place;
    }
    this.describe(...place);
  }

  click(event) {
    const place = placeOf(event);
    const isHand = event.detail > 0; // 0: a screen reader or another program
    if (place && (!isHand || this.pointer === "touch")) this.act(...place, event.shiftKey);
  }

  key(event) {
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      if (!event.repeat) this.act(...this.focus, event.shiftKey);
      return;
    }
    const [layer, head] = this.focus;
    const lastLayer = this.on.length - 1;
    const lastHead = (l) => (l < 0 ? Math.max(...this.data.heads) : this.data.heads[l]) - 1;
    const whole = event.ctrlKey || event.metaKey;
    const target = {
      ArrowLeft: [layer, head - 1], ArrowRight: [layer, head + 1],
      ArrowUp: [layer - 1, head], ArrowDown: [layer + 1, head],
      Home: [whole ? 0 : layer, 0], End: [whole ? lastLayer : layer, Infinity],
      PageUp: [0, head], PageDown: [lastLayer, head],
    }[event.key];
    if (!target) return;
    event.preventDefault();
    const row = clamp(target[0], -1, lastLayer);
    this.moveFocus([row, clamp(target[1], row < 0 ? 0 : -1, lastHead(row))], true);
  }

  moveFocus(place, andFocus) {
    this.focus = place;
    this.rove();
    if (andFocus) this.at(...place)?.focus();
    this.describe(...place);
  }

  rove() {
    this.root.querySelectorAll("button[tabindex='0']").forEach((node) => node.setAttribute("tabindex", "-1"));
    this.at(...this.focus)?.setAttribute("tabindex", "0");
  }

  at(layer, head) {
    if (layer < 0) return this.columnHeaders[head];
    return head < 0 ? this.rowHeaders[layer] : this.cells[layer]?.[head];
  }
}

function placeOf(event) {
  const button = event.target.closest?.("button[data-layer]");
  return button ? [Number(button.dataset.layer), Number(button.dataset.head)] : null;
}

function between([fromLayer, fromHead], [layer, head]) {
  const steps = Math.max(Math.abs(layer - fromLayer), Math.abs(head - fromHead), 1);
  const part = (from, to, step) => Math.round(from + ((to - from) * step) / steps);
  return Array.from({ length: steps + 1 }, (_, step) => [part(fromLayer, layer, step), part(fromHead, head, step)]);
}

function channels(hex) {
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}

// Black or white, whichever stands out more (WCAG relative luminance).
function ink(rgb) {
  const [r, g, b] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}
