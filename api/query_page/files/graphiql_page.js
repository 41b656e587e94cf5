// Starts GraphiQL with a tab for each example; operations go through the same transport as on the plain page.

import { ask, isSubscription, listen } from "./transport.js";

const settings = JSON.parse(document.getElementById("settings").textContent);
const headers = Object.keys(settings.headers).length ? JSON.stringify(settings.headers, null, 2) : "";
const tabs = settings.examples.map((example) => ({
  query: example.query,
  variables: Object.keys(example.variables).length ? JSON.stringify(example.variables, null, 2) : "",
}));

// GraphiQL keeps its tabs in the browser; only where it has none it gets ours, and the first one filled in.
function firstTabs() {
  if (!tabs.length || localStorage.getItem("graphiql:tabState")) return {};
  return { defaultTabs: tabs, query: tabs[0].query, variables: tabs[0].variables };
}

async function fetcher(payload, options) {
  const sent = { ...settings.headers, ...options?.headers };
  if (isSubscription(payload.query, payload.operationName)) return listen(payload, sent);
  return (await ask(payload, sent)).answer;
}

const explorer = GraphiQLPluginExplorer.explorerPlugin({ showAttribution: false });
ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    plugins: [explorer],
    headers: headers || undefined,
    ...firstTabs(),
    inputValueDeprecation: true,
    shouldPersistHeaders: false,
  }, React.createElement(GraphiQL.Logo, null, "customer360")),
);
