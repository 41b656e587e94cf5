// One pool of prepared statements. Moments stay text: the wire format differs from RFC 3339 by two characters.
'use strict';
const pg = require('pg');

const BIGINT = 20;
const MOMENT = 1184;

pg.types.setTypeParser(BIGINT, Number);
pg.types.setTypeParser(MOMENT, (text) => `${text.replace(' ', 'T')}:00`);

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: 8,
  idleTimeoutMillis: 0,
  options: '-c timezone=UTC -c jit=off',
});

async function rows(name, text, values) {
  const result = await pool.query({ name, text, values });
  return result.rows;
}

// The rows of each key in a list, in the order of the keys.
function grouped(keys, found, column) {
  const byKey = new Map(keys.map((key) => [key, []]));
  for (const row of found) byKey.get(row[column]).push(row);
  return keys.map((key) => byKey.get(key));
}

// The one row of each key, or null.
function single(keys, found, column) {
  const byKey = new Map(found.map((row) => [row[column], row]));
  return keys.map((key) => byKey.get(key) ?? null);
}

module.exports = { rows, grouped, single };
