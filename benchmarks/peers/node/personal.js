// Personal fields: AES-256-GCM under the customer's own key, which the key-encryption key wraps; shown masked.
// Sealed: 1 byte version, 12 bytes nonce, cipher, 16 bytes tag; the field's name is authenticated with it.
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');

const NONCE_END = 13;
const TAG_BYTES = 16;
const KNOWN_KEYS = 65_536;

const wrappingKey = crypto.createSecretKey(fs.readFileSync(process.env.KEY_FILE));
const contexts = new Map(['data_key', 'name', 'phone', 'email'].map((name) => [name, Buffer.from(name)]));
const dataKeys = new Map();

function decrypt(key, sealed, context) {
  const decipher = crypto.createDecipheriv('aes-256-gcm', key, sealed.subarray(1, NONCE_END));
  decipher.setAAD(contexts.get(context));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const plain = decipher.update(sealed.subarray(NONCE_END, sealed.length - TAG_BYTES));
  decipher.final(); // throws where the tag does not fit; GCM has nothing left to give
  return plain;
}

// Unwrapping costs as much as opening a value, so that unwrapped keys are kept, as our own server keeps them.
function dataKeyOf(customerId, wrapped) {
  let key = dataKeys.get(customerId);
  if (key === undefined) {
    if (dataKeys.size >= KNOWN_KEYS) dataKeys.delete(dataKeys.keys().next().value);
    key = crypto.createSecretKey(decrypt(wrappingKey, wrapped, 'data_key'));
    dataKeys.set(customerId, key);
  }
  return key;
}

const masks = {
  name: (name) => {
    const letters = [...name];
    return letters[0] + '*'.repeat(Math.min(letters.length - 1, 3));
  },
  phone: (phone) => {
    const national = phone.startsWith('+86') ? phone.slice(3) : phone;
    if (national.length === 11 && national[0] === '1') return `${national.slice(0, 3)}****${national.slice(-4)}`;
    return `****${phone.slice(-2)}`;
  },
  email: (email) => `${email[0]}***@${email.slice(email.indexOf('@') + 1)}`,
};

// The masked value of a field of a row of `customers`; null where there is none.
function masked(customer, field) {
  const sealed = customer[field];
  if (sealed === null || customer.data_key === null) return null;
  const key = dataKeyOf(customer.customer_id, customer.data_key);
  return masks[field](decrypt(key, sealed, field).toString());
}

module.exports = { masked };
