import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { streamSmartChat } from './app/chat/eventStream.js';
import { assertErrorBody } from './support/assertions.js';
import { chatClient } from './support/clients.js';
import { apiKey, chatUrl, moodyChatUrl, withoutMoody } from './support/environment.js';
import { connect, record } from './support/sockets.js';

/** A user with one session. */
async function conversation(options) {
  const client = chatClient(options);
  const session = await client.chats.createSession({ title: 'Smart' });
  const stream = (request, rest) => streamSmartChat({ ...client, sessionId: session._id, request, ...rest });
  const messages = async () => (await client.chats.getMessages(session._id)).data;
  return { ...client, session, stream, messages };
}

async function all(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

describe('smart chat, answered whole', () => {
  test('stores the question, then the answer', async () => {
    const { chats, session, messages } = await conversation();
    const reply = await chats.smartChat(session._id, { message: 'What is a duologue?', context: 'A play for two' });
    const [question, answer, ...more] = await messages();
    assert.equal(question.sender, 'user');
    assert.equal(question.content, 'What is a duologue?');
    assert.equal(reply.sender, 'assistant');
    assert.ok(reply.content.trim());
    assert.deepEqual(answer, reply);
    assert.deepEqual(more, []);
  });

  test('gives the same answer to the same question after the same history', async () => {
    const ask = async () => {
      const { chats, session } = await conversation();
      const first = await chats.smartChat(session._id, { message: 'Hello there' });
      const second = await chats.smartChat(session._id, { message: 'Tell me more about otters' });
      return [first.content, second.content];
    };
    assert.deepEqual(await ask(), await ask());
  });
});

describe('smart chat, streamed', () => {
  test('sends pieces of the answer, then the answer', async () => {
    const { stream, messages } = await conversation();
    const events = await all(stream({ message: 'Tell me a story about a lighthouse, please.' }));
    const completed = events.pop();
    assert.equal(completed.event, 'message.completed');
    assert.ok(events.length > 1, 'a stream of one piece is none');
    assert.ok(events.every(({ event }) => event === 'message.delta'));
    assert.deepEqual(new Set(events.map(({ data }) => data.id)), new Set([completed.data._id]));
    assert.equal(events.map(({ data }) => data.delta).join(''), completed.data.content);
    assert.deepEqual((await messages()).at(-1), completed.data);
  });

  test('is the answer that comes whole', async () => {
    const request = { message: 'Compare the two of you.' };
    const [streamed, whole] = [await conversation(), await conversation()];
    const { data } = (await all(streamed.stream(request))).at(-1);
    assert.equal(data.content, (await whole.chats.smartChat(whole.session._id, request)).content);
  });

  test('keeps letters of several bytes whole', async () => {
    const { stream } = await conversation();
    const events = await all(stream({ message: 'Öffnen Sie 日本語 🦦 s’il vous plaît' }));
    const text = events.map(({ data }) => data.delta ?? '').join('');
    assert.equal(text, events.at(-1).data.content);
    assert.doesNotMatch(text, /\uFFFD/);
  });

  test('has stored the question before the first piece comes', async () => {
    const { stream, messages } = await conversation();
    const events = stream({ message: 'Take your time and think about it.' });
    await events.next();
    const stored = await messages();
    assert.equal(stored[0].content, 'Take your time and think about it.');
    await all(events);
    assert.equal((await messages()).length, 2);
  });

  test('left before its end stores no answer', { skip: withoutMoody }, async (t) => {
    const { stream, messages, userId } = await conversation({ baseURL: moodyChatUrl });
    const heard = record(await connect(t, new URL(moodyChatUrl).origin, { auth: { apiKey, userId } }));
    const events = stream({ message: 'Tell me a long story.' });
    await events.next();
    await events.return(); // ends the request
    await heard.until('chat:typing', ({ typing }) => !typing);
    assert.ok(heard.named('message:delta').length < 100, 'nobody listened any more');
    assert.deepEqual((await messages()).map(({ sender }) => sender), ['user']);
  });

  test('tells of a failure midway with the common body, and stores no answer', { skip: withoutMoody }, async () => {
    const { stream, messages } = await conversation({ baseURL: moodyChatUrl });
    const events = await all(stream({ message: 'Finish your sentence.' }));
    assert.deepEqual(events.map(({ event }) => event), ['message.delta', 'message.delta', 'error']);
    assertErrorBody(events.at(-1).data, 'SERVER_ERROR');
    assert.deepEqual((await messages()).map(({ sender }) => sender), ['user']);
  });

  test('refuses before it streams, with the common body', async () => {
    const { stream } = await conversation();
    for (const [options, code] of [
      [{ sessionId: '0123456789abcdef01234567' }, 'NOT_FOUND_ERROR'],
      [{ apiKey: 'wrong' }, 'AUTHENTICATION_ERROR'],
      [{ request: { message: '' } }, 'VALIDATION_ERROR'],
    ]) {
      await assert.rejects(all(stream({ message: 'Hello' }, options)), (error) => {
        assertErrorBody(error.body, code);
        return true;
      });
    }
  });

  test('is an event stream by its media type, and must not be kept by a proxy', async () => {
    const { userId, session } = await conversation();
    const response = await fetch(`${chatUrl}/chats/${session._id}/smart-chat`, {
      method: 'POST',
      headers: {
        Accept: 'text/event-stream',
        'Content-Type': 'application/json',
        'x-api-key': apiKey,
        'x-user-id': userId,
        'Unique-Reference-Code': 'one-stream',
      },
      body: JSON.stringify({ message: 'Hello' }),
    });
    await response.text();
    assert.match(response.headers.get('content-type'), /^text\/event-stream\b/);
    assert.match(response.headers.get('cache-control'), /no-cache|no-store/);
    assert.equal(response.headers.get('x-request-id'), 'one-stream');
  });
});
