import { QueryClient } from '@tanstack/react-query';
import { cleanup, renderHook } from '@testing-library/react';
import { createElement } from 'react';

import { ApiProvider } from '../app/platform/hooks.js';

const quiet = { log() {}, warn() {}, error() {} }; // a failed query is what some tests are about

// Nothing is tried again, and what nobody looks at any more is forgotten at once: its timer would keep Node alive.
const defaultOptions = { queries: { retry: false }, mutations: { cacheTime: 0 } };

/** Run React hooks against the server until test `t` ends. */
export function hooks(t, api) {
  const queryClient = new QueryClient({ logger: quiet, defaultOptions });
  const wrapper = ({ children }) => createElement(ApiProvider, { api, queryClient }, children);
  t.after(() => {
    cleanup();
    queryClient.clear();
  });
  return { queryClient, render: (useIt, initialProps) => renderHook(useIt, { wrapper, initialProps }) };
}
