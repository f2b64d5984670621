import { readFileSync } from 'node:fs';

import { JSDOM, VirtualConsole } from 'jsdom';

const bundle = (path) => readFileSync(new URL(`../node_modules/${path}`, import.meta.url), 'utf8');

// What a page loads by <script>: the builds for browsers, on the browser's own XMLHttpRequest and WebSocket.
const SCRIPTS = [bundle('axios/dist/axios.min.js'), bundle('socket.io-client/dist/socket.io.js')];

/** Open an empty page that came from `origin`. Its `axios` and `io` live under the CORS rules. */
export function openPage(t, origin) {
  const complaints = [];
  const virtualConsole = new VirtualConsole().on('jsdomError', (error) => complaints.push(error.message));
  const { window } = new JSDOM('', { url: origin, runScripts: 'outside-only', virtualConsole });
  for (const script of SCRIPTS) window.eval(script);
  t.after(() => window.close());
  return { axios: window.axios, io: window.io, complaints };
}
