import { ChatAPI } from '../app/chat/chatAPI.js';
import { HTTPClient } from '../app/chat/httpClient.js';
import { ApiClient } from '../app/platform/apiClient.js';
import { AuthService } from '../app/platform/authService.js';
import { MemoryStorage, unique } from './data.js';
import { admin, apiKey, chatUrl, platformUrl } from './environment.js';

/** A front end of the platform with nobody logged in: its auth service, its client, and how often it was thrown out. */
export function platformClient() {
  const auth = new AuthService({ baseURL: platformUrl, storage: new MemoryStorage() });
  const front = { auth, thrownOut: 0 };
  front.api = new ApiClient({ baseURL: platformUrl, auth, onLoggedOut: () => (front.thrownOut += 1) });
  return front;
}

/** The same with somebody logged in, the administrator unless told otherwise. */
export async function loggedIn({ email, password } = admin) {
  const front = platformClient();
  await front.auth.login(email, password);
  return front;
}

/** A front end of the chat service; every one is another user unless told otherwise. */
export function chatClient(options = {}) {
  const settings = { baseURL: chatUrl, apiKey, userId: unique('user'), retryDelay: 10, ...options };
  const http = new HTTPClient(settings);
  return { ...settings, http, chats: new ChatAPI(http) };
}
