// A page that has gone blank is loaded again. Streamlit takes everything off a page when it is told of an element whose
// surroundings it has never heard of, as happens when the network is cut in the middle of a drawing. Of what was
// chosen, the address has what a link has.

const SOON = 60_000; // milliseconds within which a page that goes blank again has not been mended
const MOST = 3; // times that it is loaded again soon after one another
const KEPT = "headcount-mended";

export default function () {
  if (window.headcountMends) return;
  window.headcountMends = true;
  const root = document.getElementById("root");
  new MutationObserver(() => root.childElementCount === 0 && mend()).observe(root, { childList: true });
}

function mend() {
  const { at, times } = JSON.parse(sessionStorage.getItem(KEPT)) ?? { at: 0, times: 0 };
  const now = { at: Date.now(), times: Date.now() - at < SOON ? times + 1 : 1 };
  if (now.times > MOST) return;
  sessionStorage.setItem(KEPT, JSON.stringify(now));
  window.location.reload();
}
