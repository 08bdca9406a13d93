// Enhancements only: every page works without this file.
import "./edit.js";

const input = document.querySelector("#q");
const list = document.createElement("ul");
let tags = [];
let chosen = -1;
let timer = 0;
let running = new AbortController();

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

/** The word around the cursor, without the operators in front of it. */
function currentWord() {
  const at = input.selectionStart ?? input.value.length;
  const [before] = /\S*$/.exec(input.value.slice(0, at));
  const prefix = before.replace(/^[-~(]+/, "");
  const [after] = /^\S*/.exec(input.value.slice(at));
  return { prefix, start: at - prefix.length, end: at + after.length };
}

function onInput(event) {
  if (event.isComposing) return;
  const { prefix } = currentWord();
  if (prefix === "" || prefix.includes("*")) return close();
  clearTimeout(timer);
  running.abort();
  timer = setTimeout(suggest, 80, prefix);
}

async function suggest(prefix) {
  const { signal } = running = new AbortController();
  const wanted = new URLSearchParams({ prefix: prefix.toLowerCase(), limit: 10 });
  const found = await fetch(`/api/tags?${wanted}`, { signal })
    .then((answer) => answer.json()).catch(() => ({}));
  if (!signal.aborted) show(found.tags ?? []);
}

function close() {
  clearTimeout(timer);
  running.abort();
  show([]);
}

function show(found) {
  tags = found;
  list.replaceChildren(...tags.map(toRow));
  list.hidden = tags.length === 0;
  input.ariaExpanded = String(!list.hidden);
  choose(-1);
}

function toRow(tag, index) {
  const row = document.createElement("li");
  row.id = `tag-${index}`;
  row.role = "option";
  const name = document.createElement("span");
  name.className = `name ${tag.category ?? "general"}`;
  name.textContent = tag.name;
  const count = document.createElement("span");
  count.className = "count";
  count.textContent = tag.count.toLocaleString("en");
  row.append(name, " ", count);
  return row;
}

function choose(index) {
  chosen = index;
  for (const row of list.children) row.ariaSelected = String(row === list.children[index]);
  list.children[index]?.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", index < 0 ? "" : `tag-${index}`);
}

function onBoxKey(event) {
  if (event.isComposing || list.hidden) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  // One place more than there are tags: the text as it was typed.
  const places = tags.length + 1;
  if (step) choose((chosen + 1 + step + places) % places - 1);
  else if (event.key === "Escape") close();
  else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) accept(chosen);
  else return;
  event.preventDefault();
}

function accept(index) {
  const { start, end } = currentWord();
  const rest = input.value.slice(end).trimStart();
  input.value = `${input.value.slice(0, start)}${tags[index].name} ${rest}`;
  const cursor = input.value.length - rest.length;
  input.setSelectionRange(cursor, cursor);
  close();
}

/** Makes the search box a combobox: the list completes the word at the cursor. */
function addCompletion() {
  const attributes = {
    class: "suggestions",
    id: "completion",
    role: "listbox",
    "aria-label": "Tags",
  };
  for (const [name, value] of Object.entries(attributes)) list.setAttribute(name, value);
  list.hidden = true;
  input.after(list);
  input.role = "combobox";
  input.ariaAutoComplete = "list";
  input.ariaExpanded = "false";
  input.setAttribute("aria-controls", list.id);
  input.addEventListener("input", onInput);
  input.addEventListener("compositionend", onInput);
  input.addEventListener("keydown", onBoxKey);
  input.addEventListener("blur", close);
  // Kept from taking the focus, a click reaches the row.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const index = [...list.children].indexOf(event.target.closest("li"));
    if (index >= 0) accept(index);
  });
}

addCompletion();
document.addEventListener("keydown", onPageKey);
if (input.dataset.focus && matchMedia("(min-width: 60rem) and (hover: hover)").matches) {
  input.focus({ preventScroll: true });
}
const banner = document.querySelector("[data-loading]");
if (banner) watchLoading(banner);
