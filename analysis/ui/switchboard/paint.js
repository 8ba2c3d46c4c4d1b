// How the grid looks: colours, numbers, thumbnails, hatching, the note below and the legend.

class Painter {
  constructor(board) {
    this.board = board;
    this.root = board.root;
    this.painted = new WeakMap(); // what each cell shows, so that only changes are drawn again
  }

  show(data) {
    this.data = data;
    this.takeSprite(data.sprite);
    this.repaired = new Set(data.repaired.map(String));
    this.root.classList.toggle("pictures", Boolean(data.sprite));
    this.hasNumbers = !data.sprite && Math.max(...data.heads) <= 16;
    this.paint();
    this.paintLegend();
  }

  paint() {
    this.board.cells.forEach((row, layer) => row.forEach((_, head) => this.paintCell(layer, head)));
    this.describe(...this.board.focus);
  }

  paintCell(layer, head) {
    const button = this.board.cells[layer][head];
    const look = this.look(layer, head);
    const key = JSON.stringify(look);
    if (this.painted.get(button) === key) return;
    this.painted.set(button, key);
    button.setAttribute(this.board.isSwitching ? "aria-checked" : "aria-pressed", String(look.state));
    button.classList.toggle("off", !look.on);
    button.classList.toggle("repaired", look.repaired);
    button.setAttribute("aria-label", look.label);
    if (look.forecast) button.setAttribute("aria-description", look.forecast);
    else button.removeAttribute("aria-description");
    if (button.textContent !== look.text) button.textContent = look.text;
    button.style.setProperty("--colour", look.colour ? `rgb(${look.colour})` : "transparent");
    button.style.setProperty("--ink", look.colour ? ink(look.colour) : "inherit");
    button.style.setProperty("--picture", this.sprite ? `url(${this.sprite})` : "none");
    if (this.sprite) this.place(button, layer, head);
  }

  // Everything that a cell shows.
  look(layer, head) {
    const { values, texts, notes, forecasts, rows, titles } = this.data;
    const { on, chosen, isSwitching } = this.board;
    const isOn = on[layer][head];
    const value = values?.[layer]?.[head] ?? null;
    const repaired = this.repaired.has(`${layer},${head}`);
    const label = [`L${layer}.H${head}`, titles[layer], this.groupName(layer, head), notes?.[layer]?.[head], repaired && "repaired"];
    // A forecast is about the mask that Python knew; once the cell has been clicked it is history.
    const isForeseen = (rows[layer][head] === "1") === isOn;
    return {
      on: isOn,
      state: isSwitching ? isOn : chosen?.[0] === layer && chosen?.[1] === head,
      repaired,
      label: label.filter(Boolean).join(", "),
      forecast: isForeseen ? forecasts?.[layer]?.[head] : null,
      text: this.hasNumbers ? texts?.[layer]?.[head] ?? "" : "",
      colour: value === null || this.sprite ? null : this.colour(value),
      sprite: this.sprite,
    };
  }

  groupName(layer, head) {
    const group = this.board.isSwitching ? this.board.groupOf(layer, head) : [head];
    return group.length > 1 ? `in the group H${group[0]} to H${group.at(-1)}` : "";
  }

  // A short address for the picture: the whole of it in every cell's style would be parsed every time.
  takeSprite(sprite) {
    if (sprite === this.given) return;
    this.given = sprite;
    if (this.sprite) URL.revokeObjectURL(this.sprite);
    this.sprite = sprite ? URL.createObjectURL(blobOf(sprite)) : null;
  }

  place(button, layer, head) {
    const { heads } = this.data;
    const columns = Math.max(...heads);
    const share = (index, count) => (count > 1 ? (100 * index) / (count - 1) : 0);
    button.style.setProperty("--extent", `${columns * 100}% ${heads.length * 100}%`);
    button.style.setProperty("--place", `${share(head, columns)}% ${share(layer, heads.length)}%`);
  }

  colour(value) {
    const { low, high, scale } = this.data;
    const place = clamp((value - low) / (high - low || 1), 0, 1) * (scale.length - 1);
    const left = Math.min(Math.floor(place), scale.length - 2);
    const [from, to] = [channels(scale[left]), channels(scale[left + 1])];
    return from.map((part, index) => Math.round(part + (to[index] - part) * (place - left)));
  }

  paintLegend() {
    const { title, low_text, high_text, scale, values } = this.data;
    const { isSwitching } = this.board;
    const legend = this.root.querySelector(".legend");
    legend.hidden = !values && !isSwitching && !title;
    legend.querySelector(".title").textContent = title ?? "";
    legend.querySelector(".low").textContent = low_text ?? "";
    legend.querySelector(".high").textContent = high_text ?? "";
    const bar = legend.querySelector(".bar");
    bar.hidden = !values || Boolean(this.sprite);
    legend.querySelector(".low").hidden = legend.querySelector(".high").hidden = bar.hidden;
    bar.style.backgroundImage = `linear-gradient(to right, ${(scale ?? []).join(",")})`;
    legend.querySelector(".key.off").hidden = !isSwitching;
    legend.querySelector(".key.repaired").hidden = !this.repaired.size;
  }

  // The line below the grid: the head under the pointer, or else the focused one.
  describe(layer, head) {
    const button = this.board.at(layer, head);
    const parts = [button?.getAttribute("aria-label") ?? ""];
    if (layer >= 0 && head >= 0 && button) {
      if (!this.board.on[layer][head]) parts.push("off");
      if (button.hasAttribute("aria-description")) parts.push(button.getAttribute("aria-description"));
    }
    this.root.querySelector(".note").textContent = parts.join(" · ");
  }

  // For screen readers, which hear a single switch by itself but not many at once.
  announce() {
    const all = this.board.on.flat();
    const off = all.filter((on) => !on).length;
    this.root.querySelector(".status").textContent = `${off} of ${all.length} heads are off`;
  }
}

function blobOf(dataUrl) {
  const bytes = Uint8Array.from(atob(dataUrl.slice(dataUrl.indexOf(",") + 1)), (sign) => sign.charCodeAt(0));
  return new Blob([bytes], { type: "image/png" });
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
