import axios from 'axios';

const ACCESS = 'token';
const REFRESH = 'refreshToken';

/** Logs in and out, and keeps the tokens in a `Storage` (the browser's `localStorage`, or anything like it). */
export class AuthService {
  #http;
  #storage;
  #refreshing = null;

  constructor({ baseURL, storage }) {
    // An instance of its own, without the interceptors: a refused login must not set off a refresh.
    this.#http = axios.create({ baseURL, timeout: 10_000, headers: { 'Content-Type': 'application/json' } });
    this.#storage = storage;
  }

  getToken() {
    return this.#storage.getItem(ACCESS);
  }

  setToken(token) {
    this.#storage.setItem(ACCESS, token);
  }

  getRefreshToken() {
    return this.#storage.getItem(REFRESH);
  }

  async login(email, password) {
    const { data } = await this.#http.post('/auth/login', { email, password });
    this.#keep(data);
    return data;
  }

  /** Spend the refresh token. Calls that come while one is under way share it: a token can be spent only once. */
  refreshToken() {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #refresh() {
    const { data } = await this.#http.post('/auth/refresh', { refreshToken: this.getRefreshToken() });
    this.#keep(data);
  }

  async getCurrentUser() {
    const { data } = await this.#http.get('/auth/me', { headers: this.#bearer() });
    return data;
  }

  /** Forget the tokens at once, then tell the server; that it no longer knows them is no news. */
  async logout() {
    const headers = this.#bearer();
    this.#storage.removeItem(ACCESS);
    this.#storage.removeItem(REFRESH);
    const { status } = await this.#http.post('/auth/logout', undefined, {
      headers,
      validateStatus: (code) => code === 204 || code === 401,
    });
    return status;
  }

  #keep({ token, refreshToken }) {
    this.#storage.setItem(ACCESS, token);
    this.#storage.setItem(REFRESH, refreshToken);
  }

  #bearer() {
    const token = this.getToken();
    return token ? { Authorization: `Bearer ${token}` } : {};
  }
}
