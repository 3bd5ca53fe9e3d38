// Filter and sort the gallery and the ledger. Without JavaScript both show everything, in order.
"use strict";

function fits(item, wanted) {
  return Object.entries(wanted).every(([key, value]) =>
    key === "text"
      ? value.split(/\s+/).every((word) => item.dataset.text.includes(word))
      : !value || item.dataset[key] === value
  );
}

function readControls(list) {
  const controls = [...list.querySelectorAll("[data-filter]")];
  return Object.fromEntries(controls.map((c) => [c.dataset.filter, c.value.trim().toLowerCase()]));
}

function applyFilter(list) {
  const wanted = readControls(list);
  const items = [...list.querySelectorAll("[data-item]")];
  items.forEach((item) => { item.hidden = !fits(item, wanted); });
  const shown = items.filter((item) => !item.hidden).length;
  const count = list.querySelector("[data-count]");
  count.textContent = `${shown} of ${items.length} ${count.dataset.count}`;
  list.querySelector(".mixbook-none").hidden = shown > 0;
}

function sortBy(table, column, direction) {
  const body = table.tBodies[0];
  const key = (row) => row.cells[column].textContent.trim();
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  [...body.rows]
    .sort((a, b) => direction * compare(key(a), key(b)))
    .forEach((row) => body.append(row));
}

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "mixbook-sort";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      sortBy(table, column, down ? -1 : 1);
    });
  });
}

document.querySelectorAll("[data-mixbook-list]").forEach((list) => {
  const form = list.querySelector("form");
  form.hidden = false;
  form.addEventListener("input", () => applyFilter(list));
  form.addEventListener("submit", (event) => event.preventDefault());
  list.querySelectorAll("table").forEach(makeSortable);
  applyFilter(list);
});
