// PostGraphile over the same tables. Its schema follows from them (see postgraphile.sql), with the three
// personal fields added, opened and masked as everywhere.
'use strict';
const http = require('node:http');
const { postgraphile } = require('postgraphile');
const { makePgService } = require('postgraphile/adaptors/pg');
const { grafserv } = require('postgraphile/grafserv/node');
const { lambda, list } = require('postgraphile/grafast');
const { PostGraphileAmberPreset } = require('postgraphile/presets/amber');
const { extendSchema, gql } = require('postgraphile/utils');
const { masked } = require('./personal.js');

const PERSONAL = { maskedName: 'name', maskedPhone: 'phone', maskedEmail: 'email' };

function plan(column) {
  return ($customer) => {
    const $values = list([$customer.get('customer_id'), $customer.get('data_key'), $customer.get(column)]);
    return lambda($values, ([id, dataKey, sealed]) => masked(
      { customer_id: id, data_key: buffer(dataKey), [column]: buffer(sealed) }, column));
  };
}

const buffer = (value) => (typeof value === 'string' ? Buffer.from(value.replace('\\x', ''), 'hex') : value);

const personalFields = extendSchema(() => ({
  typeDefs: gql`extend type Customer { maskedName: String maskedPhone: String maskedEmail: String }`,
  objects: {
    Customer: {
      plans: Object.fromEntries(Object.entries(PERSONAL).map(([field, column]) => [field, plan(column)])),
    },
  },
}));

async function main() {
  const preset = {
    extends: [PostGraphileAmberPreset],
    plugins: [personalFields],
    pgServices: [makePgService({
      connectionString: process.env.DATABASE_URL,
      schemas: ['public'],
      poolConfig: { max: 8, idleTimeoutMillis: 0 },
    })],
    grafast: { explain: false },
    grafserv: { graphiql: false, watch: false, graphqlPath: '/graphql' },
  };
  const server = http.createServer();
  await postgraphile(preset).createServ(grafserv).addTo(server);
  server.listen(Number(process.env.PORT), '127.0.0.1');
}

main();
