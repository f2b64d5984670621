import {
  QueryClientProvider,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { createContext, createElement, useContext, useEffect } from 'react';

const MINUTE = 60_000;

const Api = createContext(null);

/** Gives every component below it the API client and the query cache. */
export function ApiProvider({ api, queryClient, children }) {
  return createElement(
    Api.Provider,
    { value: api },
    createElement(QueryClientProvider, { client: queryClient }, children),
  );
}

export const useApi = () => useContext(Api);

export function useApiQuery(queryKey, queryFn, options) {
  return useQuery({ queryKey, queryFn, staleTime: 5 * MINUTE, cacheTime: 10 * MINUTE, ...options });
}

/** A mutation that makes every query under `invalidates(variables)` stale once the server has agreed. */
export function useApiMutation(mutationFn, invalidates) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: (_data, variables) => {
      for (const queryKey of invalidates(variables)) queryClient.invalidateQueries({ queryKey });
    },
  });
}

export function useUsers(params) {
  const api = useApi();
  return useApiQuery(['users', params], () => api.get('/users', { params }), {
    keepPreviousData: true,
    staleTime: 2 * MINUTE,
  });
}

export function useUser(id) {
  const api = useApi();
  return useApiQuery(['users', id], () => api.get(`/users/${id}`), { enabled: Boolean(id) });
}

export function useCreateUser() {
  const api = useApi();
  return useApiMutation((user) => api.post('/users', user), () => [['users']]);
}

export function useUpdateUser() {
  const api = useApi();
  return useApiMutation(({ id, data }) => api.put(`/users/${id}`, data), ({ id }) => [['users'], ['users', id]]);
}

export function useDeleteUser() {
  const api = useApi();
  return useApiMutation((id) => api.delete(`/users/${id}`), () => [['users']]);
}

export function useInfiniteUsers({ search, limit = 20 } = {}) {
  const api = useApi();
  return useInfiniteQuery({
    queryKey: ['users', 'infinite', search],
    queryFn: ({ pageParam = 1 }) => api.get('/users', { params: { page: pageParam, limit, search } }),
    getNextPageParam: (last) => last.nextPage,
    staleTime: 5 * MINUTE,
  });
}

/** Shows the change before the server has agreed to it, and takes it back if the server does not. */
export function useOptimisticUserUpdate() {
  const api = useApi();
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: ({ id, data }) => api.put(`/users/${id}`, data),
    onMutate: async ({ id, data }) => {
      const queryKey = ['users', id];
      await queryClient.cancelQueries({ queryKey });
      const before = queryClient.getQueryData(queryKey);
      queryClient.setQueryData(queryKey, (old) => ({ ...old, ...data }));
      return { before };
    },
    onError: (_error, { id }, context) => {
      if (context?.before) queryClient.setQueryData(['users', id], context.before);
    },
    onSettled: (_data, _error, { id }) => queryClient.invalidateQueries({ queryKey: ['users', id] }),
  });
}

/** Lets what the server announces flow into the query cache. */
export function useRealtime(realtime) {
  const queryClient = useQueryClient();
  useEffect(() => {
    const onUserUpdated = ({ userId, user }) => {
      queryClient.setQueryData(['users', userId], user);
      queryClient.invalidateQueries({ queryKey: ['users'] });
    };
    const onNotification = (notification) => {
      queryClient.setQueryData(['notifications'], (old = []) => [notification, ...old]);
    };
    realtime.connect();
    realtime.subscribe('user:updated', onUserUpdated);
    realtime.subscribe('notification:new', onNotification);
    return () => {
      realtime.unsubscribe('user:updated', onUserUpdated);
      realtime.unsubscribe('notification:new', onNotification);
    };
  }, [queryClient, realtime]);
}
