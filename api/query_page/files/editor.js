// A small text editor: line numbers, colours, Tab, pairs of brackets, indent kept on Enter, comments by Ctrl+/.

import { coloured } from "./colours.js";

const PAIRS = { "{": "}", "(": ")", "[": "]", '"': '"' };

export class Editor {
  constructor(root) {
    this.language = root.dataset.language;
    this.numbers = element("div", "numbers");
    this.paint = element("pre", "paint");
    this.area = element("textarea", "text");
    Object.assign(this.area, { spellcheck: false, autocomplete: "off", wrap: "off" });
    this.area.setAttribute("autocapitalize", "off");
    this.area.setAttribute("aria-label", root.dataset.label);
    const sheet = element("div", "sheet");
    sheet.append(this.paint, this.area);
    root.replaceChildren(this.numbers, sheet);
    root.addEventListener("mousedown", (event) => { if (event.target === root) setTimeout(() => this.area.focus()); });
    this.area.addEventListener("input", () => this.changed());
    this.area.addEventListener("keydown", (event) => this.pressed(event));
    this.onchange = () => {};
    this.changed();
  }

  get value() { return this.area.value; }

  set value(text) { this.area.value = text; this.changed(); }

  changed() {
    const text = this.area.value;
    this.paint.replaceChildren(coloured(text, this.language));
    const lines = text.split("\n").length;
    this.numbers.textContent = Array.from({ length: lines }, (_, line) => line + 1).join("\n");
    this.onchange?.(text);
  }

  goTo(line, column) {
    const before = this.area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    this.area.focus();
    this.area.setSelectionRange(before + column - 1, before + column - 1);
  }

  insert(text, caret = text.length) {  // through the browser, so that its undo knows
    const start = this.area.selectionStart;
    if (!document.execCommand("insertText", false, text)) this.area.setRangeText(text);
    this.area.setSelectionRange(start + caret, start + caret);
    this.changed();
  }

  pressed(event) {
    const { key, ctrlKey, metaKey, altKey } = event;
    if ((ctrlKey || metaKey) && key === "/") { event.preventDefault(); return this.comment(); }
    if (ctrlKey || metaKey || altKey) return undefined;
    const handled = key === "Tab" ? this.tab(event.shiftKey) : key === "Enter" ? this.enter() : this.pair(key);
    if (handled) event.preventDefault();
    return undefined;
  }

  tab(back) {
    const { selectionStart: start, selectionEnd: end, value } = this.area;
    if (start === end && !back) { this.insert("  "); return true; }
    this.editLines((line) => (back ? line.replace(/^ {1,2}/, "") : `  ${line}`));
    return value !== undefined;
  }

  comment() {
    const mark = this.language === "json" ? null : "# ";
    if (mark) this.editLines((line) => (line.startsWith(mark) ? line.slice(2) : mark + line));
  }

  editLines(change) {
    const { selectionStart: start, selectionEnd: end, value } = this.area;
    const from = value.lastIndexOf("\n", start - 1) + 1;
    const to = value.indexOf("\n", end) < 0 ? value.length : value.indexOf("\n", end);
    const text = value.slice(from, to).split("\n").map(change).join("\n");
    this.area.setSelectionRange(from, to);
    this.insert(text);
    this.area.setSelectionRange(from, from + text.length);
  }

  enter() {
    const { selectionStart: at, value } = this.area;
    const indent = /[ ]*/.exec(value.slice(value.lastIndexOf("\n", at - 1) + 1, at))[0];
    const opened = "{([".includes(value[at - 1] ?? " ");
    if (!opened) { this.insert(`\n${indent}`); return true; }
    const closes = "})]".includes(value[at] ?? " ");
    this.insert(`\n${indent}  ${closes ? `\n${indent}` : ""}`, indent.length + 3);
    return true;
  }

  pair(key) {
    const { selectionStart: start, selectionEnd: end, value } = this.area;
    if (start === end && value[start] === key && "})]\"".includes(key)) {
      this.area.setSelectionRange(start + 1, start + 1);
      return true;
    }
    if (key === "Backspace" && start === end && start > 0 && PAIRS[value[start - 1]] === value[start]) {
      this.area.setSelectionRange(start - 1, start + 1);
      document.execCommand("delete");
      return true;
    }
    if (!PAIRS[key] || (key === '"' && /\w/.test(value[start - 1] ?? ""))) return false;
    this.insert(key + value.slice(start, end) + PAIRS[key], 1);
    return true;
  }
}

function element(tag, name) {
  const node = document.createElement(tag);
  node.className = name;
  return node;
}
