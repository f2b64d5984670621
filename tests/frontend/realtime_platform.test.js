import './support/dom.js';

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { act, waitFor } from '@testing-library/react';

import { useRealtime, useUser, useUsers } from './app/platform/hooks.js';
import { RealtimeClient } from './app/platform/realtimeClient.js';
import { TIMESTAMP, assertErrorBody } from './support/assertions.js';
import { loggedIn, platformClient } from './support/clients.js';
import { person, unique } from './support/data.js';
import { admin, chatOrigin, platformOrigin } from './support/environment.js';
import { hooks } from './support/hooks.js';
import { connect, record, refusal, upgraded } from './support/sockets.js';
import { once } from './support/waiting.js';

const john = await loggedIn();
const { api } = platformClient();

const asAdmin = { auth: { token: john.auth.getToken() } };
const about = (id) => (payload) => payload.userId === id;

describe('connecting to the platform', () => {
  test('over a WebSocket alone', async (t) => {
    const socket = await connect(t, platformOrigin, { ...asAdmin, transports: ['websocket'] });
    assert.equal(socket.io.engine.transport.name, 'websocket');
  });

  test('by the address with ws:, as the document writes it', async (t) => {
    const address = platformOrigin.replace('http:', 'ws:');
    const socket = await connect(t, address, { ...asAdmin, transports: ['websocket'] });
    assert.equal(socket.connected, true);
  });

  test('by polling, then upgraded, and events still come', async (t) => {
    const socket = await connect(t, platformOrigin, asAdmin);
    const heard = record(socket);
    assert.equal(await upgraded(socket), 'websocket');

    const { id } = await api.post('/users', person());
    await heard.until('user:created', about(id));
  });

  test('by polling alone', async (t) => {
    const heard = record(await connect(t, platformOrigin, { ...asAdmin, transports: ['polling'] }));
    const { id } = await api.post('/users', person());
    await heard.until('user:created', about(id));
  });

  for (const [port, origin] of [['platform', platformOrigin], ['chat', chatOrigin]]) {
    test(`on the ${port}'s port`, async (t) => {
      const heard = record(await connect(t, origin, asAdmin));
      const { id } = await api.post('/users', person());
      await heard.until('user:created', about(id));
    });
  }

  for (const transport of ['websocket', 'polling']) {
    test(`with a bad token is refused over ${transport}, and told why`, async (t) => {
      const options = { auth: { token: 'no.good.token' }, transports: [transport] };
      const error = await refusal(t, platformOrigin, options);
      assert.equal(error.message, 'Unauthorized');
      assertErrorBody(error.data, 'AUTHENTICATION_ERROR');
    });
  }

  test('with a token that was logged out is refused', async (t) => {
    const { auth } = await loggedIn();
    const token = auth.getToken();
    await auth.logout();
    assert.equal((await refusal(t, platformOrigin, { auth: { token } })).message, 'Unauthorized');
  });

  test('ends with the login it belongs to', async (t) => {
    const { auth } = await loggedIn();
    const socket = await connect(t, platformOrigin, { auth: { token: auth.getToken() }, transports: ['websocket'] });
    const ended = once(socket, 'disconnect');
    await auth.logout();
    assert.equal((await ended)[0], 'io server disconnect');
  });

  test('with a token that is null, as a front end nobody is logged in to sends it, is let in', async (t) => {
    const heard = record(await connect(t, platformOrigin, { auth: { token: null }, transports: ['websocket'] }));
    const { id } = await api.post('/users', person());
    await heard.until('user:created', about(id));
  });

  test('and sending what nobody knows is answered with an error, and the connection lives on', async (t) => {
    const socket = await connect(t, platformOrigin, asAdmin);
    const answer = await socket.timeout(5000).emitWithAck('no:such:event', { any: 'thing' });
    assert.equal(typeof answer.message, 'string');
    assert.equal(typeof answer.code, 'string');
    const heard = record(socket);
    const { id } = await api.post('/users', person());
    await heard.until('user:created', about(id));
  });
});

describe('events of the platform', () => {
  test('tell everyone of every change, in order, with what a GET shows', async (t) => {
    const heard = record(await connect(t, platformOrigin, { transports: ['websocket'] }));
    const made = await api.post('/users', person());
    const changed = await api.put(`/users/${made.id}`, { name: unique('changed') });
    await api.delete(`/users/${made.id}`);
    await heard.until('user:deleted', about(made.id));

    const mine = heard.heard.filter(({ payload }) => payload.userId === made.id);
    assert.deepEqual(mine, [
      { event: 'user:created', payload: { userId: made.id, user: made } },
      { event: 'user:updated', payload: { userId: made.id, user: changed } },
      { event: 'user:deleted', payload: { userId: made.id } },
    ]);
  });

  test('come after the change can be read, never before', async (t) => {
    const socket = await connect(t, platformOrigin, { transports: ['websocket'] });
    const { id } = await api.post('/users', person());
    const names = Array.from({ length: 10 }, (_, number) => `Name ${number}`);
    const reads = [];
    const done = new Promise((resolve) => {
      socket.on('user:updated', ({ userId, user }) => {
        if (userId !== id) return;
        reads.push(api.get(`/users/${id}`).then((read) => [user.name, read.name]));
        if (user.name === names.at(-1)) resolve();
      });
    });
    for (const name of names) await api.put(`/users/${id}`, { name });
    await done;
    for (const [announced, read] of await Promise.all(reads)) {
      assert.ok(names.indexOf(read) >= names.indexOf(announced), `${announced} was announced, ${read} was read`);
    }
    assert.equal(reads.length, names.length);
  });

  test('of a change that is refused are none', async (t) => {
    const heard = record(await connect(t, platformOrigin, asAdmin));
    const user = await api.post('/users', person());
    await assert.rejects(api.put(`/users/${user.id}`, { email: 'not an address' }), { statusCode: 400 });
    await assert.rejects(api.put(`/users/${user.id}`, { email: admin.email }), { statusCode: 409 });
    await api.delete(`/users/${user.id}`);
    await heard.until('user:deleted', about(user.id));
    assert.ok(!heard.named('user:updated').some(about(user.id)));
  });
});

describe('notifications', () => {
  const naming = (name) => (notification) => `${notification.title} ${notification.message}`.includes(name);

  test('of a new user go to administrators, and not to the others', async (t) => {
    const password = unique('secret');
    const member = await api.post('/users', person(undefined, { password }));
    const memberFront = await loggedIn({ email: member.email, password });
    const [toAdmin, toMember, toAnyone] = [
      record(await connect(t, platformOrigin, asAdmin)),
      record(await connect(t, platformOrigin, { auth: { token: memberFront.auth.getToken() } })),
      record(await connect(t, platformOrigin)),
    ];

    const made = await api.post('/users', person());
    const notification = await toAdmin.until('notification:new', naming(made.name));
    assert.deepEqual(Object.keys(notification).sort(), ['createdAt', 'id', 'message', 'read', 'title', 'type']);
    assert.equal(notification.read, false);
    assert.match(notification.createdAt, TIMESTAMP);

    // A later event that all of them get shows that nothing is still under way.
    const last = await api.post('/users', person());
    for (const heard of [toMember, toAnyone]) {
      await heard.until('user:created', about(last.id));
      assert.ok(!heard.named('notification:new').some(naming(made.name)));
    }
  });

  test('of a new role go to the user who has it now', async (t) => {
    const password = unique('secret');
    const { id, name, email } = await api.post('/users', person(undefined, { password }));
    const { auth } = await loggedIn({ email, password });
    const heard = record(await connect(t, platformOrigin, { auth: { token: auth.getToken() } }));
    await api.put(`/users/${id}`, { role: 'admin' });
    assert.equal((await heard.until('notification:new', naming(name))).read, false);
  });
});

describe('the query cache', () => {
  test('follows changes that others make', async (t) => {
    const word = unique('watched');
    const user = await api.post('/users', person(`${word} before`));
    const realtime = new RealtimeClient({ url: platformOrigin, auth: john.auth });
    t.after(() => realtime.disconnect());
    const { render, queryClient } = hooks(t, api);
    const { result } = render(() => {
      useRealtime(realtime);
      return { one: useUser(user.id), list: useUsers({ search: word }) };
    });
    await waitFor(() => assert.ok(result.current.one.data && result.current.list.data));
    if (!realtime.socket.connected) await once(realtime.socket, 'connect');

    await act(() => api.put(`/users/${user.id}`, { name: `${word} after` }));
    await waitFor(() => {
      assert.equal(result.current.one.data.name, `${word} after`);
      assert.equal(result.current.list.data.users[0].name, `${word} after`);
    });

    const newcomer = await api.post('/users', person());
    await waitFor(() => {
      const notifications = queryClient.getQueryData(['notifications']) ?? [];
      assert.ok(notifications.some(({ message, title }) => `${title} ${message}`.includes(newcomer.name)));
    });
  });
});
