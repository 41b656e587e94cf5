// GraphQL Yoga with the just-in-time compiler. RESPONSE_CACHE=1: with its response cache, in memory.
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { createSchema, createYoga } = require('graphql-yoga');
const { useGraphQlJit } = require('@envelop/graphql-jit');
const { useResponseCache } = require('@graphql-yoga/plugin-response-cache');
const { start } = require('./fields.js');
const { resolvers, context } = require('./resolvers.js');

const CACHE_MILLISECONDS = 300_000;

async function main() {
  await start();
  const typeDefs = fs.readFileSync(path.join(__dirname, 'schema.graphql'), 'utf8');
  const plugins = [useGraphQlJit()];
  if (process.env.RESPONSE_CACHE) plugins.push(useResponseCache({ session: () => null, ttl: CACHE_MILLISECONDS }));
  const schema = createSchema({ typeDefs, resolvers });
  const yoga = createYoga({ schema, context, plugins, logging: false, graphiql: false, landingPage: false });
  http.createServer(yoga).listen(Number(process.env.PORT), '127.0.0.1');
}

main();
