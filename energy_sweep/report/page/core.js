// The one object of the page: its data, its events, its sections, and what is pinned.
const page = (() => {
  const read = (id) => {
    const node = document.getElementById(id);
    return node ? JSON.parse(node.textContent) : null;
  };
  const listeners = {};
  const makers = new Map(); // how each section is drawn, by its key
  const drawn = new Set();

  function on(event, listener) {
    (listeners[event] ??= []).push(listener);
  }

  function emit(event, detail) {
    for (const listener of listeners[event] ?? []) listener(detail);
  }

  // A section whose figure fails says so, and the others are drawn all the same.
  function draw(key) {
    const root = document.getElementById(key);
    if (!root || !makers.has(key)) return;
    drawn.add(key);
    try {
      makers.get(key)(read(`data-${key}`), root);
    } catch (error) {
      console.error(`section ${key}`, error);
      root.insertAdjacentHTML("beforeend", '<p class="soft">This could not be drawn.</p>');
    }
  }

  // Each is drawn once, when it is about to be seen; all of them before the page is printed.
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((one) => one.isIntersecting)) {
      near.unobserve(entry.target);
      if (!drawn.has(entry.target.id)) draw(entry.target.id);
    }
  }, { rootMargin: "600px" });

  function start() {
    emit("start");
    for (const key of makers.keys()) {
      const root = document.getElementById(key);
      if (root) near.observe(root);
    }
  }

  addEventListener("beforeprint", () => {
    for (const key of makers.keys()) if (!drawn.has(key)) draw(key);
  });

  // Two trials may be pinned: the first stays, the second follows the clicks.
  const pinned = [null, null];

  function select(trial) {
    const place = pinned.indexOf(trial);
    if (place === 1) pinned[1] = null;
    else if (place === 0) [pinned[0], pinned[1]] = [pinned[1], null];
    else pinned[pinned[0] === null ? 0 : 1] = trial;
    emit("pin", page.pinned);
  }

  function pin(first, second = null) {
    [pinned[0], pinned[1]] = [first, second];
    emit("pin", page.pinned);
  }

  return {
    data: read("data-page"),
    on,
    emit,
    start,
    select,
    pin,
    get pinned() { return [...pinned]; },
    section(key, draw) { makers.set(key, draw); },
    redraw() { for (const key of drawn) draw(key); },
    byId: (id) => document.getElementById(id),
  };
})();
