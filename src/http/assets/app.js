// Enhancements only: every page works without this file.
import { addCompletion } from "./complete.js";
import "./edit.js";
import "./task.js";

const input = document.querySelector("#q");

/** Whether keys belong to what has the focus: text being typed, a list, a player. */
function takesKeys(target) {
  return target?.closest?.("input:not([type=checkbox]), textarea, select, video") != null;
}

/** `/` goes to the search box, the arrows to the neighbours. */
function onPageKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (takesKeys(event.target)) return;
  if (event.key === "/") {
    event.preventDefault();
    input.select();
    input.focus();
  }
  const rel = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  if (rel === undefined || event.shiftKey || document.querySelector("#full-size:checked")) return;
  document.querySelector(`main a[rel=${rel}]`)?.click();
}

/** While the library loads: says how far it is, and opens the page anew when it is there. */
async function watchLoading(banner) {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    if (document.hidden) continue;
    const status = await fetch("/api/status").then((answer) => answer.json()).catch(() => null);
    if (status?.loading === false) {
      // What is being typed is not taken away.
      if (!takesKeys(document.activeElement) || !document.activeElement.value) location.reload();
      return banner.remove();
    }
    if (status?.progress) showProgress(banner, status.progress);
  }
}

function showProgress(banner, { done, total }) {
  const bar = banner.querySelector("progress");
  bar.max = Math.max(1, total);
  bar.value = done;
  const [now, all] = [done, total].map((count) => count.toLocaleString("en"));
  banner.querySelector("p").textContent = `Loading the library: ${now} of ${all} images…`;
}

addCompletion(input);
document.addEventListener("keydown", onPageKey);
if (input.dataset.focus && matchMedia("(min-width: 60rem) and (hover: hover)").matches) {
  input.focus({ preventScroll: true });
}
const banner = document.querySelector("[data-loading]");
if (banner) watchLoading(banner);
