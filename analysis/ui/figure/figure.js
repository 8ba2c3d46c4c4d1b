// Two buttons that save a figure from the browser: no server draws it, and nothing leaves the computer.
// A chart is drawn again by the Plotly that drew it; a picture is given as SVG text.

const SCALE = 2; // pixels of a PNG for each pixel of the page, sharp on paper and on a projector

export default function (component) {
  const { parentElement, data } = component;
  for (const button of parentElement.querySelectorAll("button")) {
    button.setAttribute("aria-label", `Save ${data.name} as ${button.textContent}`);
    button.onclick = () => save(data, button.dataset.format);
  }
}

function save(data, format) {
  if (data.svg) return savePicture(data, format);
  const chart = document.querySelector(`.st-key-${CSS.escape(data.chart)} .js-plotly-plot`);
  const camera = chart?.querySelector("[data-title^='Download plot']");
  if (!camera) return;
  // The page's own colours stand behind the chart, so that light text is not saved upon nothing.
  const before = chart.layout.paper_bgcolor;
  const behind = getComputedStyle(document.querySelector(".stApp")).backgroundColor;
  chart._fullLayout.paper_bgcolor = chart.layout.paper_bgcolor = behind;
  chart._context.toImageButtonOptions = { format, filename: data.name, scale: SCALE };
  keepOpen();
  camera.dispatchEvent(new MouseEvent("click"));
  chart._fullLayout.paper_bgcolor = chart.layout.paper_bgcolor = before;
}

// Plotly downloads by clicking a link in the page, which the popover would take for a click beside it.
function keepOpen() {
  const hear = (event) => {
    if (!event.target.download) return;
    event.stopPropagation();
    window.removeEventListener("click", hear, true);
  };
  window.addEventListener("click", hear, true);
}

async function savePicture({ svg, name }, format) {
  const drawing = new Blob([svg], { type: "image/svg+xml" });
  if (format === "svg") return offer(drawing, `${name}.svg`);
  const address = URL.createObjectURL(drawing);
  const image = new Image();
  image.src = address;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = SCALE * image.naturalWidth;
  canvas.height = SCALE * image.naturalHeight;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(address);
  canvas.toBlob((pixels) => offer(pixels, `${name}.png`), "image/png");
}

function offer(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
