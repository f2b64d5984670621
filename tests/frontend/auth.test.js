import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { assertErrorBody } from './support/assertions.js';
import { loggedIn, platformClient } from './support/clients.js';
import { person, unique } from './support/data.js';
import { admin } from './support/environment.js';

/** Count the calls that a client's axios instance makes, as `METHOD path`. */
function watch(http) {
  const calls = [];
  http.interceptors.request.use((config) => {
    calls.push(`${config.method.toUpperCase()} ${config.url}`);
    return config;
  });
  return calls;
}

/** Axios as it is, without the interceptors: shows the wire. */
const bare = platformClient().api.axios;
bare.interceptors.response.clear();
bare.defaults.validateStatus = () => true;

const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });

describe('logging in', () => {
  test('the right pair gives the user, both tokens and their life time', async () => {
    const { auth } = platformClient();
    const { user, token, refreshToken, expiresIn, ...rest } = await auth.login(admin.email, admin.password);
    assert.deepEqual(user, { id: '1', name: 'John Doe', email: admin.email, role: 'admin' });
    assert.equal(token.split('.').length, 3, 'a JWT has three parts');
    assert.ok(refreshToken && refreshToken !== token);
    assert.ok(Number.isInteger(expiresIn) && expiresIn > 0);
    assert.deepEqual(rest, {});
    assert.deepEqual(await auth.getCurrentUser(), user);
  });

  test('a front end may read from the token when it ends', async () => {
    const { auth } = await loggedIn();
    const claims = JSON.parse(Buffer.from(auth.getToken().split('.')[1], 'base64url').toString());
    assert.ok(claims.exp * 1000 > Date.now());
    assert.equal(claims.sub, '1');
  });

  test('a wrong password and an unknown address are refused in the same words', async () => {
    const wrong = await bare.post('/auth/login', { ...admin, password: 'wrong' });
    const unknown = await bare.post('/auth/login', { ...admin, email: `${unique('nobody')}@example.com` });
    for (const { status, data } of [wrong, unknown]) {
      assert.equal(status, 401);
      assertErrorBody(data, 'AUTHENTICATION_ERROR');
    }
    assert.equal(unknown.data.message, wrong.data.message);
  });

  test('a refused login is just refused: no refresh, nobody thrown out', async () => {
    const front = platformClient();
    await assert.rejects(front.auth.login(admin.email, 'wrong'), { status: 401 });
    assert.equal(front.auth.getToken(), null);
    assert.equal(front.thrownOut, 0);
  });

  test('a form that is not filled in is a validation error', async () => {
    const { status, data } = await bare.post('/auth/login', { email: admin.email });
    assert.equal(status, 400);
    assertErrorBody(data, 'VALIDATION_ERROR');
    assert.ok(data.details.fields.password);
  });

  test('a stale token in the header, where an interceptor puts it on every call, spoils nothing', async () => {
    const stale = bearer('no.good.token');
    const { status, data } = await bare.post('/auth/login', admin, stale);
    assert.equal(status, 200);
    const refreshed = await bare.post('/auth/refresh', { refreshToken: data.refreshToken }, stale);
    assert.equal(refreshed.status, 200);
  });

  test('a user made with a password can log in with it, in any case of the address', async () => {
    const { api } = platformClient();
    const password = unique('secret');
    const { id, email } = await api.post('/users', person(undefined, { password }));
    const front = await loggedIn({ email: email.toUpperCase(), password });
    assert.equal((await front.auth.getCurrentUser()).id, id);
  });
});

describe('keeping the login alive', () => {
  test('a call refused for its token is repeated with a fresh one, its body included', async () => {
    const { auth, api } = await loggedIn();
    const calls = watch(api.axios);
    auth.setToken('no.good.token');

    const wanted = person();
    const made = await api.post('/users', wanted);

    assert.equal(made.email, wanted.email);
    assert.deepEqual(calls, ['POST /users', 'POST /users']);
    assert.notEqual(auth.getToken(), 'no.good.token');
  });

  test('many calls refused at once share one refresh', async () => {
    const front = await loggedIn();
    const { auth, api } = front;
    auth.setToken('no.good.token');
    const pages = await Promise.all(Array.from({ length: 8 }, () => api.get('/users', { params: { limit: 1 } })));
    assert.ok(pages.every((page) => page.users.length === 1));
    assert.equal(front.thrownOut, 0, 'a second refresh would have spent the token twice and ended the login');
  });

  test('a refresh gives new tokens, and the old refresh token is spent', async () => {
    const { auth } = await loggedIn();
    const before = { token: auth.getToken(), refreshToken: auth.getRefreshToken() };
    await auth.refreshToken();
    assert.notEqual(auth.getToken(), before.token);
    assert.notEqual(auth.getRefreshToken(), before.refreshToken);
    assert.equal((await auth.getCurrentUser()).id, '1');

    const again = await bare.post('/auth/refresh', { refreshToken: before.refreshToken });
    assert.equal(again.status, 401);
    assertErrorBody(again.data, 'AUTHENTICATION_ERROR');
  });

  test('a refresh token used twice ends the whole login: it may have been stolen', async () => {
    const { auth } = await loggedIn();
    const stolen = auth.getRefreshToken();
    await auth.refreshToken();
    await bare.post('/auth/refresh', { refreshToken: stolen });
    await assert.rejects(auth.getCurrentUser(), { status: 401 });
    await assert.rejects(auth.refreshToken(), { status: 401 });
  });

  test('without a good refresh token the user is logged out and sent to the login page', async () => {
    const front = await loggedIn();
    await bare.post('/auth/logout', undefined, bearer(front.auth.getToken()));

    await assert.rejects(front.api.get('/users'), { type: 'AUTHENTICATION_ERROR', statusCode: 401 });
    assert.equal(front.thrownOut, 1);
    assert.equal(front.auth.getToken(), null);
  });
});

describe('logging out', () => {
  test('ends both tokens on the server', async () => {
    const { auth } = await loggedIn();
    const [token, refreshToken] = [auth.getToken(), auth.getRefreshToken()];
    assert.equal(await auth.logout(), 204);
    assert.equal((await bare.get('/auth/me', bearer(token))).status, 401);
    assert.equal((await bare.post('/auth/refresh', { refreshToken })).status, 401);
  });

  test('ends this login and no other of the same user', async () => {
    const [here, there] = [await loggedIn(), await loggedIn()];
    await here.auth.logout();
    assert.equal((await there.auth.getCurrentUser()).id, '1');
  });

  test('with nobody logged in is 401', async () => {
    assert.equal(await platformClient().auth.logout(), 401);
  });
});
