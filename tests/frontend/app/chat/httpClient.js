import axios from 'axios';
import { setTimeout as delay } from 'node:timers/promises';

import { toAPIError } from './errors.js';

export const referenceCode = () => `urc-${Date.now()}-${Math.random().toString(36).slice(2, 11)}`;

/** The one place where the chat service is called: adds its three headers, tries again where that helps. */
export class HTTPClient {
  #retries;
  #retryDelay;

  constructor({ baseURL, apiKey, userId, retries = 3, retryDelay = 1000 }) {
    this.#retries = retries;
    this.#retryDelay = retryDelay;
    this.axios = axios.create({
      baseURL,
      timeout: 15_000,
      headers: { 'Content-Type': 'application/json', 'x-api-key': apiKey },
    });
    this.axios.interceptors.request.use((config) => {
      config.headers['Unique-Reference-Code'] ??= referenceCode(); // one code for one call, however often it is tried
      config.headers['x-user-id'] = userId;
      return config;
    });
    this.axios.interceptors.response.use(undefined, (error) => this.#again(error));
  }

  async #again(failure) {
    const error = toAPIError(failure);
    const { config } = failure;
    const tries = config._tries ?? 0;
    if (!error.isRetryable() || tries === this.#retries) throw error;
    await delay(this.#retryDelay * (tries + 1));
    return this.axios.request({ ...config, _tries: tries + 1 });
  }

  async get(url, config) {
    return (await this.axios.get(url, config)).data;
  }

  async post(url, data, config) {
    return (await this.axios.post(url, data, config)).data;
  }

  async patch(url, data, config) {
    return (await this.axios.patch(url, data, config)).data;
  }

  async delete(url, config) {
    return (await this.axios.delete(url, config)).data;
  }
}
