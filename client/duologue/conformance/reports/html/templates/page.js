"use strict";

const form = document.querySelector("#filter");
const groups = [...document.querySelectorAll("#rules tbody")];

/** Show the rules that have every word and the verdict, and the titles above them. */
function filter() {
  const words = form.elements.text.value.toLowerCase().split(/\s+/);
  const verdict = form.elements.verdict.value;
  const matches = (row) =>
    (!verdict || row.dataset.verdict === verdict) && words.every((word) => row.textContent.toLowerCase().includes(word));
  let shown = 0;
  let total = 0;
  for (const group of groups) {
    const rows = [...group.rows].slice(1);
    for (const row of rows) row.hidden = !matches(row);
    const count = rows.filter((row) => !row.hidden).length;
    group.hidden = !count;
    shown += count;
    total += rows.length;
  }
  form.querySelector("output").value = `${shown} of ${total} rules`;
}

/** Copy the text beside a button; where a page may not, select it for the reader to copy. */
async function copy(button) {
  const code = button.parentElement.querySelector("code");
  getSelection().selectAllChildren(code);
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Selected";
  }
}

for (const button of document.querySelectorAll(".copy")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
form.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", () => {
  form.reset(); // a link leads to a rule that may be filtered out
  filter();
  document.querySelector(":target")?.scrollIntoView();
});
filter();
