// Splits GraphQL and JSON text into coloured spans; never puts text into the page as HTML.

const GRAPHQL = [
  ["comment", /#[^\n]*/y],
  ["string", /"""[^]*?(?:"""|$)|"(?:\\.|[^"\\\n])*"?/y],
  ["variable", /\$\w+/y],
  ["directive", /@\w+/y],
  ["number", /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y],
  ["keyword", /(?:query|mutation|subscription|fragment|on)\b/y],
  ["literal", /(?:true|false|null)\b/y],
  ["key", /[_A-Za-z]\w*(?=\s*:)/y],
  ["type", /[A-Z]\w*/y],
  ["field", /[_a-z]\w*/y],
  ["mark", /[{}()[\]:!=|&.,]+/y],
];
const JSON_TEXT = [
  ["key", /"(?:\\.|[^"\\\n])*"(?=\s*:)/y],
  ["string", /"(?:\\.|[^"\\\n])*"?/y],
  ["number", /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y],
  ["literal", /(?:true|false|null)\b/y],
  ["mark", /[{}[\]:,]+/y],
];

export function coloured(text, language) {
  const rules = language === "json" ? JSON_TEXT : GRAPHQL;
  const fragment = document.createDocumentFragment();
  let plain = "", at = 0;
  while (at < text.length) {
    const hit = firstHit(rules, text, at);
    if (!hit) { plain += text[at++]; continue; }
    if (plain) fragment.append(plain);
    plain = "";
    fragment.append(span(hit.kind, hit.text));
    at += hit.text.length;
  }
  fragment.append(plain + "\n");
  return fragment;
}

function firstHit(rules, text, at) {
  for (const [kind, rule] of rules) {
    rule.lastIndex = at;
    const match = rule.exec(text);
    if (match) return { kind, text: match[0] };
  }
  return null;
}

export function span(kind, text) {
  const node = document.createElement("span");
  node.className = `t-${kind}`;
  node.textContent = text;
  return node;
}
