import './support/dom.js';

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { act, waitFor } from '@testing-library/react';

import {
  useCreateUser,
  useDeleteUser,
  useInfiniteUsers,
  useOptimisticUserUpdate,
  useUpdateUser,
  useUser,
  useUsers,
} from './app/platform/hooks.js';
import { loggedIn } from './support/clients.js';
import { person, unique } from './support/data.js';
import { hooks } from './support/hooks.js';

const { api } = await loggedIn();

/** Make `count` users that a search for the returned word finds. */
async function makeUsers(count) {
  const word = unique('hooked');
  const users = [];
  for (let number = 1; number <= count; number += 1) users.push(await api.post('/users', person(`${word} ${number}`)));
  return { word, users };
}

/** The values of a sequence with repetitions dropped. */
const changes = (values) => values.filter((value, index) => index === 0 || value !== values[index - 1]);

describe('React Query hooks in a page', () => {
  test('turning the page keeps the old one on screen until the new one is there', async (t) => {
    const { word, users } = await makeUsers(3);
    const { render } = hooks(t, api);
    const { result, rerender } = render((page) => useUsers({ page, limit: 2, search: word }), 1);
    assert.equal(result.current.isLoading, true);
    await waitFor(() => assert.deepEqual(result.current.data?.users, users.slice(0, 2)));

    rerender(2);
    assert.equal(result.current.isPreviousData, true);
    assert.deepEqual(result.current.data.users, users.slice(0, 2));
    await waitFor(() => assert.deepEqual(result.current.data.users, users.slice(2)));
    assert.equal(result.current.isPreviousData, false);
  });

  test('a user is asked for once its id is known', async (t) => {
    const { users: [user] } = await makeUsers(1);
    const { render } = hooks(t, api);
    const { result, rerender } = render((id) => useUser(id), '');
    assert.equal(result.current.fetchStatus, 'idle');
    rerender(user.id);
    await waitFor(() => assert.deepEqual(result.current.data, user));
  });

  test('a user that is not there is an error with the server\'s words', async (t) => {
    const { render } = hooks(t, api);
    const { result } = render(() => useUser('no-such-user'));
    await waitFor(() => assert.equal(result.current.isError, true));
    assert.equal(result.current.error.type, 'NOT_FOUND_ERROR');
    assert.equal(result.current.error.code, 'NOT_FOUND_ERROR');
    assert.ok(result.current.error.message);
  });

  test('the list follows what is created, updated and deleted', async (t) => {
    const word = unique('listed');
    const { render } = hooks(t, api);
    const { result } = render(() => ({
      list: useUsers({ search: word }),
      create: useCreateUser(),
      update: useUpdateUser(),
      remove: useDeleteUser(),
    }));
    const listed = () => result.current.list.data?.users.map((user) => user.name);
    await waitFor(() => assert.deepEqual(listed(), []));

    let made;
    await act(async () => {
      made = await result.current.create.mutateAsync(person(`${word} new`));
    });
    await waitFor(() => assert.deepEqual(listed(), [`${word} new`]));

    await act(() => result.current.update.mutateAsync({ id: made.id, data: { name: `${word} changed` } }));
    await waitFor(() => assert.deepEqual(listed(), [`${word} changed`]));

    await act(() => result.current.remove.mutateAsync(made.id));
    await waitFor(() => assert.deepEqual(listed(), []));
  });

  test('an infinite list walks to the end, meets everyone once, and knows that it is the end', async (t) => {
    const { word, users } = await makeUsers(7);
    const { render } = hooks(t, api);
    const { result } = render(() => useInfiniteUsers({ search: word, limit: 3 }));
    await waitFor(() => assert.equal(result.current.data?.pages.length, 1));

    for (const pages of [2, 3]) {
      assert.equal(result.current.hasNextPage, true);
      await act(() => result.current.fetchNextPage());
      await waitFor(() => assert.equal(result.current.data.pages.length, pages));
    }
    assert.equal(result.current.hasNextPage, false);
    assert.deepEqual(result.current.data.pages.flatMap((page) => page.users), users);
    assert.deepEqual(result.current.data.pages.map((page) => page.hasMore), [true, true, false]);
  });

  test('an infinite list of nobody ends at once', async (t) => {
    const search = unique('nobody');
    const { render } = hooks(t, api);
    const { result } = render(() => useInfiniteUsers({ search }));
    await waitFor(() => assert.equal(result.current.isSuccess, true));
    assert.equal(result.current.hasNextPage, false);
  });

  test('an optimistic change stays when the server agrees', async (t) => {
    const { users: [user] } = await makeUsers(1);
    const shown = [];
    const { render } = hooks(t, api);
    const { result } = render(() => {
      const { data } = useUser(user.id);
      shown.push(data?.name);
      return { data, update: useOptimisticUserUpdate() };
    });
    await waitFor(() => assert.ok(result.current.data));

    await act(() => result.current.update.mutateAsync({ id: user.id, data: { name: 'After' } }));
    assert.deepEqual(changes(shown), [undefined, user.name, 'After']);
    assert.equal((await api.get(`/users/${user.id}`)).name, 'After');
  });

  test('an optimistic change is taken back when the server refuses', async (t) => {
    const { users: [user, other] } = await makeUsers(2);
    const shown = [];
    const { render } = hooks(t, api);
    const { result } = render(() => {
      const { data } = useUser(user.id);
      shown.push(data?.email);
      return { data, update: useOptimisticUserUpdate() };
    });
    await waitFor(() => assert.ok(result.current.data));

    // Not awaited inside `act`, which would render only once, when all is over.
    act(() => result.current.update.mutate({ id: user.id, data: { email: other.email } }));
    await waitFor(() => assert.equal(result.current.update.error?.code, 'CONFLICT_ERROR'));
    assert.deepEqual(changes(shown), [undefined, user.email, other.email, user.email]);
    assert.deepEqual(await api.get(`/users/${user.id}`), user);
  });
});
