// What needs a statement: for each type and field its key, and how many keys are loaded at once.
'use strict';
const { rows, grouped, single } = require('./database.js');

const STATUS = [null, 'PLACED', 'PAID', 'DELIVERED', 'CANCELLED', 'REFUNDED'];
const CHANNEL = [null, 'APP', 'MINI_PROGRAM', 'STORE', 'WHOLESALE', 'COMMUNITY_GROUP', 'OTHER'];
const CUSTOMER = ['customer_id', 'registered_at', 'kind', 'name', 'phone', 'email', 'data_key', 'city',
  'registration_channel', 'community_id'];
const AMOUNTS = ['spend_7d', 'spend_30d', 'spend_90d', 'spend_180d', 'spend_365d', 'spend_all_time',
  'biggest_order_90d', 'line_spend_90d', 'high_margin_spend_90d'];
const COUNTS = ['orders_7d', 'orders_30d', 'orders_90d', 'orders_180d', 'orders_365d', 'orders_all_time',
  'online_orders_90d', 'refunded_orders_90d', 'referrals', 'first_order_at', 'last_order_at'];

const columns = (table, names) => names.map((name) => `${table}.${name}`).join(', ');
const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
const factNames = [...COUNTS, ...AMOUNTS].map((name) => [name, camel(name)]);
const isAmount = new Set(AMOUNTS);
let currencyCode = null;

const amount = (cents) => (cents / 100).toFixed(2);
const money = (cents) => ({ amount: amount(cents), currencyCode });
const tier = (row, prefix) => (row[`${prefix}code`] === null ? null : {
  code: row[`${prefix}code`],
  name: row[`${prefix}name`],
  rank: row[`${prefix}rank`],
  threshold: row[`${prefix}threshold`],
});

// Before the first request: the shop's currency does not change.
async function start() {
  [{ currency_code: currencyCode }] = await rows('shop', 'SELECT currency_code FROM shop', []);
}

const customerIdOf = (globalId) => Number(globalId.slice('cus_'.length));

async function loadCustomer(globalId) {
  const found = await rows('customer',
    `SELECT ${columns('c', CUSTOMER)} FROM customers c WHERE c.customer_id = $1`, [customerIdOf(globalId)]);
  return found[0] ?? null;
}

// Newest first.
async function loadCustomers(globalIds, first) {
  return rows('customers',
    `SELECT ${columns('c', CUSTOMER)} FROM customers c WHERE c.customer_id = ANY($1::bigint[])
     ORDER BY c.registered_at DESC, c.customer_id DESC LIMIT $2`, [globalIds.map(customerIdOf), first]);
}

async function loadFacts(keys) {
  const found = await rows('facts',
    `SELECT f.customer_id, s.live_as_of, ${columns('f', [...COUNTS, ...AMOUNTS])}
     FROM customer_facts f CROSS JOIN shop s WHERE f.customer_id = ANY($1::bigint[])`, [keys]);
  for (const row of found) {
    row.asOf = row.live_as_of;
    for (const [column, field] of factNames) row[field] = isAmount.has(column) ? amount(row[column]) : row[column];
  }
  return single(keys, found, 'customer_id');
}

async function loadTiers(keys) {
  const found = await rows('tiers',
    `SELECT s.customer_id, s.since, s.reason, p.code AS policy_code, p.name AS policy_name,
            t.code, t.name, t.rank, t.threshold
     FROM tier_standings s JOIN tier_policies p ON p.policy_id = s.policy_id
     LEFT JOIN tiers t ON t.version_id = s.version_id AND t.rank = s.rank
     WHERE s.customer_id = ANY($1::bigint[]) ORDER BY s.customer_id, s.policy_id`, [keys]);
  for (const row of found) {
    row.policy = { code: row.policy_code, name: row.policy_name };
    row.tier = tier(row, '');
  }
  return grouped(keys, found, 'customer_id');
}

async function loadTransitions(keys) {
  const found = await rows('transitions',
    `SELECT k.position, r.kind, r.reason, r.score, r.decided_at AS "decidedAt",
            a.code AS from_code, a.name AS from_name, a.rank AS from_rank, a.threshold AS from_threshold,
            b.code AS to_code, b.name AS to_name, b.rank AS to_rank, b.threshold AS to_threshold
     FROM unnest($1::bigint[], $2::int[]) WITH ORDINALITY AS k (customer_id, first, position)
     CROSS JOIN LATERAL (SELECT * FROM tier_transitions WHERE customer_id = k.customer_id
                         ORDER BY transition_id DESC LIMIT k.first) r
     LEFT JOIN tiers a ON a.version_id = r.version_id AND a.rank = r.from_rank
     LEFT JOIN tiers b ON b.version_id = r.version_id AND b.rank = r.to_rank
     ORDER BY k.position, r.transition_id DESC`, page(keys));
  for (const row of found) {
    row.from = tier(row, 'from_');
    row.to = tier(row, 'to_');
  }
  return grouped(positions(keys), found, 'position').map((nodes) => ({ nodes }));
}

async function loadLabels(keys) {
  const found = await rows('labels',
    `SELECT s.customer_id, d.code, d.words_zh, d.family, coalesce(
              (SELECT max(c.changed_at) FROM label_changes c
               WHERE c.customer_id = s.customer_id AND c.label_id = d.label_id AND c.entered), s.loaded_at) AS "enteredAt"
     FROM customer_standings s JOIN label_definitions d ON get_bit(s.label_bits, d.label_id) = 1
     WHERE s.customer_id = ANY($1::bigint[]) ORDER BY s.customer_id, d.family, d.label_id`, [keys]);
  for (const row of found) row.definition = { code: row.code, words: row.words_zh, family: row.family };
  return grouped(keys, found, 'customer_id');
}

// One row more than asked for says whether there is another page.
async function loadOrders(keys) {
  const found = await rows('orders',
    `SELECT k.position, o.* FROM unnest($1::bigint[], $2::int[]) WITH ORDINALITY AS k (customer_id, first, position)
     CROSS JOIN LATERAL (SELECT customer_id, order_id, placed_at, status, channel, net_cents FROM orders
                         WHERE customer_id = k.customer_id
                         ORDER BY placed_at DESC, order_id DESC LIMIT k.first + 1) o
     ORDER BY k.position, o.placed_at DESC, o.order_id DESC`, page(keys));
  for (const row of found) {
    row.id = `ord_${row.order_id}`;
    row.placedAt = row.placed_at;
    row.status = STATUS[row.status];
    row.channel = CHANNEL[row.channel];
    row.netAmount = money(row.net_cents);
  }
  return grouped(positions(keys), found, 'position').map((nodes, at) => {
    const hasNextPage = nodes.length > keys[at].first;
    if (hasNextPage) nodes.pop();
    return { nodes, pageInfo: { hasNextPage } };
  });
}

// An order has few lines: all of them are read, and cut here.
async function loadLines(keys) {
  const found = await rows('lines',
    `SELECT l.order_id, l.line_no AS "lineNo", l.quantity, l.net_cents, p.product_id, p.name
     FROM unnest($1::bigint[], $2::bigint[]) AS k (customer_id, order_id)
     JOIN order_lines l ON l.customer_id = k.customer_id AND l.order_id = k.order_id
     JOIN products p ON p.product_id = l.product_id ORDER BY l.order_id, l.line_no`,
    [keys.map((key) => key.customer), keys.map((key) => key.order)]);
  for (const row of found) {
    row.product = { id: `prd_${row.product_id}`, name: row.name };
    row.netAmount = money(row.net_cents);
  }
  return grouped(keys.map((key) => key.order), found, 'order_id')
    .map((lines, at) => ({ nodes: lines.slice(0, keys[at].first) }));
}

// With the leader's own row, which a client may ask anything of.
async function loadCommunities(keys) {
  const found = await rows('communities',
    `SELECT m.community_id, m.name AS community_name, m.city AS community_city, ${columns('c', CUSTOMER)}, m.community_id AS id
     FROM communities m LEFT JOIN customers c ON c.customer_id = m.leader_customer_id
     WHERE m.community_id = ANY($1::bigint[])`, [keys]);
  const communities = found.map((row) => ({
    id: row.id,
    name: row.community_name,
    city: row.community_city,
    leader: row.customer_id === null ? null : row,
  }));
  return single(keys, communities, 'id');
}

async function loadReferrers(keys) {
  const found = await rows('referrers',
    `SELECT r.customer_id AS referred_id, ${columns('c', CUSTOMER)}
     FROM referrals r JOIN customers c ON c.customer_id = r.referrer_id
     WHERE r.customer_id = ANY($1::bigint[])`, [keys]);
  return single(keys, found, 'referred_id');
}

const page = (keys) => [keys.map((key) => key.customer), keys.map((key) => key.first)];
const positions = (keys) => keys.map((_, at) => at + 1);
const byCustomer = (customer) => customer.customer_id;
const byCustomerAndFirst = (customer, { first }) => ({ customer: customer.customer_id, first });

const fields = {
  Customer: {
    facts: { key: byCustomer, load: loadFacts },
    tiers: { key: byCustomer, load: loadTiers },
    tierTransitions: { key: byCustomerAndFirst, load: loadTransitions },
    labels: { key: byCustomer, load: loadLabels },
    orders: { key: byCustomerAndFirst, load: loadOrders },
    community: { key: (customer) => customer.community_id, load: loadCommunities },
    referredBy: { key: byCustomer, load: loadReferrers },
  },
  Order: {
    lines: {
      key: (order, { first }) => ({ customer: order.customer_id, order: order.order_id, first }),
      load: loadLines,
    },
  },
};

module.exports = { start, loadCustomer, loadCustomers, fields };
