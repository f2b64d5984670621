import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import axios from 'axios';

import { APIError, messageFor } from './app/chat/errors.js';
import { assertErrorBody } from './support/assertions.js';
import { chatClient } from './support/clients.js';
import { unique } from './support/data.js';
import { apiKey, chatUrl, moodyChatUrl, withoutMoody } from './support/environment.js';

const { chats, http } = chatClient();

/** Assert that `call` fails with `status` and the common body, and return the error. */
async function fails(status, code, call) {
  let error;
  await assert.rejects(call, (raised) => {
    error = raised;
    return raised instanceof APIError;
  });
  assert.equal(error.status, status);
  assertErrorBody(error.data, code);
  assert.equal(error.message, error.data.message);
  return error;
}

const MISSING = '0123456789abcdef01234567';

describe('errors of the chat service, as its front end sees them', () => {
  test('input that is not right is 400 and says what', async () => {
    const { _id: id } = await chats.createSession({ title: 'Errors' });
    for (const [field, call] of [
      ['title', () => chats.createSession({ title: '  ' })],
      ['title', () => chats.createSession({ title: 'x'.repeat(201) })],
      ['title', () => chats.renameSession(id, '')],
      ['name', () => chats.createSession({ title: 'Fine', name: 'unknown' })],
      ['content', () => chats.sendMessage(id, { content: '', sender: 'user' })],
      ['content', () => chats.sendMessage(id, { content: 'x'.repeat(10_001), sender: 'user' })],
      ['sender', () => chats.sendMessage(id, { content: 'Hello', sender: 'robot' })],
      ['context', () => chats.sendMessage(id, { content: 'Hello', sender: 'user', context: 'text' })],
      ['message', () => chats.smartChat(id, {})],
      ['limit', () => chats.getMessages(id, { limit: 101 })],
    ]) {
      const { data } = await fails(400, 'VALIDATION_ERROR', call());
      assert.deepEqual(Object.keys(data.details.fields), [field]);
      assert.ok(data.errors.some((line) => line.startsWith(`${field}: `)), data.errors.join());
    }
    assert.equal((await chats.getMessages(id)).pagination.total, 0);
  });

  for (const header of ['Unique-Reference-Code', 'x-user-id']) {
    for (const value of [undefined, ' ']) {
      test(`a call with ${header} ${value ? 'blank' : 'missing'} is 400 and names it`, async () => {
        const headers = { 'x-api-key': apiKey, 'Unique-Reference-Code': 'a-code', 'x-user-id': 'somebody' };
        headers[header] = value;
        const { status, data } = await axios.get(`${chatUrl}/chats`, { headers, validateStatus: () => true });
        assert.equal(status, 400);
        assertErrorBody(data, 'VALIDATION_ERROR');
        assert.match(data.errors.join(), new RegExp(header, 'i'));
      });
    }
  }

  test('what is not there is 404, in every call', async () => {
    for (const call of [
      () => chats.getSessionById(MISSING),
      () => chats.renameSession(MISSING, 'New'),
      () => chats.deleteSession(MISSING),
      () => chats.toggleFavorite(MISSING),
      () => chats.getMessages(MISSING),
      () => chats.sendMessage(MISSING, { content: 'Hello', sender: 'user' }),
      () => chats.smartChat(MISSING, { message: 'Hello' }),
    ]) {
      const error = await fails(404, 'NOT_FOUND_ERROR', call());
      assert.equal(messageFor(error), 'It is not there');
    }
  });

  test('a wrong key is 401', async () => {
    const error = await fails(401, 'AUTHENTICATION_ERROR', chatClient({ apiKey: 'wrong' }).chats.getSessions());
    assert.equal(messageFor(error), 'Please log in again');
  });

  test('a used idempotency key with another body is 422', async () => {
    const headers = { 'Idempotency-Key': unique('key') };
    await http.post('/chats', { title: 'One' }, { headers });
    await fails(422, 'IDEMPOTENCY_KEY_REUSED', http.post('/chats', { title: 'Other' }, { headers }));
  });

  test('one request too many is 429, for this user and no other', { skip: withoutMoody }, async () => {
    const eager = chatClient({ baseURL: moodyChatUrl });
    const { headers } = await eager.http.axios.get('/chats');
    const left = Number(headers['ratelimit-remaining']);
    assert.equal(left, Number(headers['ratelimit-limit']) - 1);
    await Promise.all(Array.from({ length: left }, () => eager.chats.getSessions()));

    const error = await fails(429, 'RATE_LIMIT_ERROR', eager.chats.getSessions());
    assert.match(messageFor(error), /^Too many requests/);
    assert.deepEqual(await chatClient({ baseURL: moodyChatUrl }).chats.getSessions(), []);
  });
});
