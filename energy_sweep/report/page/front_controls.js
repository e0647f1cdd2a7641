// What is chosen for colour, symbol and facet, and a legend that filters.
(() => {
  const { front } = page;
  const MARKS = ["colour", "symbol", "facet"];
  const PATHS = {
    circle: '<circle cx="7" cy="7" r="5"/>',
    square: '<path d="M2 2h10v10H2z"/>',
    diamond: '<path d="M7 1l6 6-6 6-6-6z"/>',
    "triangle-up": '<path d="M7 1.5l6 10.5H1z"/>',
    cross: '<path d="M5 1h4v4h4v4H9v4H5V9H1V5h4z"/>',
    star: '<path d="M7 1l1.8 4.2 4.6.4-3.5 3 1.1 4.4L7 10.6 3 13l1.1-4.4-3.5-3 4.6-.4z"/>',
    pentagon: '<path d="M7 1l6 4.4-2.3 7H3.3L1 5.4z"/>',
  };

  // The first of some wished axes that takes a few values, else any that does.
  function usual(wished, taken) {
    const few = page.data.axes.filter((axis, place) => {
      const values = new Set(page.rows.map((row) => page.value(row.params[place])));
      return values.size > 1 && values.size <= 6 && axis !== taken;
    });
    return wished.find((axis) => few.includes(axis)) ?? few[0] ?? null;
  }

  function fill() {
    const encodings = page.encodings();
    for (const mark of MARKS) {
      const select = page.byId(`${mark}-by`);
      select.append(new Option("none", ""), ...encodings.map((one) => new Option(one.title, one.key)));
      select.value = front.chosen[mark] ?? "";
      select.addEventListener("change", () => {
        front.chosen[mark] = select.value || null;
        for (const group of [...front.hidden]) if (group.startsWith(`${mark}:`)) front.hidden.delete(group);
        front.draw();
      });
    }
  }

  function legend() {
    const box = page.byId("legend");
    const focused = document.activeElement?.dataset?.group;
    box.replaceChildren(...["colour", "symbol"].filter((mark) => front.chosen[mark]).map(group));
    if (focused) box.querySelector(`[data-group="${focused}"]`)?.focus();
  }

  function group(mark) {
    const { title, names } = front.groups[mark];
    const list = document.createElement("div");
    list.className = "legend-group";
    list.setAttribute("role", "group");
    list.setAttribute("aria-label", `${title}, by ${mark}`);
    const name = document.createElement("span");
    name.className = "soft";
    name.textContent = title;
    list.append(name, ...names.map((text, place) => entry(mark, text, place, names.length)));
    return list;
  }

  function entry(mark, text, place, count) {
    const key = `${mark}:${place}`;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "key";
    button.dataset.group = key;
    button.title = "click: hide or show; double click: this one alone";
    button.setAttribute("aria-pressed", String(!front.hidden.has(key)));
    const symbol = mark === "symbol" ? page.SYMBOLS[place] : "circle";
    const colour = mark === "colour" ? front.codes.colours[place] : "currentColor";
    button.innerHTML = `<svg viewBox="0 0 14 14" width="12" height="12" aria-hidden="true" fill="${colour}">${PATHS[symbol]}</svg>`;
    button.append(` ${text}`);
    button.addEventListener("click", () => {
      if (!front.hidden.delete(key)) front.hidden.add(key);
      front.draw();
    });
    button.addEventListener("dblclick", () => {
      const others = Array.from({ length: count }, (_, other) => `${mark}:${other}`).filter((one) => one !== key);
      const alone = others.every((one) => front.hidden.has(one)) && !front.hidden.has(key);
      front.hidden.delete(key);
      for (const other of others) alone ? front.hidden.delete(other) : front.hidden.add(other);
      front.draw();
    });
    return button;
  }

  page.on("front", legend);
  page.on("start", () => {
    const colour = usual(["compression.level", "compression"], null);
    const symbol = usual(["batch", "model"], colour);
    front.chosen.colour = colour && `axis:${colour}`;
    front.chosen.symbol = symbol && `axis:${symbol}`;
    fill();
  });
})();
