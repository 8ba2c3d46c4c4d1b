// A page that has gone blank is loaded again. Streamlit takes everything off a page when it is told of an element whose
// surroundings it has never heard of, as happens when the network is cut in the middle of a drawing. What was chosen
// stands in the address.

const REST = 10_000; // milliseconds after which a page may be loaded again once more
const LAST = "headcount-mended";

export default function () {
  if (window.headcountMends) return;
  window.headcountMends = true;
  const root = document.getElementById("root");
  new MutationObserver(() => {
    const isRested = Date.now() - Number(sessionStorage.getItem(LAST)) > REST;
    if (root.childElementCount > 0 || !isRested) return;
    sessionStorage.setItem(LAST, String(Date.now()));
    window.location.reload();
  }).observe(root, { childList: true });
}
