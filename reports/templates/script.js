"use strict";
// How a field is packed is said in pack.rs.
function unpacked(field, words) {
  if (typeof field === "number") return { text: String(field).replace(/\B(?=(\d{3})+$)/g, "\u202f"), sort: field };
  if (typeof field === "string") return { text: field };
  if (field.length === 1) return unpacked(words[field[0]], words);
  const [text, unit, sort, small, look, from] = field;
  return { text, unit, sort, small, look, from };
}
function element(name, text, className) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}
function content({ text, look, from }) {
  if (from && from.length) {
    const link = element("a", text);
    link.href = "#cell-" + from[0];
    link.title = `from row${from.length > 1 ? "s" : ""} ${from.join(", ")} of cells.csv`;
    return link;
  }
  return look & 2 ? element("code", text) : document.createTextNode(text);
}
function fieldOf(packed, words, head) {
  const field = unpacked(packed, words);
  const td = element("td", "", [head.className, field.look & 1 ? "strong" : ""].join(" ").trim());
  if (field.sort !== undefined && field.sort !== null) td.dataset.v = field.sort;
  td.append(content(field));
  if (field.unit) td.append(element("span", field.unit, "u"));
  if (field.small) td.append(element("small", field.small));
  return td;
}
function fill(table) {
  const data = table.parentElement.querySelector("script");
  if (!data) return;
  const { words, rows } = JSON.parse(data.textContent);
  data.remove();
  const heads = table.tHead.rows[0].cells;
  const made = rows.map(([cell, mark, ...fields]) => {
    const row = element("tr", "", mark || "");
    if (cell) row.id = "cell-" + cell;
    row.append(...fields.map((field, column) => fieldOf(field, words, heads[column])));
    return row;
  });
  table.tBodies[0].append(...made);
}
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
  fill(table);
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
for (const table of document.querySelectorAll("table")) {
  const folded = table.closest("details");
  if (folded) folded.addEventListener("toggle", () => fill(table));
  else fill(table);
}
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sortBy(button.parentElement));
}
for (const input of document.querySelectorAll("input[type=search]")) {
  const table = input.parentElement.querySelector("table");
  input.addEventListener("input", () => {
    fill(table);
    const words = input.value.toLowerCase().split(/\s+/);
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
}
// A link to a row was followed before the row was there.
if (location.hash.startsWith("#cell-")) location.replace(location.hash);
