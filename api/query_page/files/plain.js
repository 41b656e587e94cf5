// The plain query page: wires editors, answer and schema together.

import { showErrors, showJson } from "./answers.js";
import { Editor } from "./editor.js";
import { INTROSPECTION, SchemaBrowser } from "./schema.js";
import { ask, isSubscription, listen, operationNames } from "./transport.js";

const $ = (id) => document.getElementById(id);
const settings = JSON.parse($("settings").textContent);
const editors = Object.fromEntries(["query", "variables", "headers"].map((id) => [id, new Editor($(id))]));
const browser = new SchemaBrowser({ list: $("types"), path: $("path"), search: $("search") });
const MAX_EVENTS = 200;
let running = null, lastAnswer = "";

const remembered = {
  read(key) { try { return localStorage.getItem(`c360.${key}`); } catch { return null; } },
  write(key, text) { try { localStorage.setItem(`c360.${key}`, text); } catch { /* private window */ } },
};

function readObject(editor, what) {
  const text = editor.value.trim();
  if (!text) return {};
  const value = JSON.parse(text);
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new SyntaxError(`${what} must be a JSON object.`);
  return value;
}

function readPayload() {
  const query = editors.query.value;
  const named = operationNames(query);
  const caret = editors.query.area.selectionStart;
  const operationName = named.length > 1 ? nameAt(query, caret) ?? named[0] : undefined;
  return { query, operationName, variables: readObject(editors.variables, "Variables") };
}

function nameAt(query, caret) {
  const before = query.slice(0, Math.max(caret, 1));
  return operationNames(before).at(-1);
}

async function run() {
  if (running) { running.abort(); return; }
  let payload, headers;
  try {
    payload = readPayload();
    headers = readObject(editors.headers, "Headers");
  } catch (fault) {
    showProblem(`Variables or headers are not JSON: ${fault.message}`);
    return;
  }
  running = new AbortController();
  setRunning(true);
  try {
    if (isSubscription(payload.query, payload.operationName)) await runLive(payload, headers, running.signal);
    else await runOnce(payload, headers, running.signal);
  } catch (fault) {
    if (fault.name !== "AbortError") showProblem(`No answer: ${fault.message}`);
  } finally {
    running = null;
    setRunning(false);
  }
}

async function runOnce(payload, headers, signal) {
  const started = performance.now();
  const { status, size, answer } = await ask(payload, headers, signal);
  const milliseconds = performance.now() - started;
  lastAnswer = JSON.stringify(answer, null, 2);
  showErrors($("errors"), answer.errors ?? [], (line, column) => editors.query.goTo(line, column));
  $("result").replaceChildren(showJson(answer));
  $("result").scrollTop = 0;
  showStatus(status < 400, `${status}`, ` · ${milliseconds.toFixed(0)} ms · ${(size / 1024).toFixed(1)} KB`);
}

async function runLive(payload, headers, signal) {
  $("result").replaceChildren();
  showErrors($("errors"), [], () => {});
  showStatus(true, "listening", " · waiting for events");
  let events = 0;
  for await (const answer of listen(payload, headers, signal)) {
    events += 1;
    lastAnswer = JSON.stringify(answer, null, 2);
    if (answer.errors) showErrors($("errors"), answer.errors, (line, column) => editors.query.goTo(line, column));
    $("result").prepend(eventBlock(answer));
    while ($("result").childElementCount > MAX_EVENTS) $("result").lastElementChild.remove();
    showStatus(!answer.errors, "listening", ` · ${events} event${events === 1 ? "" : "s"}`);
  }
  showStatus(true, "ended", ` · ${events} event${events === 1 ? "" : "s"}`);
}

function eventBlock(answer) {
  const block = document.createElement("span"), time = document.createElement("time");
  block.className = "event";
  time.textContent = new Date().toLocaleTimeString();
  block.append(time, showJson(answer));
  return block;
}

function showProblem(words) {
  showErrors($("errors"), [{ message: words }], () => {});
  showStatus(false, "not sent", "");
}

function showStatus(good, head, rest) {
  const mark = document.createElement("span");
  mark.className = good ? "good" : "bad";
  mark.textContent = head;
  $("status").replaceChildren(mark, rest);
}

function setRunning(on) {
  $("run").classList.toggle("running", on);
  $("run-label").textContent = on ? "Stop" : "Run";
}

// ---- tidy: a new indentation from the brackets, nothing else is touched
function tidy(text) {
  let depth = 0;
  return text.split("\n").map((line) => {
    const bare = line.trim().replace(/#.*$|"(?:\\.|[^"\\])*"/g, "");
    const opens = (bare.match(/[{([]/g) ?? []).length, closes = (bare.match(/[})\]]/g) ?? []).length;
    const leading = /^[})\]]*/.exec(bare)[0].length;
    const indent = "  ".repeat(Math.max(0, depth - leading));
    depth = Math.max(0, depth + opens - closes);
    return line.trim() ? indent + line.trim() : "";
  }).join("\n");
}

// ---- examples, tabs, theme, widths
function fillExamples() {
  const options = settings.examples.map((example, at) => new Option(example.name, String(at)));
  $("example").replaceChildren(...options);
  $("example").parentElement.hidden = !options.length;
  $("example").addEventListener("change", () => useExample(settings.examples[$("example").value]));
}

function useExample(example) {
  editors.query.value = example.query;
  editors.variables.value = Object.keys(example.variables).length ? JSON.stringify(example.variables, null, 2) : "";
  $("words").textContent = example.words;
  $("words").title = example.words;
  $("query").scrollTop = 0;
}

function selectTab(name) {
  for (const other of ["variables", "headers"]) {
    $(`tab-${other}`).setAttribute("aria-selected", String(other === name));
    $(other).hidden = other !== name;
  }
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  remembered.write("theme", theme);
}

function dragWidth(grip) {
  const pane = $(grip.dataset.grip), direction = grip.dataset.grip === "schema" ? -1 : 1;
  grip.addEventListener("pointerdown", (down) => {
    const width = pane.getBoundingClientRect().width;
    grip.setPointerCapture(down.pointerId);
    grip.onpointermove = (move) => { pane.style.width = `${width + direction * (move.clientX - down.clientX)}px`; };
    grip.onpointerup = () => { grip.onpointermove = null; };
  });
}

async function loadSchema() {
  browser.say("Reading the schema …");
  try {
    const { answer } = await ask({ query: INTROSPECTION }, readObject(editors.headers, "Headers"));
    if (answer.data) browser.load(answer.data.__schema);
    else browser.say(answer.errors[0].message);
  } catch (fault) {
    browser.say(`The schema could not be read: ${fault.message}`);
  }
}

function start() {
  fillExamples();
  const asked = new URLSearchParams(location.search).get("query");
  if (asked) { editors.query.value = asked; $("example").selectedIndex = -1; }
  else if (settings.examples.length) useExample(settings.examples[0]);
  else editors.query.value = "{\n  __typename\n}";
  editors.headers.value = Object.keys(settings.headers).length ? JSON.stringify(settings.headers, null, 2) : "";
  setTheme(remembered.read("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
  document.querySelectorAll(".grip").forEach(dragWidth);
  loadSchema();
  editors.headers.area.addEventListener("change", loadSchema);
  editors.query.area.focus({ preventScroll: true });
}

$("run").addEventListener("click", run);
$("prettify").addEventListener("click", () => { editors.query.value = tidy(editors.query.value); });
$("copy").addEventListener("click", () => navigator.clipboard?.writeText(lastAnswer));
$("tab-variables").addEventListener("click", () => selectTab("variables"));
$("tab-headers").addEventListener("click", () => selectTab("headers"));
$("toggle-theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
$("toggle-schema").addEventListener("click", (event) => {
  const pressed = event.currentTarget.getAttribute("aria-pressed") !== "true";
  event.currentTarget.setAttribute("aria-pressed", String(pressed));
  $("schema").hidden = !pressed;
});
document.addEventListener("keydown", (event) => {
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key === "Enter") { event.preventDefault(); run(); }
  else if (command && event.shiftKey && event.key.toLowerCase() === "f") { event.preventDefault(); $("prettify").click(); }
  else if (event.key === "/" && !/TEXTAREA|INPUT|SELECT/.test(document.activeElement.tagName)) { event.preventDefault(); $("search").focus(); }
});
start();
