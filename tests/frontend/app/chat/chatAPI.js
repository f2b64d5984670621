import { APIError } from './errors.js';

/** One method per thing one can do with chats; answers come out of their envelope. */
export class ChatAPI {
  #http;

  constructor(http) {
    this.#http = http;
  }

  async getSessions() {
    return (await this.#http.get('/chats')).data;
  }

  async createSession(request) {
    return (await this.#http.post('/chats', request)).data;
  }

  async getSessionById(id) {
    return (await this.#http.get(`/chats/${id}`)).data;
  }

  async renameSession(id, title) {
    return (await this.#http.patch(`/chats/${id}`, { title })).data;
  }

  async deleteSession(id) {
    await this.#http.delete(`/chats/${id}`);
  }

  async toggleFavorite(id) {
    return (await this.#http.patch(`/chats/${id}/favorite`)).data;
  }

  /** The page itself, with its `pagination`. */
  getMessages(id, { page, limit } = {}) {
    const query = new URLSearchParams();
    if (page) query.set('page', page);
    if (limit) query.set('limit', limit);
    return this.#http.get(`/chats/${id}/messages${query.size ? `?${query}` : ''}`);
  }

  async sendMessage(id, request) {
    return (await this.#http.post(`/chats/${id}/messages`, request)).data;
  }

  async smartChat(id, request) {
    return (await this.#http.post(`/chats/${id}/smart-chat`, request)).data;
  }

  healthCheck() {
    return this.#http.get('/health');
  }

  async validateApiKey() {
    try {
      await this.healthCheck();
      return true;
    } catch (error) {
      if (error instanceof APIError && error.status === 401) return false;
      throw error;
    }
  }
}
