"use strict";
function keyOf(row, column) {
  const field = row.cells[column];
  return field.dataset.v === undefined ? field.textContent.trim() : Number(field.dataset.v);
}
function compare(a, b) {
  if (a === "" || b === "") return (a === "") - (b === "");
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}
function sortBy(head) {
  const table = head.closest("table");
  const column = head.cellIndex;
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = Array.from(table.tBodies[0].rows, (row, place) => ({ row, place, key: keyOf(row, column) }));
  rows.sort((a, b) => {
    const order = compare(a.key, b.key);
    return (down && a.key !== "" && b.key !== "" ? -order : order) || a.place - b.place;
  });
  table.tBodies[0].append(...rows.map((entry) => entry.row));
}
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sortBy(button.parentElement));
}
for (const input of document.querySelectorAll("input[type=search]")) {
  const rows = input.parentElement.querySelectorAll("tbody tr");
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
}
