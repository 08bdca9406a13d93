/** Words typed within so many milliseconds are asked for once. */
const QUIET_MS = 80;

/** The search box, the only one of a page. */
let input;
const list = document.createElement("ul");
let shown = [];
let chosen = -1;
let timer = 0;
let running = new AbortController();

/** The word around the cursor with its operators, and what surrounds it. */
function currentWord() {
  const { value } = input;
  const at = input.selectionStart ?? value.length;
  const [word] = /\S*$/.exec(value.slice(0, at));
  const end = at + /^\S*/.exec(value.slice(at))[0].length;
  const start = at - word.length;
  const context = `${value.slice(0, start)} ${value.slice(end)}`.trim();
  return { word, context, start, end };
}

/** Between quotes stands a value, not a word. */
function isQuoted(start) {
  return input.value.slice(0, start).split('"').length % 2 === 0;
}

function onInput(event) {
  if (event?.isComposing) return;
  const { word, context, start } = currentWord();
  if (word === "" || isQuoted(start)) return close();
  clearTimeout(timer);
  running.abort();
  timer = setTimeout(ask, QUIET_MS, word, context);
}

async function ask(word, context) {
  const { signal } = running = new AbortController();
  // Behind the name of a metatag all its values are offered.
  const wanted = new URLSearchParams({ q: word, context, limit: word.includes(":") ? 50 : 12 });
  const found = await fetch(`/api/tags/autocomplete?${wanted}`, { signal })
    .then((answer) => answer.json()).catch(() => ({}));
  if (!signal.aborted) show(found.completions ?? []);
}

function close() {
  clearTimeout(timer);
  running.abort();
  show([]);
}

function show(found) {
  shown = found;
  list.replaceChildren(...found.map(toRow));
  list.hidden = found.length === 0;
  input.ariaExpanded = String(!list.hidden);
  choose(-1);
}

function choose(index) {
  chosen = index;
  for (const row of list.children) row.ariaSelected = String(row === list.children[index]);
  list.children[index]?.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", index < 0 ? "" : `completion-${index}`);
}

function onKey(event) {
  if (event.isComposing || list.hidden) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  // One place more than there are completions: the text as it was typed.
  const places = shown.length + 1;
  if (step) choose((chosen + 1 + step + places) % places - 1);
  else if (event.key === "Escape") close();
  else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) accept(chosen);
  else return;
  event.preventDefault();
}

function accept(index) {
  const { start, end } = currentWord();
  const { kind, operators, value } = shown[index];
  // Behind the name of a metatag comes its value.
  const isName = kind === "metatag" && value.endsWith(":");
  const rest = input.value.slice(end).trimStart();
  const before = input.value.slice(0, start) + operators + value;
  input.value = `${before}${isName && !rest ? "" : " "}${rest}`;
  const cursor = before.length + (isName ? 0 : 1);
  input.setSelectionRange(cursor, cursor);
  close();
  if (isName) onInput();
}

/** Makes the search box a combobox: a list completes the word at the cursor. */
export function addCompletion(box) {
  input = box;
  const attributes = { class: "suggestions", id: "completion", role: "listbox" };
  for (const [name, value] of Object.entries(attributes)) list.setAttribute(name, value);
  list.ariaLabel = "Completions";
  list.hidden = true;
  input.after(list);
  input.role = "combobox";
  input.ariaAutoComplete = "list";
  input.ariaExpanded = "false";
  input.setAttribute("aria-controls", list.id);
  input.addEventListener("input", onInput);
  input.addEventListener("compositionend", onInput);
  input.addEventListener("keydown", onKey);
  input.addEventListener("blur", close);
  // Kept from taking the focus, a click reaches the row.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const index = [...list.children].indexOf(event.target.closest("li"));
    if (index >= 0) accept(index);
  });
}

/** A tag in its category's colour with its counts, or a metatag with what it means. */
function toRow(completion, index) {
  const { kind, name, antecedent, category, count, countInContext, summary, example } = completion;
  const row = document.createElement("li");
  row.id = `completion-${index}`;
  row.role = "option";
  const isEmpty = countInContext === 0;
  row.classList.toggle("empty", isEmpty);
  const isCounted = kind !== "metatag";
  const label = make("span", isCounted ? `name ${category ?? "general"}` : "metatag", name);
  const parts = antecedent === null ? [label] : [make("span", "soft", antecedent), " → ", label];
  const [all, here] = [count, countInContext].map((number) => number?.toLocaleString("en"));
  const meaning = name.endsWith(":") ? `${summary}, as ${example}` : summary;
  const right = isCounted ? (here ? `${here} of ${all}` : all) : meaning;
  row.append(
    make("span", "", ...parts),
    " ",
    make("span", isCounted ? "count" : "soft", right),
  );
  if (isEmpty) row.title = "No result of this search has it";
  return row;
}

function make(name, className, ...children) {
  const element = document.createElement(name);
  element.className = className;
  element.append(...children);
  return element;
}
