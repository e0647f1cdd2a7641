// Cells know the titles of their columns, for screens on which a row is a list.
page.on("start", () => {
  for (const table of document.querySelectorAll("table.stacked")) {
    const titles = [...table.querySelectorAll("th")].map((title) => title.textContent);
    for (const row of table.tBodies[0].rows) {
      if (row.cells.length === titles.length) {
        titles.forEach((title, column) => { row.cells[column].dataset.label = title; });
      }
    }
  }
});
