import axios from 'axios';

import { toApiException } from './errors.js';

/** The one place where the platform is called: adds the token, refreshes it once on 401, and translates errors. */
export class ApiClient {
  constructor({ baseURL, auth, timeout = 10_000, onLoggedOut = () => {} }) {
    this.axios = axios.create({ baseURL, timeout, headers: { 'Content-Type': 'application/json' } });

    this.axios.interceptors.request.use((config) => {
      const token = auth.getToken();
      if (token) config.headers.Authorization = `Bearer ${token}`;
      return config;
    });

    this.axios.interceptors.response.use(undefined, async (error) => {
      const request = error.config;
      if (error.response?.status !== 401 || request._retry || !auth.getRefreshToken()) throw toApiException(error);
      request._retry = true;
      try {
        await auth.refreshToken();
      } catch (refused) {
        await auth.logout();
        onLoggedOut();
        throw toApiException(refused);
      }
      return this.axios(request);
    });
  }

  async get(url, config) {
    return (await this.axios.get(url, config)).data;
  }

  async post(url, data, config) {
    return (await this.axios.post(url, data, config)).data;
  }

  async put(url, data, config) {
    return (await this.axios.put(url, data, config)).data;
  }

  async delete(url, config) {
    return (await this.axios.delete(url, config)).data;
  }
}
