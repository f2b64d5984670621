import { randomUUID } from 'node:crypto';

/** A word nobody else uses: test files run at the same time, against one server. */
export const unique = (word) => `${word}-${randomUUID().slice(0, 8)}`;

/** A user to be made. */
export function person(name = unique('person'), rest = {}) {
  return { name, email: `${unique('mail')}@example.com`, ...rest };
}

export class MemoryStorage {
  #items = new Map();

  getItem(key) {
    return this.#items.get(key) ?? null;
  }

  setItem(key, value) {
    this.#items.set(key, value);
  }

  removeItem(key) {
    this.#items.delete(key);
  }
}
