// Runs a Cypress specification with stand-ins: commands are queued as Cypress does, requests are real, pages are not.
import config from './cypress.config.js';

const commands = {};
const hooks = [];
const tests = [];
let queue = [];

globalThis.Cypress = {
  Commands: { add: (name, run) => (commands[name] = run) },
  env: (name) => process.env[`CYPRESS_${name}`] ?? config.env[name],
};
globalThis.beforeEach = (hook) => hooks.push(hook);
globalThis.it = (name, test) => tests.push({ name, test });

async function request({ method, url, body }) {
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  return { status: response.status, body: await response.json() };
}

const chain = { its: () => chain, should: () => chain };
globalThis.cy = new Proxy(
  {},
  {
    get: (_, name) => (...args) => {
      if (commands[name]) return commands[name](...args) ?? chain;
      if (name === 'request') queue.push(() => request(...args));
      else if (!['visit', 'get', 'contains'].includes(name)) throw new Error(`cy.${name} is not known here`);
      return chain;
    },
  },
);

await import('./cypress/support/e2e.js');
await import('./cypress/e2e/users.cy.js');
for (const { name, test } of tests) {
  queue = [];
  for (const step of [...hooks, test]) step();
  const results = [];
  for (const run of queue) results.push((await run()).status);
  console.log(JSON.stringify({ name, results }));
}
