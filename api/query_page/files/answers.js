// Shows an answer: coloured JSON that folds, and its errors as sentences.

import { span } from "./colours.js";

export function showJson(value, depth = 0) {
  if (value === null || typeof value !== "object") return leaf(value);
  const entries = Object.entries(value), list = Array.isArray(value);
  const [open, close] = list ? "[]" : "{}";
  if (!entries.length) return span("mark", open + close);
  const node = document.createElement("span"), inside = document.createElement("span");
  const pad = "  ".repeat(depth + 1);
  inside.className = "inside";
  entries.forEach(([key, child], at) => {
    inside.append(`\n${pad}`);
    if (isBig(child)) inside.append(fold(() => shown));
    const shown = showJson(child, depth + 1);
    if (!list) inside.append(span("key", JSON.stringify(key)), span("mark", ": "));
    inside.append(shown, span("mark", at < entries.length - 1 ? "," : ""));
  });
  inside.append(`\n${"  ".repeat(depth)}`);
  if (depth === 0) node.append(fold(() => node));
  node.append(span("mark", open), inside, count(entries.length, list), span("mark", close));
  return node;
}

function leaf(value) {
  const kind = typeof value === "string" ? "string" : typeof value === "number" ? "number" : "literal";
  return span(kind, JSON.stringify(value));
}

function isBig(value) { return value !== null && typeof value === "object" && Object.keys(value).length > 0; }

function fold(find) {
  const mark = document.createElement("span");
  mark.className = "fold";
  mark.textContent = "▾";
  mark.addEventListener("click", () => { mark.textContent = find().classList.toggle("folded") ? "▸" : "▾"; });
  return mark;
}

function count(number, list) {
  const words = document.createElement("span");
  words.className = "count";
  words.textContent = ` ${number} ${list ? "item" : "field"}${number === 1 ? "" : "s"} `;
  return words;
}

export function showErrors(box, errors, goTo) {
  box.hidden = !errors.length;
  box.replaceChildren(...errors.slice(0, 50).map((error) => errorLine(error, goTo)));
}

function errorLine(error, goTo) {
  const line = document.createElement("article");
  if (error.extensions?.code) line.append(piece("span", "code", error.extensions.code));
  line.append(piece("strong", "", error.message));
  if (error.path) line.append(piece("span", "where", error.path.join(" › ")));
  for (const place of (error.locations ?? []).slice(0, 1)) {
    const jump = piece("button", "", `line ${place.line}`);
    jump.addEventListener("click", () => goTo(place.line, place.column));
    line.append(jump);
  }
  return line;
}

function piece(tag, name, text) {
  const node = document.createElement(tag);
  node.className = name;
  node.textContent = text;
  return node;
}
