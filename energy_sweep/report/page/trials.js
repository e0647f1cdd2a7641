// All configurations as a table: sorted by any column, filtered by words, a page at a time.
(() => {
  const PAGE = 40;
  const { joules, chance, bytes, count, seconds, general, escaped } = page.format;
  const state = { sort: "joules", down: false, words: "", floor: page.data.floor.accuracy, start: 0 };

  const efficiency = (row) => (row.efficiency !== null && row.accuracy >= state.floor ? row.efficiency : null);
  const COLUMNS = [
    { key: "trial", title: "trial", of: (row) => row.trial },
    { key: "accuracy", title: "accuracy", of: (row) => row.accuracy, text: (row) => row.accuracy.toFixed(3), down: true },
    { key: "joules", title: `joules (${page.data.quality})`, of: (row) => row.joules, text: (row) => joules(row.joules, row.uncertainty) },
    ...page.data.axes.map((axis, place) => ({
      key: `axis:${axis}`, name: axis, title: axis, same: true, of: (row) => row.params[place], text: (row) => page.value(row.params[place]),
    })),
    { key: "image", same: true, title: "per image", of: (row) => row.perImage, text: (row) => joules(row.perImage) },
    { key: "efficiency", title: "accuracy per joule", of: efficiency, text: ranked, down: true },
    { key: "bytes", same: true, title: "bytes", of: (row) => row.bytes, text: (row) => bytes(row.bytes) },
    { key: "macs", same: true, title: "MACs", of: (row) => row.macs, text: (row) => count(row.macs) },
    { key: "latency", same: true, title: "latency", of: (row) => row.latency, text: (row) => seconds(row.latency) },
    { key: "p95", same: true, title: "p50, p95", of: (row) => row.alone?.[1] ?? null, text: (row) => (row.alone ? `${seconds(row.alone[0])}, ${seconds(row.alone[1])}` : "") },
    { key: "n", title: "seeds", same: true, of: (row) => row.n },
    { key: "belongs", title: "belongs", of: (row) => row.belongs, text: (row) => (row.belongs === null ? "" : chance(row.belongs)), down: true },
  ];
  let shown = COLUMNS; // without those that say nothing, or the same in every row
  let ranks = new Map();

  function ranked(row) {
    if (row.efficiency === null) return "";
    const rank = ranks.get(row.trial);
    return general(row.efficiency, 3) + (rank ? ` (${rank})` : "");
  }

  function rank() {
    const order = page.now.rows.filter((row) => efficiency(row) !== null)
      .sort((a, b) => b.efficiency - a.efficiency || a.trial - b.trial);
    ranks = new Map(order.map((row, place) => [row.trial, place + 1]));
  }

  // Words that all have to be found: a part of a value, "name=value", or "name>number".
  function test(word) {
    const found = /^([\w.]+)(<=|>=|<|>|=)(.+)$/.exec(word);
    const column = found && COLUMNS.find((one) => (one.name ?? one.key) === found[1]);
    if (!column) {
      return (row) => `${row.trial} ${row.params.map(page.value).join(" ")} ${row.member ? "front" : "dominated"}`
        .toLowerCase().includes(word.toLowerCase());
    }
    const [, , sign, text] = found;
    const number = Number(text);
    if (sign === "=") return (row) => page.value(column.of(row)) === text || column.of(row) === number;
    return (row) => {
      const value = column.of(row);
      if (typeof value !== "number" || Number.isNaN(number)) return false;
      return { "<": value < number, ">": value > number, "<=": value <= number, ">=": value >= number }[sign];
    };
  }

  function compared(a, b) {
    if (a === b) return 0;
    if (a === null || a === undefined) return 1; // unknown ones come last either way
    if (b === null || b === undefined) return -1;
    const order = typeof a === "number" && typeof b === "number" ? a - b : page.value(a).localeCompare(page.value(b));
    return state.down ? -order : order;
  }

  function listed() {
    const tests = state.words.split(/\s+/).filter(Boolean).map(test);
    const { of } = COLUMNS.find((one) => one.key === state.sort);
    return page.now.rows.filter((row) => tests.every((one) => one(row)))
      .sort((a, b) => compared(of(a), of(b)) || a.trial - b.trial);
  }

  function head() {
    return shown.map(({ key, title }) => {
      const sorted = key === state.sort ? (state.down ? "descending" : "ascending") : "none";
      const arrow = { descending: " ↓", ascending: " ↑", none: "" }[sorted];
      return `<th scope="col" aria-sort="${sorted}"><button type="button" data-sort="${escaped(key)}">${escaped(title).replaceAll(".", ".<wbr>")}${arrow}</button></th>`;
    }).join("");
  }

  function line(row, place) {
    const name = [row.member ? "member" : "", row.accuracy < state.floor ? "below" : "",
      page.pinned.includes(row.trial) ? "is-pinned" : ""].filter(Boolean).join(" ");
    const pin = `<td><button type="button" class="pin" data-trial="${row.trial}" tabindex="${place ? -1 : 0}"`
      + ` aria-pressed="${page.pinned.includes(row.trial)}" aria-label="pin trial ${row.trial}">${row.trial}</button></td>`;
    const cells = shown.slice(1).map(({ of, text }) => `<td>${escaped(text ? text(row) : of(row) ?? "")}</td>`);
    return `<tr class="${name}">${pin}${cells.join("")}</tr>`;
  }

  function show() {
    const rows = listed();
    state.start = Math.min(state.start, Math.max(0, Math.floor((rows.length - 1) / PAGE) * PAGE));
    const part = rows.slice(state.start, state.start + PAGE);
    const all = page.now.rows;
    const known = COLUMNS.filter(({ key, of }) => key === "trial" || all.some((row) => (of(row) ?? null) !== null) || key === "efficiency");
    const told = ({ of, text }, row) => String(text ? text(row) : of(row) ?? "");
    const once = known.filter((one) => one.same && all.length > 1 && all.every((row) => told(one, row) === told(one, all[0])));
    shown = known.filter((one) => !once.includes(one));
    page.byId("trials-same").textContent = once.length
      ? `In every row: ${once.map((one) => `${one.title} ${told(one, all[0])}`).join(" · ")}.` : "";
    page.byId("trials-head").innerHTML = head();
    page.byId("trials-body").innerHTML = part.map(line).join("");
    const end = state.start + part.length;
    page.byId("trials-said").textContent = rows.length
      ? `${state.start + 1} to ${end} of ${rows.length}${rows.length < all.length ? ` (${all.length} in all)` : ""}`
      : all.length ? `none of ${all.length} has all of these words` : "none has been measured";
    page.byId("trials-before").disabled = state.start === 0;
    page.byId("trials-after").disabled = end >= rows.length;
  }

  function mark() {
    for (const button of page.byId("trials-body").querySelectorAll("button.pin")) {
      const is = page.pinned.includes(Number(button.dataset.trial));
      button.setAttribute("aria-pressed", String(is));
      button.closest("tr").classList.toggle("is-pinned", is);
    }
  }

  function sort({ target }) {
    const key = target.closest("button")?.dataset.sort;
    if (!key) return;
    const column = COLUMNS.find((one) => one.key === key);
    state.down = key === state.sort ? !state.down : Boolean(column.down);
    Object.assign(state, { sort: key, start: 0 });
    show();
    page.byId("trials-head").querySelector(`[data-sort="${CSS.escape(key)}"]`)?.focus();
  }

  // One row is a stop of the tabulator; the arrows go on to the others.
  function move(event) {
    const buttons = [...page.byId("trials-body").querySelectorAll("button.pin")];
    const at = buttons.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (at < 0 || !step || !buttons[at + step]) return;
    event.preventDefault();
    buttons[at].tabIndex = -1;
    buttons[at + step].tabIndex = 0;
    buttons[at + step].focus();
  }

  page.on("start", () => {
    const body = page.byId("trials-body");
    page.byId("trials-head").addEventListener("click", sort);
    body.addEventListener("click", ({ target }) => {
      const trial = target.closest("tr")?.querySelector("button.pin")?.dataset.trial;
      if (trial) page.select(Number(trial));
    });
    body.addEventListener("keydown", move);
    page.byId("trials-filter").addEventListener("input", ({ target }) => {
      Object.assign(state, { words: target.value, start: 0 });
      show();
    });
    page.byId("floor").value = state.floor;
    page.byId("floor").addEventListener("change", ({ target }) =>
      page.emit("floor", Math.min(1, Math.max(0, Number(target.value) || 0))));
    page.byId("floor-note").textContent = page.data.floor.text;
    for (const [id, step] of [["trials-before", -PAGE], ["trials-after", PAGE]]) {
      page.byId(id).addEventListener("click", () => { state.start = Math.max(0, state.start + step); show(); });
    }
    rank();
    show();
  });
  page.on("objective", () => { rank(); show(); });
  // The floor is one for the whole page, wherever it is set.
  page.on("floor", (least) => {
    state.floor = least;
    page.byId("floor").value = least;
    page.byId("floor-note").textContent = least === page.data.floor.accuracy ? page.data.floor.text : "chosen here";
    rank();
    show();
  });
  page.on("pin", mark);
})();
