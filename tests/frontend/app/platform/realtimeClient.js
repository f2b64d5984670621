import { io } from 'socket.io-client';

/** The platform's Socket.IO connection: over a WebSocket from the start, as the user who is logged in. */
export class RealtimeClient {
  socket = null;
  #url;
  #auth;

  constructor({ url, auth }) {
    this.#url = url;
    this.#auth = auth;
  }

  connect() {
    this.socket ??= io(this.#url, { auth: { token: this.#auth.getToken() }, transports: ['websocket'] });
  }

  subscribe(event, callback) {
    this.socket?.on(event, callback);
  }

  unsubscribe(event, callback) {
    this.socket?.off(event, callback);
  }

  disconnect() {
    this.socket?.disconnect();
    this.socket = null;
  }
}
