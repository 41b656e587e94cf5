// Plain resolvers, and one DataLoader for each field that needs a statement.
'use strict';
const DataLoader = require('dataloader');
const { loadCustomer, loadCustomers, fields } = require('./fields.js');
const { masked } = require('./personal.js');

const resolvers = {
  Query: {
    customer: (_, { by }) => loadCustomer(by.id),
    customers: async (_, { first, where }) => ({ nodes: await loadCustomers(where.ids, first) }),
  },
  Customer: {
    id: (customer) => `cus_${customer.customer_id}`,
    registeredAt: (customer) => customer.registered_at,
    profile: (customer) => customer,
  },
  Profile: {
    name: (customer) => masked(customer, 'name'),
    phone: (customer) => masked(customer, 'phone'),
    email: (customer) => masked(customer, 'email'),
    address: (customer) => (customer.city === null ? null : customer),
    registrationChannel: (customer) => customer.registration_channel,
  },
  Order: {},
};
const batches = new Map();

for (const [type, named] of Object.entries(fields)) {
  for (const [field, { key, load }] of Object.entries(named)) {
    const name = `${type}.${field}`;
    batches.set(name, load);
    resolvers[type][field] = (parent, args, context) => context.load(name, key(parent, args));
  }
}

// Loaders of one request, made when first used. Keys hardly repeat within a request: nothing is kept.
function context() {
  const loaders = new Map();
  return {
    load(name, key) {
      if (key === null) return null;
      let loader = loaders.get(name);
      if (loader === undefined) {
        loader = new DataLoader(batches.get(name), { cache: false });
        loaders.set(name, loader);
      }
      return loader.load(key);
    },
  };
}

module.exports = { resolvers, context };
