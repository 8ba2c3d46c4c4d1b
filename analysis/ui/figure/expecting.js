// Loads Streamlit's script for charts ahead of the first one; it lies beside the script of the page.
const expected = new Set();

export default function ({ data }) {
  const page = document.querySelector("script[type=module][src]");
  if (!data.script || !page || expected.has(data.script)) return;
  expected.add(data.script);
  const load = () => import(new URL(data.script, page.src)).catch(() => expected.delete(data.script));
  (window.requestIdleCallback ?? setTimeout)(load);
}
