import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { streamSmartChat } from './app/chat/eventStream.js';
import { assertErrorBody } from './support/assertions.js';
import { chatClient, platformClient } from './support/clients.js';
import { person } from './support/data.js';
import { apiKey, chatOrigin, platformOrigin } from './support/environment.js';
import { connect, record, refusal } from './support/sockets.js';

/** A user of the chat service who listens to its own events. */
async function listener(t, { origin = chatOrigin, options = {} } = {}) {
  const client = chatClient();
  const socket = await connect(t, origin, { auth: { apiKey, userId: client.userId }, ...options });
  return { ...client, socket, heard: record(socket) };
}

/** What was heard, without the public events of users that other files make meanwhile. */
const chatEvents = ({ heard }) => heard.filter(({ event }) => !event.startsWith('user:'));

describe('connecting to the chat service', () => {
  for (const [port, origin] of [['chat', chatOrigin], ['platform', platformOrigin]]) {
    test(`on the ${port}'s port`, async (t) => {
      const { chats, heard } = await listener(t, { origin });
      const session = await chats.createSession({ title: 'Anywhere' });
      assert.deepEqual(await heard.until('chat:created'), { session });
    });
  }

  for (const transports of [['websocket'], ['polling']]) {
    test(`over ${transports} alone`, async (t) => {
      const { chats, heard } = await listener(t, { options: { transports } });
      const session = await chats.createSession({ title: 'Anyhow' });
      assert.deepEqual(await heard.until('chat:created'), { session });
    });
  }

  test('with a bad key is refused, and told why', async (t) => {
    const error = await refusal(t, chatOrigin, { auth: { apiKey: 'wrong', userId: 'somebody' } });
    assert.equal(error.message, 'Unauthorized');
    assertErrorBody(error.data, 'AUTHENTICATION_ERROR');
  });

  test('and sending what nobody knows is answered with an error, and the connection lives on', async (t) => {
    const { socket, chats, heard } = await listener(t);
    const answer = await socket.timeout(5000).emitWithAck('no:such:event');
    assert.equal(typeof answer.message, 'string');
    assert.equal(typeof answer.code, 'string');
    await chats.createSession({ title: 'Still here' });
    await heard.until('chat:created');
  });
});

describe('events of the chat service', () => {
  test('follow the whole life of a session, in order', async (t) => {
    const { chats, heard } = await listener(t);
    const session = await chats.createSession({ title: 'Heard' });
    const { _id: id } = session;
    const renamed = await chats.renameSession(id, 'Heard again');
    const marked = await chats.toggleFavorite(id);
    const message = await chats.sendMessage(id, { content: 'Hello', sender: 'user', context: { from: 'here' } });
    await chats.deleteSession(id);
    assert.deepEqual(await heard.until('chat:deleted'), { sessionId: id });

    assert.deepEqual(heard.named('chat:created'), [{ session }]);
    assert.deepEqual(heard.named('chat:updated').slice(0, 2), [{ session: renamed }, { session: marked }]);
    assert.deepEqual(heard.named('message:created'), [{ sessionId: id, message }]);
    assert.equal(chatEvents(heard).at(-1).event, 'chat:deleted');
  });

  test('of a smart chat: the question, typing, the answer, typing no more, a notification', async (t) => {
    const { chats, heard } = await listener(t);
    const { _id: id } = await chats.createSession({ title: 'Asked' });
    const reply = await chats.smartChat(id, { message: 'Are you there?' });
    await heard.until('chat:typing', ({ typing }) => !typing);
    await heard.until('message:created', ({ message }) => message._id === reply._id);
    await heard.until('notification:new');

    assert.deepEqual(heard.named('chat:typing'), [
      { sessionId: id, sender: 'assistant', typing: true },
      { sessionId: id, sender: 'assistant', typing: false },
    ]);
    const [question, answer] = heard.named('message:created');
    assert.equal(question.message.content, 'Are you there?');
    assert.deepEqual(answer, { sessionId: id, message: reply });
    assert.deepEqual((await chats.getMessages(id)).data, [question.message, answer.message]);
  });

  test('of a stream bring the pieces that the stream brings', async (t) => {
    const client = await listener(t);
    const { _id: id } = await client.chats.createSession({ title: 'Streamed' });
    const events = [];
    const request = { message: 'Stream it to both of us.' };
    for await (const event of streamSmartChat({ ...client, sessionId: id, request })) {
      events.push(event);
    }
    const { data: reply } = events.pop();
    await client.heard.until('message:created', ({ message }) => message._id === reply._id);

    assert.deepEqual(
      client.heard.named('message:delta'),
      events.map(({ data }) => ({ sessionId: id, messageId: data.id, delta: data.delta })),
    );
  });

  test('come after the change can be read, never before', async (t) => {
    const { chats, socket } = await listener(t);
    const { _id: id } = await chats.createSession({ title: 'Read' });
    const reads = [];
    const done = new Promise((resolve) => {
      socket.on('message:created', ({ message }) => {
        reads.push(chats.getMessages(id).then(({ data }) => data.some((one) => one._id === message._id)));
        if (message.content === 'last') resolve();
      });
    });
    for (const content of ['first', 'second', 'last']) await chats.sendMessage(id, { content, sender: 'user' });
    await done;
    assert.deepEqual(await Promise.all(reads), [true, true, true]);
  });

  test('go to their user, and to nobody else', async (t) => {
    const [mine, theirs] = [await listener(t), await listener(t)];
    const anonymous = record(await connect(t, chatOrigin));
    const session = await mine.chats.createSession({ title: 'Private' });
    await mine.chats.sendMessage(session._id, { content: 'Secret', sender: 'user' });
    await mine.heard.until('message:created');

    // A later event of their own shows that nothing is still under way.
    const own = await theirs.chats.createSession({ title: 'Their own' });
    await theirs.heard.until('chat:created');
    assert.deepEqual(chatEvents(theirs.heard), [{ event: 'chat:created', payload: { session: own } }]);
    const user = await platformClient().api.post('/users', person());
    await anonymous.until('user:created', ({ userId }) => userId === user.id);
    assert.deepEqual(chatEvents(anonymous), []);
  });
});
