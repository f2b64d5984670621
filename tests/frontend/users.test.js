import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { platformClient } from './support/clients.js';
import { person, unique } from './support/data.js';
import { platformUrl } from './support/environment.js';

const { api } = platformClient();
const http = api.axios;

describe('users through axios', () => {
  test('a user is made, read, changed in part and deleted', async () => {
    const wanted = person();
    const made = await api.post('/users', wanted);
    assert.deepEqual(made, { id: made.id, ...wanted, role: 'user' });
    assert.equal(typeof made.id, 'string');

    const changed = await api.put(`/users/${made.id}`, { role: 'admin' });
    assert.deepEqual(changed, { ...made, role: 'admin' });
    const renamed = await api.put(`/users/${made.id}`, { name: 'Renamed' });
    assert.deepEqual(renamed, { ...changed, name: 'Renamed' });
    assert.deepEqual(await api.get(`/users/${made.id}`), renamed);

    assert.equal(await api.delete(`/users/${made.id}`), '');
    await assert.rejects(api.get(`/users/${made.id}`), { type: 'NOT_FOUND_ERROR', statusCode: 404 });
  });

  test('a form may send the whole user back, id included', async () => {
    const made = await api.post('/users', person());
    const renamed = { ...made, name: unique('renamed') };
    assert.deepEqual(await api.put(`/users/${made.id}`, renamed), renamed);
  });

  test('an answer 201 says where the new user is', async () => {
    const { status, headers, data } = await http.post('/users', person());
    assert.equal(status, 201);
    const location = new URL(headers.location, `${platformUrl}/users`).href;
    assert.deepEqual(await api.get(location), data);
  });

  test('an answer 204 has neither body nor media type', async () => {
    const { id } = await api.post('/users', person());
    const { status, data, headers } = await http.delete(`/users/${id}`);
    assert.equal(status, 204);
    assert.equal(data, '');
    assert.equal(headers['content-type'], undefined);
  });

  test('a DELETE that announces JSON and sends nothing is taken as it is meant', async () => {
    const { id } = await api.post('/users', person());
    const { status, request } = await http.delete(`/users/${id}`);
    assert.equal(request.getHeader('content-type'), 'application/json');
    assert.equal(status, 204);
  });

  test('parameters that are undefined are not sent and do not filter', async () => {
    const { data, request } = await http.get('/users', { params: { page: 1, limit: 1, search: undefined } });
    assert.equal(new URL(request.path, platformUrl).search, '?page=1&limit=1');
    assert.equal(data.users.length, 1);
    assert.ok(data.total >= 2, 'the fixture alone has two users');
  });

  test('an empty search box finds everyone', async () => {
    const { users, total } = await api.get('/users', { params: { limit: 1, search: '' } });
    assert.equal(users[0].id, '1');
    assert.ok(total >= 2);
  });

  test('search finds a part of the name or the address in any case, encoded as axios does it', async () => {
    const word = unique('Zoë & Søn');
    const byName = await api.post('/users', person(`${word} Müller`));
    const byMail = await api.post('/users', { name: 'Somebody Else', email: `${unique('plus')}+tag@example.com` });

    const find = async (search) => (await api.get('/users', { params: { search } })).users;
    assert.deepEqual(await find(word.toUpperCase()), [byName]);
    assert.deepEqual(await find(byMail.email.toUpperCase()), [byMail]);
  });

  test('pages follow each other, and only the last has no next one', async () => {
    const word = unique('paged');
    const made = [];
    for (const number of [1, 2, 3]) made.push(await api.post('/users', person(`${word} ${number}`)));

    const page = (number) => api.get('/users', { params: { page: number, limit: 2, search: word } });
    assert.deepEqual(await page(1), {
      users: made.slice(0, 2), total: 3, page: 1, limit: 2, hasMore: true, nextPage: 2,
    });
    assert.deepEqual(await page(2), { users: made.slice(2), total: 3, page: 2, limit: 2, hasMore: false });

    const whole = await api.get('/users', { params: { limit: 3, search: word } });
    assert.deepEqual(whole, { users: made, total: 3, page: 1, limit: 3, hasMore: false });
  });

  test('a copy the browser still has is not sent again', async () => {
    const { id } = await api.post('/users', person());
    const first = await http.get(`/users/${id}`);
    const conditional = () =>
      http.get(`/users/${id}`, { headers: { 'If-None-Match': first.headers.etag }, validateStatus: (s) => s < 400 });

    const unchanged = await conditional();
    assert.equal(unchanged.status, 304);
    assert.equal(unchanged.data, '');

    await api.put(`/users/${id}`, { name: unique('changed') });
    assert.equal((await conditional()).status, 200);
  });

  test('of two forms opened at the same time the second to save is told', async () => {
    const { id } = await api.post('/users', person());
    const { etag } = (await http.get(`/users/${id}`)).headers;
    const save = (name) => api.put(`/users/${id}`, { name }, { headers: { 'If-Match': etag } });

    await save('First');
    await assert.rejects(save('Second'), { statusCode: 412 });
    assert.equal((await api.get(`/users/${id}`)).name, 'First');
  });

  test('a form sent twice under one key makes one user', async () => {
    const wanted = person();
    const send = () => http.post('/users', wanted, { headers: { 'Idempotency-Key': wanted.email } });
    const first = await send();
    const second = await send();
    assert.deepEqual(second.data, first.data);
    assert.equal(second.headers['idempotency-replayed'], 'true');
    assert.equal((await api.get('/users', { params: { search: wanted.email } })).total, 1);
  });
});
