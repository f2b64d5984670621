// Renders each story as Storybook does: its loaders first, then the story with what they loaded.
import { expect, test } from 'vitest';

import preview from '../.storybook/preview.js';
import meta, * as stories from './Users.stories.js';

async function render(name) {
  const story = stories[name];
  const context = { id: `users--${name.toLowerCase()}`, parameters: { ...meta.parameters, ...story.parameters } };
  const loaded = Object.assign({}, ...(await Promise.all(preview.loaders.map((load) => load(context)))));
  return meta.render({}, { ...context, loaded });
}

async function fetchUsers(html) {
  const [, namespace, port] = /api-url="http:\/\/([a-z-]+)\.localhost:(\d+)\/api"/.exec(html);
  return fetch(`http://localhost:${port}/api/users`, { headers: { 'X-Mock-Namespace': namespace } });
}

test.each([
  ['Filled', 200, 2],
  ['Empty', 200, 0],
  ['Overloaded', 503, undefined],
])('%s', async (name, status, total) => {
  const response = await fetchUsers(await render(name));
  expect(response.status).toBe(status);
  expect((await response.json()).total).toBe(total);
});
