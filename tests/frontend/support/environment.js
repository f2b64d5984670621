/** Where the server under test listens; without these variables, where the documents say it does. */
export const platformUrl = process.env.PLATFORM_URL ?? 'http://localhost:3001/api';
export const chatUrl = process.env.CHAT_URL ?? 'http://localhost:3002/chats-service/api/v1';
export const apiKey = process.env.API_KEY ?? 'dev-api-key';

/** A chat service with a low rate limit, whose assistant never finishes what it says; there may be none. */
export const moodyChatUrl = process.env.MOODY_CHAT_URL;
export const withoutMoody = !moodyChatUrl && 'MOODY_CHAT_URL is not set';

export const platformOrigin = new URL(platformUrl).origin;
export const chatOrigin = new URL(chatUrl).origin;

/** The fixture's administrator. */
export const admin = { email: 'john@example.com', password: 'password' };
