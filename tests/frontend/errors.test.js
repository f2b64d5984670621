import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { messageFor } from './app/platform/errors.js';
import { assertErrorBody } from './support/assertions.js';
import { loggedIn, platformClient } from './support/clients.js';
import { person, unique } from './support/data.js';
import { platformOrigin } from './support/environment.js';

const { api } = platformClient();
const http = api.axios;

/** Run a call that must fail and resolve with the exception the front end sees. */
async function failure(call) {
  try {
    await call;
  } catch (error) {
    return error;
  }
  return assert.fail('the call should have failed');
}

/** Axios as it is, every status let through: shows the wire. */
const raw = (config) => http.request({ validateStatus: () => true, ...config });

describe('errors of the platform, as its front end sees them', () => {
  test('a validation error names the field and explains itself to the user', async () => {
    const error = await failure(api.post('/users', { name: ' ', email: 'not an address' }));
    assert.equal(error.type, 'VALIDATION_ERROR');
    assert.equal(error.code, 'VALIDATION_ERROR');
    assert.deepEqual(Object.keys(error.details.fields).sort(), ['email', 'name']);
    assert.equal(messageFor(error), error.details.message);
    assert.match(messageFor(error), /email/);
  });

  test('a field that does not exist is named, not swallowed', async () => {
    const error = await failure(api.post('/users', { ...person(), nmae: 'typo' }));
    assert.equal(error.statusCode, 400);
    assert.deepEqual(Object.keys(error.details.fields), ['nmae']);
  });

  test('an address that is taken is a conflict, whatever its case', async () => {
    const wanted = person();
    await api.post('/users', wanted);
    const error = await failure(api.post('/users', person('Other', { email: wanted.email.toUpperCase() })));
    assert.equal(error.statusCode, 409);
    assert.equal(error.code, 'CONFLICT_ERROR');
  });

  test('a user who is no administrator may change itself, and nobody else', async () => {
    const password = unique('secret');
    const me = await api.post('/users', person(undefined, { password }));
    const other = await api.post('/users', person());
    const front = await loggedIn({ email: me.email, password });

    assert.equal((await front.api.put(`/users/${me.id}`, { name: 'Me' })).name, 'Me');
    for (const forbidden of [
      () => front.api.put(`/users/${me.id}`, { role: 'admin' }),
      () => front.api.put(`/users/${other.id}`, { name: 'Not me' }),
      () => front.api.delete(`/users/${other.id}`),
      () => front.api.post('/users', person()),
    ]) {
      const error = await failure(forbidden());
      assert.equal(error.type, 'AUTHORIZATION_ERROR');
      assert.equal(error.code, 'AUTHORIZATION_ERROR');
    }
    assert.equal((await api.get(`/users/${other.id}`)).name, other.name);
  });

  test('a page that cannot be is a validation error', async () => {
    for (const params of [{ page: 0 }, { limit: 101 }, { limit: 'ten' }, { page: null, limit: '' }]) {
      const error = await failure(api.get('/users', { params }));
      assert.equal(error.type, 'VALIDATION_ERROR', JSON.stringify(params));
    }
  });

  for (const [status, code] of [
    [400, 'VALIDATION_ERROR'],
    [401, 'AUTHENTICATION_ERROR'],
    [403, 'AUTHORIZATION_ERROR'],
    [404, 'NOT_FOUND_ERROR'],
    [409, 'CONFLICT_ERROR'],
    [429, 'RATE_LIMIT_ERROR'],
    [500, 'SERVER_ERROR'],
    [502, 'SERVER_ERROR'],
    [503, 'SERVER_ERROR'],
    [504, 'SERVER_ERROR'],
  ]) {
    test(`status ${status} on request has the one error body`, async () => {
      const answer = await raw({ url: '/error', params: { status } });
      assert.equal(answer.status, status);
      assertErrorBody(answer.data, code);
    });
  }

  test('an error on request is a 500 when no status is asked for', async () => {
    const error = await failure(api.get('/error'));
    assert.equal(error.type, 'SERVER_ERROR');
    assert.equal(error.statusCode, 500);
  });

  test('a wrong path, method, media type or JSON has the same body', async () => {
    const text = { 'Content-Type': 'text/plain' };
    for (const [code, config] of [
      ['NOT_FOUND_ERROR', { url: '/no/such/path' }],
      ['METHOD_NOT_ALLOWED', { url: '/users', method: 'PATCH', data: {} }],
      ['UNSUPPORTED_MEDIA_TYPE', { url: '/users', method: 'POST', data: 'name=x', headers: text }],
      ['VALIDATION_ERROR', { url: '/users', method: 'POST', data: '{"name": ' }],
    ]) {
      assertErrorBody((await raw(config)).data, code);
    }
    const { headers } = await raw({ url: '/users', method: 'PATCH', data: {} });
    assert.match(headers.allow, /\bPOST\b/);
  });

  test('an error can be found in the log by the code the front end sent', async () => {
    const code = unique('urc');
    const { headers, data } = await raw({ url: '/users/none', headers: { 'Unique-Reference-Code': code } });
    assert.equal(headers['x-request-id'], code);
    assert.equal(data.metadata.requestId, code);
  });

  test('a request without a code is given one, in the header and in the body', async () => {
    const { headers, data } = await raw({ url: '/users/none' });
    assert.ok(headers['x-request-id']);
    assert.equal(data.metadata.requestId, headers['x-request-id']);
  });

  test('the rate limit is announced on every answer', async () => {
    const { headers } = await raw({ url: '/users/1' });
    const read = (word) => Number(headers[`ratelimit-${word}`]);
    const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map(read);
    assert.ok(limit > remaining && remaining >= 0, `${remaining} of ${limit}`);
    assert.ok(reset >= 0 && reset <= 60);
  });

  test('a path outside both services answers like the rest', async () => {
    const { status, data } = await raw({ url: `${platformOrigin}/nowhere` });
    assert.equal(status, 404);
    assertErrorBody(data, 'NOT_FOUND_ERROR');
  });
});
