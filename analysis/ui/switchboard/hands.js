// Pointer and keyboard. A mouse or pen switches on press, so that it can go on as a drag; a finger on the
// click that follows, so that it can still scroll the page.

class Hands {
  constructor(board, area) {
    this.board = board;
    this.brush = null; // while the pointer is down: the state being painted
    this.start = null; // while arrows are pressed with shift: where they began
    area.addEventListener("pointerdown", (event) => this.press(event));
    area.addEventListener("pointerover", (event) => this.hover(event));
    area.addEventListener("pointerleave", () => board.painter.describe(...board.focus));
    area.addEventListener("click", (event) => this.click(event));
    area.addEventListener("keydown", (event) => this.key(event));
    area.addEventListener("focusin", (event) => {
      const place = placeOf(event);
      if (place) board.moveFocus(place, false);
      if (place) board.hold();
    });
    area.addEventListener("focusout", (event) => {
      if (area.contains(event.relatedTarget)) return;
      setTimeout(() => area.isConnected && board.release(), 0); // not when the whole board was taken away
    });
  }

  press(event) {
    const place = placeOf(event);
    this.pointer = event.pointerType;
    if (!place || event.button !== 0 || event.pointerType === "touch") return;
    this.board.moveFocus(place, false);
    this.board.act(...place, event.shiftKey);
    const [layer, head] = place;
    if (!this.board.isSwitching || layer < 0 || head < 0) return;
    this.brush = this.board.on[layer][head];
    this.stroke = place;
    this.board.isBrushing = true;
    const lift = () => {
      this.brush = null;
      this.board.isBrushing = false;
    };
    window.addEventListener("pointerup", lift, { once: true });
    window.addEventListener("pointercancel", lift, { once: true });
  }

  hover(event) {
    const place = placeOf(event);
    if (!place) return;
    if (this.brush !== null && place[0] >= 0 && place[1] >= 0) {
      // A fast pointer skips cells: take those on the straight way from the last one.
      const isOther = ([layer, head]) => this.board.on[layer]?.[head] === !this.brush;
      const crossed = between(this.stroke, place).filter(isOther);
      if (crossed.length) this.board.set(crossed, this.brush);
      this.stroke = place;
    }
    this.board.painter.describe(...place);
  }

  click(event) {
    const place = placeOf(event);
    const isHand = event.detail > 0; // 0: a screen reader or another program
    if (place && (!isHand || this.pointer === "touch")) this.board.act(...place, event.shiftKey);
  }

  key(event) {
    const { board } = this;
    const whole = event.ctrlKey || event.metaKey;
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      if (!event.repeat) board.act(...board.focus, event.shiftKey);
    } else if (whole && event.key.toLowerCase() === "a" && board.isSwitching) {
      event.preventDefault();
      if (!event.repeat) board.switchLine(-1, -1);
    } else {
      const target = this.target(event.key, whole);
      if (!target) return;
      event.preventDefault();
      this.go(target, event.shiftKey);
    }
  }

  // Where a key leads from the focused button; the headers are row -1 and column -1.
  target(key, whole) {
    const [layer, head] = this.board.focus;
    const last = this.board.on.length - 1;
    return {
      ArrowLeft: [layer, head - 1], ArrowRight: [layer, head + 1],
      ArrowUp: [layer - 1, head], ArrowDown: [layer + 1, head],
      Home: [whole ? 0 : layer, 0], End: [whole ? last : layer, Infinity],
      PageUp: [0, head], PageDown: [last, head],
    }[key];
  }

  go([layer, head], isRange) {
    const { board } = this;
    const from = board.focus;
    const first = board.isSwitching ? -1 : 0; // headers are buttons only where they switch
    const row = clamp(layer, first, board.on.length - 1);
    const columns = row < 0 ? board.columnHeaders.length : board.data.heads[row];
    const place = [row, clamp(head, first, columns - 1)];
    if (isRange && board.isSwitching && from.every((part) => part >= 0) && place.every((part) => part >= 0)) {
      this.start ??= from;
      board.switchRange(this.start, place);
    } else this.start = null;
    board.moveFocus(place, true);
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
