// One attention map on a canvas: rows look, columns are looked at. A second canvas on top carries the
// cross-hair, so that moving the pointer draws two lines and never the map again.

const FEWEST = 8; // tokens across when zoomed in as far as it goes
const LEGIBLE = 9; // CSS pixels a token needs for its label
const GUTTER = 84; // CSS pixels for labels at the left and the top
const SLANT = Math.PI / 3; // of the labels above the columns
const TALLEST = 680; // CSS pixels of the map's side at most
const NAMED = 4; // tokens named in the line below
const views = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".mapview");
  if (!views.has(root)) views.set(root, new MapView(root));
  views.get(root).update(component.data);
}

class MapView {
  constructor(root) {
    this.root = root;
    this.map = root.querySelector("canvas.map");
    this.cross = root.querySelector("canvas.cross");
    this.at = [0, 0]; // query and key under the pointer or the keyboard
    this.isPointed = false;
    new ResizeObserver(() => this.draw()).observe(root);
    this.cross.addEventListener("pointermove", (event) => this.point(event));
    this.cross.addEventListener("pointerleave", () => this.leave());
    this.cross.addEventListener("dblclick", () => this.zoom(0.5));
    this.cross.addEventListener("keydown", (event) => this.key(event));
    this.cross.addEventListener("focus", () => this.goTo(...this.at));
    this.cross.addEventListener("blur", () => this.leave());
    root.querySelector(".in").addEventListener("click", () => this.zoom(0.5));
    root.querySelector(".out").addEventListener("click", () => this.zoom(2));
  }

  update(data) {
    const isOther = this.data?.tokens.join("\n") !== data.tokens.join("\n");
    this.data = data;
    this.n = data.tokens.length;
    if (isOther) {
      this.span = this.n; // tokens across
      this.first = [0, 0]; // query and key at the top left
      this.at = [0, 0];
    }
    this.levels = new Uint16Array(bytesOf(data.levels).buffer);
    this.image = imageOf(this.levels, this.n, data.scale);
    this.cross.setAttribute("aria-label", data.label);
    this.paintLegend();
    this.draw();
  }

  // ---------------------------------------------------------------- drawing

  draw() {
    if (!this.data || !this.root.clientWidth) return;
    const width = Math.min(this.root.clientWidth, TALLEST + GUTTER);
    const hasLabels = (width - GUTTER) / this.span >= LEGIBLE;
    this.style = getComputedStyle(this.root);
    for (const canvas of [this.map, this.cross]) fit(canvas, width);
    const [row, column] = this.first;
    const pen = this.map.getContext("2d");
    this.gutter = hasLabels ? GUTTER : 4;
    this.side = width - this.gutter - (hasLabels ? this.overhang(pen) : 0);
    this.size = this.side / this.span; // CSS pixels of a token
    pen.imageSmoothingEnabled = this.size * devicePixelRatio < 1;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(this.image, column, row, this.span, this.span, this.gutter, this.gutter, this.side, this.side);
    if (hasLabels) this.label(pen);
    this.root.querySelector(".zoom").hidden = this.n <= 2 * FEWEST;
    this.root.querySelector(".out").disabled = this.span >= this.n;
    this.root.querySelector(".in").disabled = this.span <= FEWEST;
    this.mark();
  }

  // CSS pixels that the slanted labels above the last columns need at the right of the map.
  overhang(pen) {
    pen.font = `12px ${this.style.fontFamily}`;
    const reach = Array.from({ length: this.span }, (_, place) => {
      const label = short(this.data.tokens[this.first[1] + place]);
      const long = Math.min(pen.measureText(label).width, GUTTER - 2);
      return long * Math.cos(SLANT) - (this.span - place - 0.5) * LEGIBLE;
    });
    return Math.max(0, ...reach);
  }

  label(pen) {
    const { gutter, size } = this;
    pen.font = `${Math.min(12, size)}px ${this.style.fontFamily}`;
    pen.fillStyle = this.style.color;
    pen.textBaseline = "middle";
    for (let place = 0; place < this.span; place++) {
      const middle = gutter + (place + 0.5) * size;
      pen.textAlign = "right";
      pen.fillText(short(this.data.tokens[this.first[0] + place]), gutter - 5, middle, gutter - 8);
      pen.save();
      pen.translate(middle, gutter - 5);
      pen.rotate(-SLANT);
      pen.textAlign = "left";
      pen.fillText(short(this.data.tokens[this.first[1] + place]), 0, 0, gutter - 2);
      pen.restore();
    }
  }

  mark() {
    const pen = this.cross.getContext("2d");
    pen.clearRect(0, 0, this.cross.width, this.cross.height);
    this.tell();
    if (!this.isPointed) return;
    const [top, left] = this.at.map((token, axis) => this.gutter + (token - this.first[axis]) * this.size);
    const band = Math.max(this.size, 2);
    for (const [colour, width] of [["#000", 3], ["#fff", 1]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.strokeRect(this.gutter, top, this.side, band);
      pen.strokeRect(left, this.gutter, band, this.side);
    }
  }

  // The line below the map: one weight, and where its query looks most.
  tell() {
    const told = this.root.querySelector(".told");
    if (!this.isPointed) {
      told.textContent = this.data.hint;
      return;
    }
    const [query, key] = this.at;
    const { tokens, places } = this.data;
    const weights = Array.from({ length: this.n }, (_, other) => this.weight(query, other));
    const most = weights.map((weight, other) => [Math.abs(weight), other]).sort((a, b) => b[0] - a[0]).slice(0, NAMED);
    const named = most.map(([, other]) => `${tokens[other]} ${weights[other].toFixed(2)}`).join(", ");
    const what = places.isDifference ? "changes most on" : "looks most at";
    told.textContent = `${tokens[query]} → ${tokens[key]}: ${weights[key].toFixed(3)} · ${tokens[query]} (${query + 1} of ${this.n}) ${what} ${named}`;
  }

  weight(query, key) {
    const share = this.levels[query * this.n + key] / 65535;
    const { far, isDifference } = this.data.places;
    return isDifference ? far * (2 * share - 1) : far * share;
  }

  paintLegend() {
    const { low, high } = this.data.places;
    this.root.querySelector(".low").textContent = low;
    this.root.querySelector(".high").textContent = high;
    this.root.querySelector(".bar").style.backgroundImage = `linear-gradient(to right, ${this.data.scale.join(",")})`;
  }

  // ---------------------------------------------------------------- pointer and keyboard

  point(event) {
    const box = this.cross.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - this.gutter, event.clientY - box.top - this.gutter];
    if (x < 0 || y < 0 || x >= this.side || y >= this.side) return this.leave();
    this.isPointed = true;
    this.at = [this.first[0] + Math.floor(y / this.size), this.first[1] + Math.floor(x / this.size)];
    this.mark();
  }

  leave() {
    this.isPointed = this.root.getRootNode().activeElement === this.cross;
    this.mark();
  }

  key(event) {
    const [query, key] = this.at;
    const target = {
      ArrowUp: [query - 1, key], ArrowDown: [query + 1, key], ArrowLeft: [query, key - 1], ArrowRight: [query, key + 1],
      Home: [query, 0], End: [query, this.n - 1], PageUp: [0, key], PageDown: [this.n - 1, key],
    }[event.key];
    if (target) this.goTo(...target);
    else if (event.key === "+" || event.key === "=") this.zoom(0.5);
    else if (event.key === "-") this.zoom(2);
    else return;
    event.preventDefault();
  }

  goTo(query, key) {
    this.isPointed = true;
    this.at = [query, key].map((token) => Math.min(Math.max(token, 0), this.n - 1));
    const isIn = this.at.every((token, axis) => token >= this.first[axis] && token < this.first[axis] + this.span);
    if (isIn) return this.mark();
    this.centre();
    this.draw();
  }

  zoom(factor) {
    this.span = Math.min(this.n, Math.max(FEWEST, Math.round(this.span * factor)));
    this.centre();
    this.draw();
  }

  centre() {
    const last = this.n - this.span;
    this.first = this.at.map((token) => Math.min(Math.max(token - Math.floor(this.span / 2), 0), last));
  }
}

function fit(canvas, side) {
  const ratio = devicePixelRatio;
  canvas.width = canvas.height = Math.round(side * ratio);
  canvas.style.width = canvas.style.height = `${side}px`;
  canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
}

function imageOf(levels, n, scale) {
  const stops = scale.map((hex) => [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16)));
  const palette = new Uint32Array(256).map((_, level) => {
    const place = (level / 255) * (stops.length - 1);
    const left = Math.min(Math.floor(place), stops.length - 2);
    const [r, g, b] = stops[left].map((from, part) => Math.round(from + (stops[left + 1][part] - from) * (place - left)));
    return (255 << 24) | (b << 16) | (g << 8) | r;
  });
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.max(n, 1);
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(canvas.width, canvas.height);
  new Uint32Array(image.data.buffer).set(Uint32Array.from(levels, (level) => palette[level >> 8]));
  pen.putImageData(image, 0, 0);
  return canvas;
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
}

function short(token) {
  const signs = [...token];
  return signs.length > 14 ? `${signs.slice(0, 13).join("")}…` : token;
}
