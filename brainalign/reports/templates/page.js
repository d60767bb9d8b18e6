"use strict";
(function () {
  function draw() {
    document.querySelectorAll("div.plot").forEach(function (place) {
      const source = document.getElementById(place.dataset.spec);
      const figure = JSON.parse(source.textContent);
      const config = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] };
      Plotly.newPlot(place, figure.data, figure.layout, config);
    });
  }

  function keyOf(cell) {
    const value = cell.dataset.value !== undefined ? cell.dataset.value : cell.textContent.trim();
    const number = Number(value);
    return value === "" ? null : Number.isNaN(number) ? value.toLowerCase() : number;
  }

  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), undefined, { numeric: true });
  }

  function sortBy(table, column, header) {
    const up = header.getAttribute("aria-sort") !== "ascending";
    table.querySelectorAll("th[aria-sort]").forEach(function (other) { other.removeAttribute("aria-sort"); });
    header.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows).map(function (row, place) { return { row: row, key: keyOf(row.cells[column]), place: place }; });
    rows.sort(function (a, b) {
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.place - b.place;
      return (up ? 1 : -1) * compare(a.key, b.key) || a.place - b.place;
    });
    rows.forEach(function (entry) { body.appendChild(entry.row); });
  }

  function filter(table, controls, status) {
    const words = controls.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    Array.from(table.tBodies[0].rows).forEach(function (row) {
      const text = row.textContent.toLowerCase();
      const fits = words.every(function (word) { return text.includes(word); }) && controls.selects.every(function (select) {
        return select.value === "" || row.dataset[select.dataset.field] === select.value;
      });
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    status.textContent = shown + " of " + table.tBodies[0].rows.length + " trials shown";
  }

  function ready() {
    draw();
    const table = document.getElementById("trials-table");
    if (table) {
      Array.from(table.tHead.rows[0].cells).forEach(function (header, column) {
        header.querySelector("button").addEventListener("click", function () { sortBy(table, column, header); });
      });
      const box = document.getElementById("trials-filter");
      const controls = { text: box.querySelector("input"), selects: Array.from(box.querySelectorAll("select")) };
      const status = document.getElementById("trials-shown");
      box.addEventListener("input", function () { filter(table, controls, status); });
      filter(table, controls, status);
    }
    window.addEventListener("beforeprint", function () {
      document.querySelectorAll("details:not(.long)").forEach(function (part) { part.open = true; });
    });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready); else ready();
})();
