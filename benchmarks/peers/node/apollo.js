// Apollo Server. RESPONSE_CACHE=1: with its response cache, in memory.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { ApolloServer } = require('@apollo/server');
const { startStandaloneServer } = require('@apollo/server/standalone');
const { ApolloServerPluginCacheControl } = require('@apollo/server/plugin/cacheControl');
const responseCache = require('@apollo/server-plugin-response-cache');
const { start } = require('./fields.js');
const { resolvers, context } = require('./resolvers.js');

const CACHE_SECONDS = 300;
const plugins = process.env.RESPONSE_CACHE
  ? [responseCache.default(), ApolloServerPluginCacheControl({ defaultMaxAge: CACHE_SECONDS, calculateHttpHeaders: false })]
  : [];

async function main() {
  await start();
  const typeDefs = fs.readFileSync(path.join(__dirname, 'schema.graphql'), 'utf8');
  const server = new ApolloServer({ typeDefs, resolvers, plugins });
  await startStandaloneServer(server, {
    listen: { host: '127.0.0.1', port: Number(process.env.PORT) },
    context: async () => context(),
  });
}

main();
