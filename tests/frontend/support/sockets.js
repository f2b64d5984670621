import { io as nodeIo } from 'socket.io-client';

import { once } from './waiting.js';

/**
 * Open a Socket.IO connection that ends with test `t`; resolves once connected. Given the `io` of a page, it is the
 * page's connection, on the browser's own transports.
 */
export async function connect(t, url, { io = nodeIo, ...options } = {}) {
  const socket = attempt(t, io, url, options);
  await Promise.race([
    once(socket, 'connect'),
    once(socket, 'connect_error').then(([error]) => Promise.reject(error)),
  ]);
  return socket;
}

/** Open a connection that the server must refuse, and resolve with what it said. */
export async function refusal(t, url, { io = nodeIo, ...options } = {}) {
  const socket = attempt(t, io, url, options);
  const [error] = await Promise.race([
    once(socket, 'connect_error'),
    once(socket, 'connect').then(() => Promise.reject(new Error('the connection was let in'))),
  ]);
  return error;
}

/** Wait until a connection that began by polling has become a WebSocket. */
export async function upgraded({ io: { engine } }) {
  if (engine.transport.name === 'polling') await once(engine, 'upgrade');
  return engine.transport.name;
}

// Never reconnects by itself: a lost connection must be seen, not mended.
function attempt(t, io, url, options) {
  const socket = io(url, { forceNew: true, reconnection: false, ...options });
  t.after(() => socket.close());
  return socket;
}

/** Write down every event from now on, so that none is missed between a change and the waiting for its event. */
export function record(socket) {
  const heard = [];
  const waiting = new Set();
  socket.onAny((event, payload) => {
    heard.push({ event, payload });
    for (const look of waiting) look();
  });

  const find = (event, matches) => heard.find((one) => one.event === event && matches(one.payload));

  return {
    heard,
    named: (event) => heard.filter((one) => one.event === event).map((one) => one.payload),

    /** Resolve with the payload of the first `event`, past or to come, that matches. */
    until: (event, matches = () => true, ms = 5000) =>
      new Promise((resolve, reject) => {
        const names = () => heard.map((one) => one.event).join(', ') || 'nothing';
        const give = () => {
          waiting.delete(look);
          reject(new Error(`no matching ${event} within ${ms} ms; heard ${names()}`));
        };
        const timer = setTimeout(give, ms);
        const look = () => {
          const found = find(event, matches);
          if (!found) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(found.payload);
        };
        waiting.add(look);
        look();
      }),
  };
}
