import { referenceCode } from './httpClient.js';

/** Ask the assistant and yield its server-sent events, `{event, data}`, as they come. */
export async function* streamSmartChat({ baseURL, apiKey, userId, sessionId, request, signal }) {
  const response = await fetch(`${baseURL}/chats/${sessionId}/smart-chat`, {
    method: 'POST',
    signal,
    headers: {
      Accept: 'text/event-stream',
      'Content-Type': 'application/json',
      'x-api-key': apiKey,
      'x-user-id': userId,
      'Unique-Reference-Code': referenceCode(),
    },
    body: JSON.stringify(request),
  });
  if (!response.ok) throw Object.assign(new Error(`HTTP ${response.status}`), { body: await response.json() });
  yield* parseEvents(response.body.pipeThrough(new TextDecoderStream()));
}

/** Blocks end with an empty line and may be cut anywhere by the network, even within a line. */
async function* parseEvents(chunks) {
  let rest = '';
  for await (const chunk of chunks) {
    const blocks = (rest + chunk).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    yield* blocks.map(parseBlock).filter(Boolean);
  }
}

function parseBlock(block) {
  const read = (field) =>
    block
      .split(/\r?\n/)
      .filter((line) => line.startsWith(`${field}:`))
      .map((line) => line.slice(field.length + 1).replace(/^ /, ''))
      .join('\n');
  const data = read('data');
  return data ? { event: read('event') || 'message', data: JSON.parse(data) } : null; // no data: a comment, a heartbeat
}
