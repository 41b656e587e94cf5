// The schema browser: types, fields and arguments from introspection, searchable and linked.

const TYPE = "kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
export const INTROSPECTION = `query Introspection {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types {
      kind name description
      fields(includeDeprecated: true) { name description isDeprecated deprecationReason type { ${TYPE} }
        args { name description defaultValue type { ${TYPE} } } }
      inputFields { name description defaultValue type { ${TYPE} } }
      interfaces { name } possibleTypes { name }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
    }
  }
}`;
const KINDS = { OBJECT: "type", INTERFACE: "interface", UNION: "union", ENUM: "enum", INPUT_OBJECT: "input", SCALAR: "scalar" };

export class SchemaBrowser {
  constructor({ list, path, search }) {
    Object.assign(this, { list, path, search, trail: [], types: new Map() });
    search.addEventListener("input", () => this.draw());
  }

  load(schema) {
    this.roots = [schema.queryType, schema.mutationType, schema.subscriptionType].filter(Boolean).map((type) => type.name);
    this.types = new Map(schema.types.filter((type) => !type.name.startsWith("__")).map((type) => [type.name, type]));
    this.draw();
  }

  say(words) { this.list.replaceChildren(make("p", "", words)); }

  open(name) {
    const known = this.trail.indexOf(name);
    this.trail = known < 0 ? [...this.trail, name] : this.trail.slice(0, known + 1);
    this.search.value = "";
    this.draw();
    this.list.scrollTop = 0;
  }

  draw() {
    const words = this.search.value.trim().toLowerCase();
    this.drawPath();
    if (words) return this.list.replaceChildren(...this.found(words));
    const type = this.types.get(this.trail.at(-1));
    return this.list.replaceChildren(...(type ? this.page(type) : this.front()));
  }

  drawPath() {
    const home = link("Schema", () => { this.trail = []; this.search.value = ""; this.draw(); });
    const steps = this.trail.slice(-3).flatMap((name) => ["›", link(name, () => this.open(name))]);
    this.path.replaceChildren(...(this.trail.length ? [home, ...steps] : []));
  }

  front() {
    const others = [...this.types.values()].filter((type) => !this.roots.includes(type.name));
    const groups = Object.entries(KINDS).map(([kind, words]) => [words, others.filter((type) => type.kind === kind)]);
    return [
      make("h4", "", "Start here"),
      ...this.roots.map((name) => this.typeLine(this.types.get(name))),
      ...groups.filter(([, types]) => types.length).flatMap(([words, types]) => [
        make("h4", "", `${words}s`), ...types.map((type) => this.typeLine(type))]),
    ];
  }

  typeLine(type) {
    const entry = make("div", "entry");
    entry.append(link(type.name, () => this.open(type.name)));
    if (type.description) entry.append(make("p", "", firstSentence(type.description)));
    return entry;
  }

  found(words) {
    const types = [...this.types.values()];
    const named = types.filter((type) => type.name.toLowerCase().includes(words));
    const fields = types.flatMap((type) => parts(type).map((field) => ({ type, field })))
      .filter(({ field }) => field.name.toLowerCase().includes(words) || field.description?.toLowerCase().includes(words));
    const lines = [...named.slice(0, 30).map((type) => this.typeLine(type)), ...fields.slice(0, 60).map((hit) => this.fieldHit(hit))];
    return lines.length ? lines : [make("p", "", "Nothing of that name.")];
  }

  fieldHit({ type, field }) {
    const entry = make("div", "entry");
    entry.append(link(`${type.name}.${field.name}`, () => this.open(type.name), "link field"));
    if (field.description) entry.append(make("p", "", firstSentence(field.description)));
    return entry;
  }

  page(type) {
    const head = make("h3", "", `${type.name} `);
    head.append(make("span", "kind", KINDS[type.kind]));
    const nodes = [head];
    if (type.description) nodes.push(make("p", "", type.description));
    nodes.push(...this.linked("implements", type.interfaces), ...this.linked("one of", type.possibleTypes));
    return [...nodes, ...parts(type).map((field) => this.entry(field))];
  }

  linked(words, types) {
    if (!types?.length) return [];
    const line = make("div", "entry");
    line.append(`${words} `, ...types.flatMap((type, at) => [at ? ", " : "", link(type.name, () => this.open(type.name))]));
    return [line];
  }

  entry(field) {
    const entry = make("div", "entry");
    entry.append(make("span", `t-field${field.isDeprecated ? " gone" : ""}`, field.name));
    if (field.args?.length) {
      const list = make("span", "arguments");
      field.args.forEach((argument) => list.append(this.typed(argument), document.createElement("br")));
      entry.append("(", list, ")");
    }
    if (field.type) entry.append(": ", this.reference(field.type), byDefault(field));
    const words = field.isDeprecated ? `Deprecated: ${field.deprecationReason}` : field.description;
    if (words) entry.append(make("p", "", words));
    return entry;
  }

  typed(argument) {
    const line = make("span", "");
    line.title = argument.description ?? "";
    line.append(make("span", "t-key", argument.name), ": ", this.reference(argument.type), byDefault(argument));
    return line;
  }

  reference(type) {
    const node = document.createElement("span");
    if (type.kind === "NON_NULL") node.append(this.reference(type.ofType), "!");
    else if (type.kind === "LIST") node.append("[", this.reference(type.ofType), "]");
    else node.append(link(type.name, () => this.open(type.name)));
    return node;
  }
}

function parts(type) { return type.fields ?? type.inputFields ?? type.enumValues ?? []; }

function byDefault(field) { return field.defaultValue ? ` = ${field.defaultValue}` : ""; }

function firstSentence(text) { return /^[^]*?[.。](?=\s|$)/.exec(text)?.[0] ?? text; }

function make(tag, name, text = "") {
  const node = document.createElement(tag);
  node.className = name;
  node.textContent = text;
  return node;
}

function link(text, onclick, name = "link") {
  const node = make("button", name, text);
  node.addEventListener("click", onclick);
  return node;
}
