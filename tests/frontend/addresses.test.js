import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { describe, test } from 'node:test';

import axios from 'axios';

import { chatClient } from './support/clients.js';
import { apiKey, chatOrigin, platformOrigin } from './support/environment.js';
import { connect } from './support/sockets.js';

const hasIPv6 = Object.values(networkInterfaces()).flat().some(({ address }) => address === '::1');

const PORTS = { platform: new URL(platformOrigin).port, chat: new URL(chatOrigin).port };
const PLATFORM = '/api/health';
const CHAT = '/chats-service/api/v1/health';

for (const host of ['localhost', '127.0.0.1', '[::1]']) {
  describe(`the server at ${host}`, { skip: host === '[::1]' && !hasIPv6 && 'this machine has no IPv6' }, () => {
    for (const [service, port] of Object.entries(PORTS)) {
      const origin = `http://${host}:${port}`;

      test(`serves both services on the ${service}'s port`, async () => {
        for (const path of [PLATFORM, CHAT]) {
          assert.equal((await axios.get(origin + path)).data.status, 'ok');
          assert.equal((await (await fetch(origin + path)).json()).status, 'ok');
        }
        const { data } = await axios.get(`${origin}/api/users/1`);
        assert.equal(data.id, '1');
      });

      test(`serves Socket.IO on the ${service}'s port`, async (t) => {
        await connect(t, origin, { auth: { apiKey, userId: 'somebody' }, transports: ['websocket'] });
        // Polling by hand: both Node's and jsdom's XMLHttpRequest trip over the brackets of an IPv6 address.
        const { data } = await axios.get(`${origin}/socket.io/?EIO=4&transport=polling`);
        assert.match(data, /^0\{"sid":/);
      });
    }
  });
}

test('both ports have one state', async () => {
  const { http, chats } = chatClient();
  const session = await chats.createSession({ title: 'Seen from both' });
  const other = http.axios.defaults.baseURL.replace(chatOrigin, platformOrigin);
  const elsewhere = await http.get(`${other}/chats/${session._id}`);
  assert.deepEqual(elsewhere.data, session);
});

test('a development server may pass requests on under its own name', async () => {
  // Vite's and webpack's proxies keep the page's Host unless told otherwise.
  const { status } = await axios.get(platformOrigin + PLATFORM, { headers: { Host: 'localhost:5173' } });
  assert.equal(status, 200);
});
