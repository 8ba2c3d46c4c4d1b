// The keys of a presenter's hand: arrows, Page Up and Page Down (what remote controls send), F for the full screen.

const NEXT = ["ArrowRight", "PageDown"];
const BACK = ["ArrowLeft", "PageUp"];

export default function ({ parentElement }) {
  // One listener for each place that this stands in; a place that goes takes only its own away.
  window.removeEventListener("keydown", parentElement.heard);
  parentElement.heard = (event) => press(event);
  window.addEventListener("keydown", parentElement.heard);
  return () => window.removeEventListener("keydown", parentElement.heard);
}

function press(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  // Whoever writes a text or walks over the switchboard uses the arrows for that.
  const target = event.composedPath()[0];
  if (target.closest?.("input, textarea, select, [role=grid], [contenteditable=true]")) return;
  if (NEXT.includes(event.key)) click("next");
  else if (BACK.includes(event.key)) click("back");
  else if (event.key === "f") fullScreen();
  else return;
  event.preventDefault();
}

function click(name) {
  document.querySelector(`.st-key-stage_${name} button:not(:disabled)`)?.click();
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.();
}
