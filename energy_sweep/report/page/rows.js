// Every configuration as one object, out of the columns that the page carries.
(() => {
  const { columns, axes } = page.data;
  const names = Object.keys(columns);
  const count = names.length ? columns[names[0]].length : 0;
  const parts = (list) => list && { joules: list[0], noise: list[1], drift: list[2], seconds: list[3] };

  page.rows = Array.from({ length: count }, (_, place) => {
    const row = { place };
    for (const name of names) row[name] = columns[name][place];
    row.training = parts(row.training);
    row.image = parts(row.image);
    row.settings = Object.fromEntries(axes.map((axis, index) => [axis, row.params[index]]));
    return row;
  });
  const byTrial = new Map(page.rows.map((row) => [row.trial, row]));
  page.row = (trial) => byTrial.get(trial) ?? null;
  page.command = (trial) => page.data.commands[trial] ?? "";
  page.deploy = (trial) => `${page.data.deploy} ${trial} --to deployed`;

  // A value as a command line takes it.
  page.value = (value) => {
    if (value === null || value === undefined) return "null";
    if (value === true) return "True";
    if (value === false) return "False";
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  };
  page.named = (row, separator = " · ") => axes
    .filter((axis) => row.settings[axis] !== null)
    .map((axis) => `${axis} ${page.value(row.settings[axis])}`).join(separator);
})();
