// Sends operations: one answer by POST, a subscription as GraphQL over SSE. Used by both query pages.

const ACCEPT_ONE = "application/graphql-response+json, application/json;q=0.9";

export function isSubscription(query, name) {
  const bare = query.replace(/#[^\n]*/g, "").replace(/"""[^]*?"""|"(?:\\.|[^"\\\n])*"/g, '""');
  const found = [...bare.matchAll(/(?:^|[}\s])(query|mutation|subscription)\b\s*([_A-Za-z]\w*)?[^{]*\{/g)];
  const meant = name ? found.find((match) => match[2] === name) : found[0];
  return meant?.[1] === "subscription";
}

export function operationNames(query) {
  const bare = query.replace(/#[^\n]*/g, "");
  return [...bare.matchAll(/(?:^|[}\s])(?:query|mutation|subscription)\s+([_A-Za-z]\w*)/g)].map((match) => match[1]);
}

function post(payload, headers, accept, signal) {
  return fetch("/graphql", {
    method: "POST",
    headers: { ...headers, "content-type": "application/json", accept },
    body: JSON.stringify(payload),
    signal,
  });
}

export async function ask(payload, headers, signal) {
  const response = await post(payload, headers, ACCEPT_ONE, signal);
  const text = await response.text();
  try {
    return { status: response.status, size: text.length, answer: JSON.parse(text) };
  } catch {
    throw new Error(`The server answered ${response.status} and no JSON.`);
  }
}

export async function* listen(payload, headers, signal) {
  const response = await post(payload, headers, "text/event-stream", signal);
  if (!(response.headers.get("content-type") ?? "").startsWith("text/event-stream")) {
    yield await response.json();
    return;
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const lines = block.split("\n");
      if (lines.includes("event: complete")) return;
      const body = lines.find((line) => line.startsWith("data: "));
      if (body) yield JSON.parse(body.slice(6));
    }
  }
}
