// What the pieces share that come after the first figures: elements from words, and a dialog that closes by Escape, by
// its button and beside itself.

import { t } from "./portal.js";

// Return an element with attributes (true: there, false or null: not there; functions: listeners) and children. Text
// becomes text, never markup.
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

// Open a dialog and return {dialog, body}; `closed` is called once, when it is gone. The focus goes back by itself.
export function sheet(id, title, closed) {
  const body = make("div", { class: "sheet-body" });
  const heading = make("h2", { id: `${id}-heading` }, title);
  const close = make("button", { type: "button", class: "close", "aria-label": t("sheet.close"), click: () => dialog.close() }, "×");
  const head = make("div", { class: "sheet-head" }, heading, close);
  const dialog = make("dialog", { id, class: "sheet", "aria-labelledby": heading.id }, head, body);
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed?.();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, body };
}
