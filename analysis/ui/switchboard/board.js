// The layer x head grid: what is on, and how that reaches Python. `paint.js` draws it, `hands.js` listens
// to pointer and keyboard; the files are joined to one module.
//
// A click paints at once and is reported afterwards; what Python sends back is adopted only when its
// `revision` has risen, that is when Python itself changed the mask (preset, undo, link). An answer to an
// older click can therefore never undo a newer one.

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

class Board {
  constructor(root) {
    this.root = root.querySelector(".switchboard");
    this.shape = "";
    this.revision = null;
    this.focus = [0, 0]; // -1 stands for the header row or column
    this.anchor = null; // the head that was switched last: where a shift-click's block begins
    new Hands(this, this.root.querySelector(".board"));
  }

  update({ data, setStateValue }) {
    this.send = setStateValue;
    this.data = data;
    const shape = [data.mode, data.heads.join("."), data.groups.join("."), data.titles.join("."), data.label].join("/");
    const isNew = shape !== this.shape;
    if (isNew) this.build(shape);
    if (isNew || data.revision !== this.revision) this.adopt(data);
    this.painter.show(data);
    this.rove();
    if (isNew) this.inherit();
  }

  adopt(data) {
    this.cancel();
    this.revision = data.revision;
    this.on = data.rows.map((row) => [...row].map((bit) => bit === "1"));
    this.chosen = data.chosen;
    if (data.chosen) this.focus = [...data.chosen]; // the keyboard begins at the head that is shown
  }

  leave() {
    if (this.timer) this.flush();
  }

  get isSwitching() {
    return this.data.mode === "switch";
  }

  // ---------------------------------------------------------------- building

  build(shape) {
    this.shape = shape;
    this.anchor = null;
    const { heads, label } = this.data;
    const columns = Math.max(...heads);
    const grid = element("div", { role: "grid", "aria-label": label, class: "grid" });
    this.corner = this.header(-1, -1, "all", "model");
    this.columnHeaders = Array.from({ length: columns }, (_, head) => this.header(-1, head, `H${head}`, "head column"));
    this.rowHeaders = heads.map((_, layer) => this.header(layer, -1, `L${layer}`, "layer"));
    this.cells = heads.map((count, layer) => Array.from({ length: count }, (_, head) => this.cell(layer, head)));
    const top = [wrapped("columnheader", this.corner), ...this.columnHeaders.map((node) => wrapped("columnheader", node))];
    grid.append(wrapped("row", ...top));
    this.cells.forEach((cells, layer) => {
      const header = wrapped("rowheader", this.rowHeaders[layer]);
      grid.append(wrapped("row", header, ...cells.map((node) => wrapped("gridcell", node))));
    });
    this.root.style.setProperty("--columns", columns);
    this.root.classList.toggle("dense", columns > 16);
    this.root.querySelector(".board").replaceChildren(grid);
    this.focus = [clamp(this.focus[0], 0, heads.length - 1), 0];
    this.painter = new Painter(this);
  }

  header(layer, head, text, kind) {
    const title = this.data.titles[layer];
    const hint = title ? { title } : {};
    if (!this.isSwitching) return element("span", hint, layer < 0 && head < 0 ? "" : text);
    return element("button", {
      type: "button", tabindex: "-1", "data-layer": layer, "data-head": head, ...hint,
      "aria-label": `${title ? `${text}, ${title}` : text}: switch the whole ${kind}`,
    }, text);
  }

  cell(layer, head) {
    const isJoined = this.isSwitching && this.groupOf(layer, head)[0] < head;
    return element("button", {
      type: "button", tabindex: "-1", "data-layer": layer, "data-head": head,
      ...(isJoined ? { class: "joined" } : {}), ...(this.isSwitching ? { role: "switch" } : {}),
    });
  }

  // The heads that share one key/value head with this one, itself among them.
  groupOf(layer, head) {
    const share = Math.max(1, Math.floor(this.data.heads[layer] / (this.data.groups[layer] || 1)));
    const first = head - (head % share);
    return Array.from({ length: share }, (_, place) => first + place);
  }

  at(layer, head) {
    if (layer < 0) return head < 0 ? this.corner : this.columnHeaders[head];
    return head < 0 ? this.rowHeaders[layer] : this.cells[layer]?.[head];
  }

  // ---------------------------------------------------------------- switching

  act(layer, head, isRange) {
    const isCell = layer >= 0 && head >= 0;
    if (!this.isSwitching) return isCell ? this.choose(layer, head) : undefined;
    if (!isCell) return this.switchLine(layer, head);
    if (isRange && this.anchor) return this.switchRange(this.anchor, [layer, head]);
    this.anchor = [layer, head];
    this.set([[layer, head]], !this.on[layer][head]);
  }

  choose(layer, head) {
    this.chosen = [layer, head];
    this.painter.paint();
    this.send("report", { revision: this.revision, chosen: [layer, head] });
  }

  // A whole layer, a whole column, or with neither every head: off, or on when all of it was off.
  switchLine(layer, head) {
    const line = this.where((l, h) => (layer < 0 || l === layer) && (head < 0 || h === head));
    this.set(line, !line.some(([l, h]) => this.on[l][h]));
  }

  // The block between two heads gets the state of the first.
  switchRange([fromLayer, fromHead], [layer, head]) {
    const isBetween = (value, one, other) => value >= Math.min(one, other) && value <= Math.max(one, other);
    this.set(
      this.where((l, h) => isBetween(l, fromLayer, layer) && isBetween(h, fromHead, head)),
      this.on[fromLayer][fromHead],
    );
  }

  where(isWanted) {
    return this.on.flatMap((row, l) => row.map((_, h) => [l, h]).filter(([, h]) => isWanted(l, h)));
  }

  set(heads, state) {
    for (const [layer, head] of heads) {
      for (const member of this.groupOf(layer, head)) {
        if (this.on[layer][member] === state) continue;
        this.on[layer][member] = state;
        this.painter.paintCell(layer, member);
      }
    }
    this.painter.describe(...this.focus);
    if (heads.length > 1) this.painter.announce();
    this.report();
  }

  // ---------------------------------------------------------------- reporting

  // The first click of a burst is reported at once, the others together.
  report() {
    const now = performance.now();
    if (!this.isBrushing && !this.timer && now - (this.reported ?? -PATIENCE) > QUIET) return this.flush();
    this.waiting ??= now;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), Math.min(QUIET, Math.max(0, this.waiting + PATIENCE - now)));
  }

  flush() {
    this.cancel();
    this.reported = performance.now();
    const rows = this.on.map((row) => row.map((on) => (on ? "1" : "0")).join(""));
    this.send("report", { revision: this.revision, rows, chosen: this.anchor });
  }

  cancel() {
    clearTimeout(this.timer);
    this.timer = null;
    this.waiting = null;
  }

  // ---------------------------------------------------------------- focus

  moveFocus(place, andFocus) {
    this.focus = place;
    this.rove();
    if (andFocus) this.at(...place)?.focus();
    this.painter.describe(...place);
  }

  // A board that takes another one's place, as when the model has come, takes the keyboard's place over too.
  hold() {
    document.headcountFocus = { board: this, shape: this.shape, place: this.focus };
  }

  release() {
    if (document.headcountFocus?.board === this) document.headcountFocus = null;
  }

  inherit() {
    const held = document.headcountFocus;
    if (!held || held.board === this || held.shape !== this.shape) return;
    requestAnimationFrame(() => this.moveFocus(held.place, true)); // a board that is not drawn yet cannot be focused
  }

  // One button of the grid is in the page's tab order: the one that was focused last.
  rove() {
    this.roving?.setAttribute("tabindex", "-1");
    this.roving = this.at(...this.focus);
    this.roving?.setAttribute("tabindex", "0");
  }
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function element(tag, attributes = {}, text = "") {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  return node;
}

function wrapped(role, ...children) {
  const node = element("div", { role });
  node.append(...children);
  return node;
}
