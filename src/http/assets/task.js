// How far tasks are, as they go; without this file the page of a task loads anew from time to time.
const PAUSE_MS = 300;
const bars = [...document.querySelectorAll("[data-task]")];

/** Shows what the server says of a task now. */
async function update(bar) {
  const answer = await fetch(`/tasks/${bar.dataset.task}/progress`).catch(() => null);
  if (!answer?.ok) return;
  const told = new DOMParser().parseFromString(await answer.text(), "text/html");
  bar.replaceChildren(...told.querySelector("[data-task]").childNodes);
}

/** Asks again when something was told, once for all that is told meanwhile. */
function follow(bar) {
  const source = new EventSource(`/api/tasks/${bar.dataset.task}/events`);
  let isBusy = false;
  let isTold = false;
  const tell = async () => {
    isTold = true;
    if (isBusy) return;
    isBusy = true;
    while (isTold) {
      isTold = false;
      await update(bar);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    isBusy = false;
  };
  source.addEventListener("task", ({ data }) => {
    if (JSON.parse(data).endedAt === null) return void tell();
    source.close();
    // On a page with forms nothing is taken away from who fills them in.
    if ("reloads" in bar.dataset) location.replace(location.pathname);
    else void tell();
  });
}

// A browser has six connections to a server, and the page needs one.
for (const bar of bars.slice(0, 4)) follow(bar);
