import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { describe, test } from 'node:test';

import { unique } from './support/data.js';
import { platformOrigin } from './support/environment.js';
import { connect, record, refusal } from './support/sockets.js';

// Browsers resolve names below `localhost` to this machine themselves; Node asks the system, which may not.
const agent = new Agent({
  lookup: (host, options, callback) =>
    options.all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4),
});

/** The origin by which a namespace is reached. */
const originOf = (namespace) => {
  const url = new URL(platformOrigin);
  return `${url.protocol}//${namespace}.localhost:${url.port}`;
};

/** Call the control API for a namespace. */
async function control(namespace, path, body) {
  const response = await fetch(`${platformOrigin}/__admin${path}`, {
    method: 'POST',
    headers: { 'X-Mock-Namespace': namespace, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.ok(response.ok, `${response.status} ${path}`);
  return response.json();
}

const push = (namespace, title) =>
  control(namespace, '/channels/send', { event: 'notification:new', payload: { title } });

describe('a namespace of its own', () => {
  for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
    const ways = {
      'the handshake': (namespace) => [platformOrigin, { auth: { namespace }, transports }],
      'the host name': (namespace) => [originOf(namespace), { agent, transports }],
    };
    for (const [way, build] of Object.entries(ways)) {
      test(`by ${way}, over ${transports.join(' and ')}`, async (t) => {
        const [mine, other] = [unique('w'), unique('w')];
        const heard = record(await connect(t, ...build(mine)));
        const elsewhere = record(await connect(t, ...build(other)));
        await push(other, 'theirs');
        await push(mine, 'mine');
        await elsewhere.until('notification:new');
        await heard.until('notification:new');
        assert.deepEqual(heard.named('notification:new').map(({ title }) => title), ['mine']);
        assert.deepEqual(elsewhere.named('notification:new').map(({ title }) => title), ['theirs']);
      });
    }
  }

  test('by a header, where a client can send one', async (t) => {
    const mine = unique('w');
    const headers = { 'X-Mock-Namespace': mine };
    const heard = record(await connect(t, platformOrigin, { extraHeaders: headers }));
    await push(mine, 'mine');
    assert.equal((await heard.until('notification:new')).title, 'mine');
  });

  test('with a name that is none is refused', async (t) => {
    const error = await refusal(t, platformOrigin, { auth: { namespace: 'Not A Name' } });
    assert.equal(error.message, 'Invalid namespace');
    assert.equal(error.data.code, 'VALIDATION_ERROR');
  });
});

describe('the control API', () => {
  test('refuses a connection, and lets in the next', async (t) => {
    const auth = { namespace: unique('w') };
    await control(auth.namespace, '/message-mappings', { event: 'connect', action: 'refuse', times: 1 });
    assert.equal((await refusal(t, platformOrigin, { auth })).message, 'Connection refused');
    await connect(t, platformOrigin, { auth });
  });

  for (const transport of ['websocket', 'polling']) {
    test(`breaks a connection over ${transport}, and the client comes back by itself`, async (t) => {
      const auth = { namespace: unique('w') };
      const options = { auth, transports: [transport], reconnection: true, reconnectionDelay: 10 };
      const socket = await connect(t, platformOrigin, options);
      const reason = new Promise((resolve) => socket.once('disconnect', resolve));
      const again = new Promise((resolve) => socket.once('connect', resolve));
      const response = await fetch(`${platformOrigin}/__admin/channels?break=true`, {
        method: 'DELETE',
        headers: { 'X-Mock-Namespace': auth.namespace },
      });
      assert.equal(response.status, 200);
      assert.match(await reason, /^transport (close|error)$/);
      await again;
    });
  }

  test('disconnects a client, which then stays away', async (t) => {
    const auth = { namespace: unique('w') };
    const socket = await connect(t, platformOrigin, { auth, transports: ['websocket'] });
    const reason = new Promise((resolve) => socket.once('disconnect', resolve));
    const headers = { 'X-Mock-Namespace': auth.namespace };
    await fetch(`${platformOrigin}/__admin/channels/${socket.id}`, { method: 'DELETE', headers });
    assert.equal(await reason, 'io server disconnect');
  });
});
