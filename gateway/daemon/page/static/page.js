// Makes live parts live: the same part that the server wrote, fetched again. Without this file every page works by hand.
"use strict";
(() => {
  const EVERY_MS = 2000;
  const IN_USE = "a, button, input, select";
  const part = document.querySelector("[data-part]");
  const pause = document.querySelector("[data-pause]");
  const print = document.querySelector("[data-print]");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
  if (!part) return;
  let paused = false;
  let last = "";

  // Lets `old` be as `fresh` is, and leaves what is the same where it stands: a table that somebody opened stays open.
  const match = (old, fresh) => {
    if (old.nodeName !== fresh.nodeName) return old.replaceWith(fresh.cloneNode(true));
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return undefined;
    }
    for (const { name } of [...old.attributes]) {
      if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    for (const { name, value } of [...fresh.attributes]) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    return children(old, fresh);
  };
  const children = (old, fresh) => {
    const [before, after] = [[...old.childNodes], [...fresh.childNodes]];
    after.forEach((node, at) => (before[at] ? match(before[at], node) : old.append(node.cloneNode(true))));
    before.slice(after.length).forEach((node) => node.remove());
  };

  const look = async () => {
    // A link or a field that somebody is at stays what it is.
    const busy = part.contains(document.activeElement) && document.activeElement.matches(IN_USE);
    if (!paused && !busy && !document.hidden) {
      try {
        const answer = await fetch(part.dataset.part, { credentials: "same-origin", redirect: "manual" });
        if (answer.type === "opaqueredirect" || answer.status === 410) return location.reload();
        const text = await answer.text();
        if (answer.ok && text !== last && !paused) {
          const fresh = new DOMParser().parseFromString(`<section>${text}</section>`, "text/html");
          children(part, fresh.body.firstChild);
          last = text;
        }
      } catch { /* the gateway is gone for a moment, as when its plug is pulled: try again */ }
    }
    return setTimeout(look, EVERY_MS);
  };
  pause.hidden = false;
  for (const each of document.querySelectorAll("[data-by-hand]")) each.hidden = true;
  pause.addEventListener("click", () => {
    paused = !paused;
    const words = pause.textContent;
    pause.textContent = pause.dataset.go;
    pause.dataset.go = words;
  });
  setTimeout(look, EVERY_MS);
})();
