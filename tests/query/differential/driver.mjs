// Plays scenarios with the real TanStack Query and prints the trace of each step.
// stdin: a list of scenarios; stdout: a list of traces. A tick of the scenario's clock is a millisecond to TanStack Query.
import { readFileSync } from 'node:fs'

const realImmediate = setImmediate
let now = 0
let timers = []
let count = 0
globalThis.window = {} // else it takes itself for a server, and nothing becomes stale or is collected
globalThis.setTimeout = (callback, delay = 0) => {
  timers.push({ id: ++count, at: now + Math.max(0, delay), callback })
  return count
}
globalThis.clearTimeout = (id) => {
  timers = timers.filter((timer) => timer.id !== id)
}
Date.now = () => 1_000_000 + now

const { InfiniteQueryObserver, MutationObserver, QueryClient, QueryObserver, isCancelledError } = await import(
  '@tanstack/query-core'
)

const drained = () => new Promise((resolve) => realImmediate(resolve))

async function advance(ticks) {
  const end = now + ticks
  await drained()
  for (;;) {
    const next = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at || a.id - b.id)[0]
    if (!next) break
    timers = timers.filter((timer) => timer !== next)
    now = Math.max(now, next.at)
    next.callback()
    await drained()
  }
  now = end
}

const formatError = (error) => (error == null ? null : isCancelledError(error) ? 'cancelled' : error.message)

// Version 4 leaves the first page's parameter undefined; from version 5 on, and here, it has a name.
const plain = (data) =>
  data?.pageParams ? { ...data, pageParams: data.pageParams.map((param) => param ?? 1) } : (data ?? null)

class Play {
  constructor(scenario) {
    now = 0
    timers = []
    this.scenario = scenario
    this.calls = {}
    this.results = {}
    this.observers = {}
    this.seen = {}
    this.log = []
    this.waiting = new Map()
    this.client = new QueryClient({
      logger: { log() {}, warn() {}, error() {} },
      defaultOptions: {
        queries: {
          staleTime: scenario.stale_time,
          cacheTime: scenario.cache_time,
          retry: scenario.retry,
          retryDelay: (failures) => Math.min(1024 * 2 ** failures, 30720),
        },
        mutations: { retry: scenario.retry, retryDelay: (failures) => Math.min(1024 * 2 ** failures, 30720) },
      },
    })
    this.client.mount()
  }

  // The server's next response for a key: it takes some ticks, then succeeds or fails.
  serve(key, param) {
    const hash = JSON.stringify(key)
    const number = (this.calls[hash] = (this.calls[hash] ?? 0) + 1)
    const script = this.scenario.server[hash]
    const { ticks, fails } = script[(number - 1) % script.length]
    return new Promise((resolve, reject) => {
      setTimeout(
        () => (fails ? reject(new Error(`failure ${number}`)) : resolve({ number, param: param ?? null, same: [1] })),
        ticks,
      )
    })
  }

  options(op) {
    const options = { queryKey: op.key, queryFn: () => this.serve(op.key) }
    if (op.enabled === false) options.enabled = false
    if (op.keep) options.keepPreviousData = true
    return options
  }

  infinite(op) {
    return {
      queryKey: op.key,
      queryFn: ({ pageParam = 1 }) => this.serve(op.key, pageParam),
      getNextPageParam: (last) => (last.param < 4 ? last.param + 1 : undefined),
      getPreviousPageParam: (first) => (first.param > -1 ? first.param - 1 : undefined),
    }
  }

  keep(id, promise, hash) {
    this.results[id] = 'pending'
    if (hash !== undefined) this.waiting.set(id, hash)
    const done = (result) => {
      this.results[id] = result
      this.waiting.delete(id)
    }
    promise.then(
      (data) => done({ data: data ?? null }),
      (error) => done(isCancelledError(error) ? 'cancelled' : { error: formatError(error) }),
    )
  }

  // A caller waits for this promise; in Python, a thread.
  wait(promise, hashes) {
    for (const hash of hashes) {
      const id = Symbol(hash)
      this.waiting.set(id, hash)
      promise.finally(() => this.waiting.delete(id)).catch(() => {})
    }
  }

  listen(op, observer) {
    this.observers[op.id] = observer
    this.seen[op.id] = []
    let last = JSON.stringify(this.shown(observer.getCurrentResult()))
    observer.subscribe((result) => {
      const shown = this.shown(result)
      if (JSON.stringify(shown) !== last) this.seen[op.id].push(shown) // else only isStale has changed
      last = JSON.stringify(shown)
    })
  }

  shown(result) {
    return [result.status, result.fetchStatus, plain(result.data), formatError(result.error), result.failureCount, !!result.isPreviousData]
  }

  matching(op) {
    return this.client.getQueryCache().findAll(op.key, { exact: false })
  }

  // Intended differences; a scenario is compared until one of these occurs.
  difference(op) {
    const fetching = (query) => query.state.fetchStatus !== 'idle'
    const found = op.key ? this.matching(op) : []
    if (op.do === 'invalidate' && found.some((query) => fetching(query) && !(query.isActive() && query.state.dataUpdatedAt && op.refetch !== 'none')))
      return 'invalidation-during-fetch'
    if (op.do === 'cancel' && found.some((query) => fetching(query) && query.revertState && (query.revertState.dataUpdateCount !== query.state.dataUpdateCount || query.revertState.isInvalidated !== query.state.isInvalidated || query.revertState.fetchStatus !== 'idle')))
      return 'cancel-keeps-what-was-set'
    if (op.do === 'mutate' && this.client.getQueryCache().findAll(op.key).some((query) => fetching(query)))
      return 'cancel-keeps-what-was-set'
    if ((op.do === 'remove' || op.do === 'clear') && (op.key ? found : this.client.getQueryCache().getAll()).some((query) => query.getObserversCount()))
      return 'removed-while-observed'
    if (op.do === 'unobserve' && this.observers[op.id]) {
      const query = this.observers[op.id].getCurrentQuery()
      if (fetching(query) && query.getObserversCount() === 1 && [...this.waiting.values()].includes(query.queryHash))
        return 'retries-for-those-who-wait'
    }
    if (op.do === 'turn' && this.observers[op.id]) {
      const query = this.observers[op.id].getCurrentQuery()
      if (fetching(query) && query.getObserversCount() === 1 && [...this.waiting.values()].includes(query.queryHash))
        return 'retries-for-those-who-wait'
    }
    if (['refetch', 'reset', 'invalidate'].includes(op.do) && found.some((query) => !query.options.queryFn && !query.observers.some((observer) => observer.options.queryFn)))
      return 'no-function-no-fetch'
    if (op.do === 'reset' && found.some((query) => !query.isActive()))
      return 'what-was-reset-is-collected'
    return null
  }

  step(op) {
    const client = this.client
    const observer = this.observers[op.id]
    switch (op.do) {
      case 'fetch':
        return this.keep(op.call, client.fetchQuery(this.options(op)), JSON.stringify(op.key))
      case 'ensure':
        return this.keep(op.call, client.ensureQueryData(this.options(op)), JSON.stringify(op.key))
      case 'set':
        return client.setQueryData(op.key, { number: op.value, same: [1] })
      case 'update':
        return client.setQueryData(op.key, (old) => (old && old.number !== undefined ? { ...old, number: old.number + 1000 } : undefined))
      case 'invalidate':
        return void client.invalidateQueries({ queryKey: op.key, refetchType: op.refetch })
      case 'refetch':
        return this.wait(client.refetchQueries({ queryKey: op.key }), this.matching(op).map((query) => query.queryHash))
      case 'cancel':
        return void client.cancelQueries({ queryKey: op.key })
      case 'remove':
        return client.removeQueries({ queryKey: op.key })
      case 'reset':
        return void client.resetQueries({ queryKey: op.key })
      case 'clear':
        return client.clear()
      case 'observe':
        return this.listen(op, new QueryObserver(client, this.options(op)))
      case 'observe_infinite':
        return this.listen(op, new InfiniteQueryObserver(client, this.infinite(op)))
      case 'unobserve':
        observer?.destroy()
        delete this.observers[op.id]
        return
      case 'turn':
        return observer?.setOptions(this.options(op))
      case 'refetch_observer':
        return observer && this.wait(observer.refetch(), [observer.getCurrentQuery().queryHash])
      case 'next':
        return observer && this.wait(observer.fetchNextPage(), [observer.getCurrentQuery().queryHash])
      case 'previous':
        return observer && this.wait(observer.fetchPreviousPage(), [observer.getCurrentQuery().queryHash])
      case 'mutate':
        return this.mutate(op)
    }
  }

  mutate(op) {
    const { client } = this
    const observer = new MutationObserver(client, {
      mutationFn: () => this.serve(['mutation']),
      onMutate: async () => {
        this.log.push('mutate')
        await client.cancelQueries({ queryKey: op.key })
        const before = client.getQueryData(op.key)
        if (before?.number !== undefined) client.setQueryData(op.key, { ...before, number: before.number + 5000 })
        return { before }
      },
      onSuccess: (data) => {
        this.log.push(`success ${data.number}`)
      },
      onError: (error, _, context) => {
        this.log.push(`error ${error.message}`)
        if (context.before?.number !== undefined) client.setQueryData(op.key, context.before)
      },
      onSettled: (data, error) => {
        this.log.push(`settled ${data?.number ?? null} ${error?.message ?? null}`)
      },
    })
    this.keep(op.call, observer.mutate())
  }

  trace() {
    const queries = {}
    for (const query of this.client.getQueryCache().getAll()) {
      const { state } = query
      queries[query.queryHash] = {
        data: plain(state.data),
        status: state.status,
        fetch_status: state.fetchStatus,
        error: formatError(state.error),
        invalidated: state.isInvalidated,
        failures: state.fetchFailureCount,
        updates: state.dataUpdateCount,
        errors: state.errorUpdateCount,
        updated_at: state.dataUpdatedAt ? state.dataUpdatedAt - 1_000_000 : null,
        observers: query.getObserversCount(),
      }
    }
    const observers = {}
    for (const [id, observer] of Object.entries(this.observers)) {
      const result = observer.getCurrentResult()
      observers[id] = [...this.shown(result), result.isStale]
      if (result.hasNextPage !== undefined || observer instanceof InfiniteQueryObserver)
        observers[id].push(!!result.hasNextPage, !!result.hasPreviousPage, result.isFetchingNextPage, result.isFetchingPreviousPage)
    }
    return structuredClone({ now, queries, observers, seen: this.seen, results: this.results, calls: this.calls, log: this.log })
  }

  async run() {
    const steps = []
    for (const op of this.scenario.steps) {
      const difference = this.difference(op)
      if (difference) return { steps, difference }
      if (op.do !== 'advance') this.step(op)
      await advance(op.do === 'advance' ? op.ticks : 0)
      steps.push(this.trace())
    }
    return { steps, difference: null }
  }
}

process.on('unhandledRejection', () => {})
const traces = []
for (const scenario of JSON.parse(readFileSync(0, 'utf8'))) {
  const play = new Play(scenario)
  traces.push(await play.run())
  play.client.unmount()
}
process.stdout.write(JSON.stringify(traces))
