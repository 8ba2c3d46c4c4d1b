// The address of this very view, to be read and copied. It is read from the browser when it is needed, because
// parts of a page change it without drawing this button again.

export default function ({ parentElement }) {
  const field = parentElement.querySelector("input");
  const button = parentElement.querySelector("button");
  const told = parentElement.querySelector("[role=status]");
  field.value = window.location.href;
  field.onfocus = () => field.select();
  button.onclick = async () => {
    field.value = window.location.href;
    told.textContent = (await copied(field)) ? "Copied." : "Press Ctrl+C to copy.";
  };
}

// Browsers lend their clipboard to pages from https or this computer only; the older way works everywhere.
async function copied(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.focus();
    field.select();
    return document.execCommand("copy");
  }
}
