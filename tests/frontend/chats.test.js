import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { TIMESTAMP, assertErrorBody } from './support/assertions.js';
import { chatClient } from './support/clients.js';
import { unique } from './support/data.js';

const { chats, http, userId } = chatClient();

const FIELDS = ['_id', 'createdAt', 'isFavorite', 'lastMessageAt', 'title', 'updatedAt'];

/** Sessions as the server orders them. */
const byLastMessage = (one, other) => other.lastMessageAt.localeCompare(one.lastMessageAt);

describe('chats through axios', () => {
  test('the whole life of a session', async () => {
    const session = await chats.createSession({ title: 'Integration' });
    assert.equal(session.title, 'Integration');

    const message = await chats.sendMessage(session._id, { content: 'A message', sender: 'user' });
    assert.equal(message.content, 'A message');

    const messages = await chats.getMessages(session._id);
    assert.deepEqual(messages.data, [message]);

    assert.equal((await chats.renameSession(session._id, 'Renamed')).title, 'Renamed');
    assert.equal((await chats.toggleFavorite(session._id)).isFavorite, true);

    const reply = await chats.smartChat(session._id, { message: 'Hello' });
    assert.equal(reply.sender, 'assistant');
    assert.equal((await chats.getMessages(session._id)).data.length, 3);

    await chats.deleteSession(session._id);
    await assert.rejects(chats.getSessionById(session._id), { status: 404 });
    await assert.rejects(chats.getMessages(session._id), { status: 404 });
  });

  test('a session has exactly the fields of the front end\'s type', async () => {
    const session = await chats.createSession({ title: 'Typed' });
    assert.deepEqual(Object.keys(session).sort(), FIELDS);
    assert.equal(session.isFavorite, false);
    for (const moment of [session.createdAt, session.updatedAt, session.lastMessageAt]) assert.match(moment, TIMESTAMP);
    assert.deepEqual(await chats.getSessionById(session._id), session);
  });

  test('answers come in an envelope that repeats the reference code', async () => {
    const code = unique('urc');
    const { data, headers } = await http.axios.get('/chats', { headers: { 'Unique-Reference-Code': code } });
    assert.deepEqual(Object.keys(data).sort(), ['data', 'message', 'metadata']);
    assert.equal(data.metadata.requestId, code);
    assert.equal(headers['x-request-id'], code);
    assert.match(data.metadata.timestamp, TIMESTAMP);
    assert.equal(typeof data.metadata.version, 'string');
  });

  test('every user sees its own sessions, the one last spoken in first', async () => {
    const mine = chatClient();
    const first = await mine.chats.createSession({ title: 'First' });
    const second = await mine.chats.createSession({ title: 'Second' });
    await mine.chats.sendMessage(first._id, { content: 'Up again', sender: 'user' });

    const listed = await mine.chats.getSessions();
    assert.deepEqual(new Set(listed.map((session) => session._id)), new Set([first._id, second._id]));
    assert.deepEqual(listed, [...listed].sort(byLastMessage));

    const stranger = chatClient();
    assert.deepEqual(await stranger.chats.getSessions(), []);
    await assert.rejects(stranger.chats.getSessionById(first._id), { status: 404 });
    await assert.rejects(stranger.chats.deleteSession(first._id), { status: 404 });
  });

  test('a message moves its session', async () => {
    const { _id: id, lastMessageAt } = await chats.createSession({ title: 'Moved' });
    const { createdAt } = await chats.sendMessage(id, { content: 'Now', sender: 'user' });
    const moved = await chats.getSessionById(id);
    assert.ok(moved.lastMessageAt >= lastMessageAt);
    assert.ok(moved.lastMessageAt >= createdAt && moved.updatedAt >= createdAt);
  });
});

describe('a PATCH without a body, as axios sends it', () => {
  for (const [how, headers, announced] of [
    ['announcing JSON, as the instance does by default', undefined, 'application/json'],
    // What axios puts on every PATCH for which nothing else was said, body or not.
    ['announcing a form, as a bare axios does', { 'Content-Type': undefined }, 'application/x-www-form-urlencoded'],
    ['announcing nothing, as a browser does', { 'Content-Type': false }, undefined],
  ]) {
    test(`toggles the favourite: ${how}`, async () => {
      const { _id: id } = await chats.createSession({ title: 'Favourite' });
      const toggle = () => http.axios.patch(`/chats/${id}/favorite`, undefined, { headers });

      const { data, request } = await toggle();
      assert.equal(request.getHeader('content-type'), announced);
      assert.equal(data.data.isFavorite, true);
      assert.equal((await toggle()).data.data.isFavorite, false);
    });
  }

  test('with a body it is set, however often it is sent', async () => {
    const { _id: id } = await chats.createSession({ title: 'Favourite' });
    for (const isFavorite of [true, true, false, false]) {
      const { data } = await http.patch(`/chats/${id}/favorite`, { isFavorite });
      assert.equal(data.isFavorite, isFavorite);
    }
  });
});

describe('messages through axios', () => {
  test('come page by page, oldest first', async () => {
    const { _id: id } = await chats.createSession({ title: 'Paged' });
    const sent = [];
    for (const content of ['one', 'two', 'three']) sent.push(await chats.sendMessage(id, { content, sender: 'user' }));

    const first = await chats.getMessages(id, { page: 1, limit: 2 });
    assert.deepEqual(first.data, sent.slice(0, 2));
    assert.deepEqual(first.pagination, { page: 1, limit: 2, total: 3, totalPages: 2, hasNext: true, hasPrev: false });

    const second = await chats.getMessages(id, { page: 2, limit: 2 });
    assert.deepEqual(second.data, sent.slice(2));
    assert.deepEqual(second.pagination, { page: 2, limit: 2, total: 3, totalPages: 2, hasNext: false, hasPrev: true });
  });

  test('without options the first fifty come', async () => {
    const { _id: id } = await chats.createSession({ title: 'Empty' });
    const { data, pagination } = await chats.getMessages(id);
    assert.deepEqual(data, []);
    assert.equal(pagination.page, 1);
    assert.equal(pagination.limit, 50);
    assert.equal(pagination.total, 0);
    assert.equal(pagination.hasNext, false);
    assert.equal(pagination.hasPrev, false);
  });

  test('keep their context, and have none when none was sent', async () => {
    const { _id: id } = await chats.createSession({ title: 'Context' });
    const context = { page: 'checkout', cart: [{ sku: 'a-1', count: 2 }], note: 'naïve 🛒' };
    const rich = await chats.sendMessage(id, { content: '多行\ntext', sender: 'system', context });
    const plain = await chats.sendMessage(id, { content: 'plain', sender: 'assistant' });
    assert.deepEqual(rich.context, context);
    assert.equal(rich.content, '多行\ntext');
    assert.ok(!('context' in plain));
    assert.deepEqual((await chats.getMessages(id)).data, [rich, plain]);
  });

  test('a message sent twice under one key is stored once', async () => {
    const { _id: id } = await chats.createSession({ title: 'Twice' });
    const headers = { 'Idempotency-Key': unique('key') };
    const send = () => http.post(`/chats/${id}/messages`, { content: 'Once', sender: 'user' }, { headers });
    assert.deepEqual((await send()).data, (await send()).data);
    assert.equal((await chats.getMessages(id)).pagination.total, 1);
  });
});

describe('the API key', () => {
  test('is good or not, as the health check tells', async () => {
    assert.equal(await chats.validateApiKey(), true);
    assert.equal(await chatClient({ apiKey: 'wrong' }).chats.validateApiKey(), false);
    assert.equal(await chatClient({ apiKey: ' ' }).chats.validateApiKey(), false);
  });

  test('is not needed for the health check, which has no envelope', async () => {
    const health = await chatClient({ apiKey: undefined }).chats.healthCheck();
    assert.equal(health.status, 'ok');
    assert.match(health.timestamp, TIMESTAMP);
    assert.equal(typeof health.version, 'string');
    assert.ok(health.uptime >= 0);
  });

  for (const apiKey of ['wrong', ' ', undefined]) {
    test(`${JSON.stringify(apiKey) ?? 'no key'} is refused everywhere else`, async () => {
      const refused = chatClient({ apiKey, userId });
      await assert.rejects(refused.chats.getSessions(), (error) => {
        assertErrorBody(error.data, 'AUTHENTICATION_ERROR');
        return error.status === 401;
      });
    });
  }
});
