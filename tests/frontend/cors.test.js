import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import axios from 'axios';

import { assertErrorBody } from './support/assertions.js';
import { openPage } from './support/browser.js';
import { loggedIn, platformClient } from './support/clients.js';
import { person, unique } from './support/data.js';
import {
  admin,
  apiKey,
  chatOrigin,
  chatUrl,
  moodyChatUrl,
  platformOrigin,
  platformUrl,
  withoutMoody,
} from './support/environment.js';
import { connect, record, refusal, upgraded } from './support/sockets.js';

const DEVELOPMENT_SERVERS = [
  'http://localhost:3000', // Create React App, Next
  'http://localhost:5173', // Vite
  'http://127.0.0.1:8080',
  'http://[::1]:4200',
  'http://shop.localhost:5173',
];
const FOREIGN = 'http://evil.example';

const { api } = platformClient();
const john = await loggedIn();

const chatHeaders = () => ({
  'x-api-key': apiKey,
  'x-user-id': unique('page'),
  'Unique-Reference-Code': unique('urc'),
});

/** Axios in a page, any status let through: CORS decides whether there is an answer at all. */
function pageHttp(page, baseURL, config) {
  return page.axios.create({ baseURL, validateStatus: () => true, ...config });
}

for (const origin of DEVELOPMENT_SERVERS) {
  describe(`a page from ${origin}`, () => {
    test('logs in and works with users, every call but the first GET after a preflight', async (t) => {
      const http = pageHttp(openPage(t, origin), platformUrl);
      assert.equal((await http.get('/users')).status, 200);
      const { data: login } = await http.post('/auth/login', admin);
      http.defaults.headers.common.Authorization = `Bearer ${login.token}`;

      const made = await http.post('/users', person());
      assert.equal(made.status, 201);
      assert.equal((await http.put(`/users/${made.data.id}`, { name: 'Changed' })).data.name, 'Changed');
      assert.equal((await http.delete(`/users/${made.data.id}`)).status, 204);
      assert.equal((await http.post('/auth/logout')).status, 204);
    });

    test('works with chats, whose headers all need a preflight', async (t) => {
      const http = pageHttp(openPage(t, origin), chatUrl, { headers: chatHeaders() });
      const made = await http.post('/chats', { title: 'From a page' });
      assert.equal(made.status, 201);
      const path = `/chats/${made.data.data._id}`;
      assert.equal((await http.patch(`${path}/favorite`)).data.data.isFavorite, true);
      assert.equal((await http.post(`${path}/smart-chat`, { message: 'Hello' })).status, 201);
      assert.equal((await http.get(`${path}/messages`)).data.pagination.total, 2);
      assert.equal((await http.delete(path)).status, 204);
    });
  });
}

describe('a page of a development server', () => {
  const [origin] = DEVELOPMENT_SERVERS;

  test('reads the headers that its scripts need', async (t) => {
    const http = pageHttp(openPage(t, origin), platformUrl);
    const { headers } = await http.get('/users/1');
    for (const name of ['x-request-id', 'etag', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset']) {
      assert.ok(headers[name], `${name} must be readable`);
    }

    const keyed = { headers: { 'Idempotency-Key': unique('key') } };
    const wanted = person();
    assert.ok((await http.post('/users', wanted, keyed)).headers.location);
    assert.equal((await http.post('/users', wanted, keyed)).headers['idempotency-replayed'], 'true');
  });

  test('may send every header of the contract', async (t) => {
    const http = pageHttp(openPage(t, origin), platformUrl);
    const { headers: { etag } } = await http.get('/users/1');
    const sent = { Authorization: `Bearer ${john.auth.getToken()}`, 'X-Attempt': '1', ...chatHeaders() };
    assert.equal((await http.get('/users/1', { headers: { ...sent, 'If-None-Match': etag } })).status, 304);
    const mismatch = { headers: { ...sent, 'If-Match': '"another"' } };
    assert.equal((await http.put('/users/1', { name: 'Nobody' }, mismatch)).status, 412);
  });

  test('may send headers that its libraries add: tracing, CSRF tokens', async (t) => {
    const http = pageHttp(openPage(t, origin), platformUrl);
    const headers = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      baggage: 'session=1',
      'X-CSRF-Token': 'token',
    };
    assert.equal((await http.get('/users/1', { headers })).status, 200);
    assert.equal((await http.post('/users', person(), { headers })).status, 201);
  });

  test('sends credentials, and is answered by name', async (t) => {
    const http = pageHttp(openPage(t, origin), platformUrl, { withCredentials: true });
    assert.equal((await http.get('/users/1')).status, 200);
    assert.equal((await http.post('/users', person())).status, 201);

    const { headers } = await axios.get(`${platformUrl}/users/1`, { headers: { Origin: origin } });
    assert.equal(headers['access-control-allow-origin'], origin);
    assert.equal(headers['access-control-allow-credentials'], 'true');
    assert.match(headers.vary, /\bOrigin\b/i, 'a cache must not give one page the answer made for another');
  });

  test('reads what went wrong, whatever it was', async (t) => {
    const page = openPage(t, origin);
    const http = pageHttp(page, platformUrl);
    const text = { headers: { 'Content-Type': 'text/plain' } };
    const bad = { headers: { Authorization: 'Bearer no.good.token' } };
    for (const [status, call] of [
      [400, () => http.post('/users', {})],
      [400, () => http.post('/users', '{', { headers: { 'Content-Type': 'application/json' } })],
      [401, () => http.get('/users', bad)],
      [404, () => http.get('/users/none')],
      [404, () => http.get('/no/such/path')],
      [404, () => http.get(`${platformOrigin}/nowhere`)],
      [405, () => http.put('/users', {})],
      [413, () => http.post('/users', { name: 'x'.repeat(1024 * 1024) })],
      [415, () => http.post('/users', 'name=x', text)],
      [503, () => http.get('/error', { params: { status: 503 } })],
      [401, () => http.get(`${chatUrl}/chats`, { headers: { ...chatHeaders(), 'x-api-key': 'wrong' } })],
    ]) {
      const answer = await call().catch((error) => assert.fail(`${status}: ${error.message} ${page.complaints}`));
      assert.equal(answer.status, status);
      assertErrorBody(answer.data, answer.data.code);
      assert.equal(answer.headers['x-request-id'], answer.data.metadata.requestId);
    }
  });

  test('reads how long to wait after too many requests', { skip: withoutMoody }, async (t) => {
    const http = pageHttp(openPage(t, origin), moodyChatUrl, { headers: chatHeaders() });
    const { headers } = await http.get('/chats');
    await Promise.all(Array.from({ length: headers['ratelimit-remaining'] }, () => http.get('/chats')));
    const refused = await http.get('/chats');
    assert.equal(refused.status, 429);
    assert.match(refused.headers['retry-after'], /^[1-9]\d*$/);
    assert.equal(refused.headers['ratelimit-remaining'], '0');
  });

  test('is told by a preflight which methods there are', async () => {
    const headers = { Origin: origin, 'Access-Control-Request-Method': 'PATCH' };
    for (const url of [`${platformUrl}/users/1`, `${chatUrl}/chats/any/favorite`]) {
      const { status, headers: answer } = await axios.options(url, { headers });
      assert.ok(status === 200 || status === 204);
      const methods = answer['access-control-allow-methods'].split(/,\s*/);
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) assert.ok(methods.includes(method), method);
    }
  });

  for (const transport of ['polling', 'websocket']) {
    test(`hears events over ${transport}, on both ports`, async (t) => {
      const page = openPage(t, origin);
      for (const url of [platformOrigin, chatOrigin]) {
        const heard = record(await connect(t, url, { io: page.io, transports: [transport], withCredentials: true }));
        const { id } = await api.post('/users', person());
        await heard.until('user:created', ({ userId }) => userId === id);
      }
    });
  }

  test('upgrades from polling to a WebSocket', async (t) => {
    const socket = await connect(t, platformOrigin, { io: openPage(t, origin).io });
    assert.equal(await upgraded(socket), 'websocket');
  });
});

describe('a foreign page', () => {
  test('reads nothing, and may not even ask with a preflight', async (t) => {
    const page = openPage(t, FOREIGN);
    for (const call of [
      () => page.axios.get(`${platformUrl}/users`),
      () => page.axios.post(`${platformUrl}/users`, person()),
      () => page.axios.get(`${chatUrl}/chats`, { headers: chatHeaders() }),
      () => page.axios.get(`${chatUrl}/health`),
      () => page.axios.get(`${platformOrigin}/nowhere`),
    ]) {
      page.complaints.length = 0;
      await assert.rejects(call(), { message: 'Network Error' });
      assert.match(page.complaints.join(), /Cross origin|forbidden|preflight/i);
    }
  });

  test('changes nothing by a request that needs no preflight', async (t) => {
    const page = openPage(t, FOREIGN);
    const wanted = person();
    const simple = { headers: { 'Content-Type': 'text/plain' } };
    await assert.rejects(page.axios.post(`${platformUrl}/users`, JSON.stringify(wanted), simple));
    assert.equal((await api.get('/users', { params: { search: wanted.email } })).total, 0);
  });

  test('is granted nothing, nor is one without an origin', async () => {
    for (const origin of [FOREIGN, 'null', 'http://localhost.evil.example', 'http://localhost:3000.evil.example']) {
      const { headers } = await axios.get(`${platformUrl}/users`, {
        headers: { Origin: origin },
        validateStatus: () => true,
      });
      assert.equal(headers['access-control-allow-origin'], undefined, origin);
    }
  });

  for (const transport of ['polling', 'websocket']) {
    test(`hears nothing over ${transport}`, async (t) => {
      const { io } = openPage(t, FOREIGN);
      for (const url of [platformOrigin, chatOrigin]) await refusal(t, url, { io, transports: [transport] });
    });
  }
});
