/**
 * Make Node look like a page of a development server, before React, axios and React Query are loaded: importing this
 * file must come first. Axios then speaks through jsdom's XMLHttpRequest, under the CORS rules.
 */
import { JSDOM } from 'jsdom';

const { window } = new JSDOM('<!doctype html><body></body>', { url: 'http://localhost:3000/' });

for (const name of ['window', 'document', 'navigator', 'XMLHttpRequest', 'FormData', 'MutationObserver']) {
  Object.defineProperty(globalThis, name, { value: window[name], configurable: true, writable: true });
}
globalThis.IS_REACT_ACT_ENVIRONMENT = true;
