// Typed tags are not lost by a link or a key: the browser asks first.
const box = document.querySelector("#edit-tags");
box?.form.addEventListener("submit", () => (box.defaultValue = box.value));
addEventListener("beforeunload", (event) => {
  if (box && box.value !== box.defaultValue) event.preventDefault();
});
