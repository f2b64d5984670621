// wiremock-captain, as its README and its documentation use it.

import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import captain from 'wiremock-captain'

const { BodyType, DelayType, EndpointFeature, MatchingAttributes, WireMock, WireMockAPI, WireMockFault } = captain

const origin = process.env.WIREMOCK_URL
const mock = new WireMock(origin)

const send = (path, options) => fetch(new URL(path, origin), options)
const post = (path, body) => send(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })

beforeEach(() => mock.clearAll())

test('mocks a downstream service', async () => {
  const request = { method: 'POST', endpoint: '/test-endpoint', body: { hello: 'world' } }
  const stub = await mock.register(request, { status: 200, body: { goodbye: 'world' } })
  assert.match(stub.id, /^[0-9a-f-]{36}$/)
  const response = await post('/test-endpoint', { hello: 'world' })
  assert.deepEqual([response.status, await response.json()], [200, { goodbye: 'world' }])
  assert.notEqual((await post('/test-endpoint', { hello: 'moon' })).status, 200)
})

test('matches headers, cookies and query parameters by features', async () => {
  const request = {
    method: 'GET',
    endpoint: '/things/[0-9]+',
    headers: { 'X-A': 'a.*' },
    cookies: { session: 'one' },
    queryParameters: { q: 'x' },
  }
  const features = {
    requestEndpointFeature: EndpointFeature.UrlPathPattern,
    requestHeaderFeatures: { 'X-A': MatchingAttributes.Matches },
    requestQueryParamFeatures: { q: MatchingAttributes.Contains },
  }
  await mock.register(request, { status: 202, body: 'done', headers: { 'X-B': '1' } }, features)
  const headers = { 'X-A': 'abc', Cookie: 'session=one' }
  const response = await send('/things/12?q=axb', { headers })
  assert.deepEqual([response.status, response.headers.get('x-b'), await response.json()], [202, '1', 'done'])
  assert.notEqual((await send('/things/12?q=a', { headers })).status, 202)
})

test('ignores the order of arrays and extra elements', async () => {
  const features = { requestIgnoreArrayOrder: true, requestIgnoreExtraElements: true }
  await mock.register({ method: 'POST', endpoint: '/json', body: { a: [1, 2] } }, { status: 200, body: {} }, features)
  assert.equal((await post('/json', { a: [2, 1], b: 3 })).status, 200)
})

test('answers with a text, or bytes', async () => {
  await mock.register({ method: 'GET', endpoint: '/text' }, { status: 200, body: 'plain' }, { responseBodyType: BodyType.Body })
  await mock.register({ method: 'GET', endpoint: '/bytes' }, { status: 200, body: 'AAE=' }, { responseBodyType: BodyType.Base64Body })
  assert.equal(await (await send('/text')).text(), 'plain')
  assert.deepEqual([...new Uint8Array(await (await send('/bytes')).arrayBuffer())], [0, 1])
})

test('delays in four ways', async () => {
  const delays = [
    { type: DelayType.FIXED, constantDelay: 5 },
    { type: DelayType.UNIFORM, lower: 1, upper: 5 },
    { type: DelayType.LOG_NORMAL, median: 2, sigma: 0.1 },
    { type: DelayType.CHUNKED_DRIBBLE, numberOfChunks: 2, totalDuration: 5 },
  ]
  for (const responseDelay of delays) {
    await mock.register({ method: 'GET', endpoint: '/slow' }, { status: 200, body: { ok: true } }, { responseDelay })
    assert.deepEqual(await (await send('/slow')).json(), { ok: true })
  }
})

test('breaks connections', async () => {
  for (const fault of Object.values(WireMockFault)) {
    await mock.register({ method: 'GET', endpoint: '/broken' }, { status: 200 }, { fault })
    await assert.rejects(async () => (await send('/broken')).text())
  }
})

test('prefers a stub of higher priority', async () => {
  await mock.register({ method: 'GET', endpoint: '/p' }, { status: 200, body: 1 }, { stubPriority: 1 })
  await mock.register({ method: 'GET', endpoint: '/p' }, { status: 200, body: 2 }, { stubPriority: 2 })
  assert.equal(await (await send('/p')).json(), 1)
})

test('follows scenarios', async () => {
  const step = (requiredScenarioState, newScenarioState, status) =>
    mock.register({ method: 'GET', endpoint: '/job' }, { status }, {
      scenario: { scenarioName: 'job', requiredScenarioState, newScenarioState },
    })
  await step('Started', 'running', 202)
  await step('running', 'ready', 200)
  assert.deepEqual([(await send('/job')).status, (await send('/job')).status], [202, 200])
  const [scenario] = await mock.getAllScenarios()
  assert.deepEqual([scenario.name, scenario.state], ['job', 'ready'])
  await mock.resetAllScenarios()
  assert.equal((await send('/job')).status, 202)
})

test('reads and deletes mappings', async () => {
  const { id } = await mock.register({ method: 'GET', endpoint: '/once' }, { status: 200 })
  assert.equal((await mock.getMapping(id)).request.url, '/once')
  assert.deepEqual((await mock.getAllMappings()).map((mapping) => mapping.id), [id])
  await mock.deleteMapping(id)
  assert.deepEqual(await mock.getAllMappings(), [])
  await mock.register({ method: 'GET', endpoint: '/twice' }, { status: 200 })
  await mock.clearAllExceptDefault()
  assert.deepEqual(await mock.getAllMappings(), [])
})

test('reads the journal', async () => {
  await mock.register({ method: 'GET', endpoint: '/seen' }, { status: 200 })
  await send('/seen')
  await send('/unseen')
  assert.equal((await mock.getAllRequests()).length, 2)
  assert.deepEqual((await mock.getRequestsForAPI('GET', '/seen')).map((entry) => entry.request.url), ['/seen'])
  assert.deepEqual((await mock.getUnmatchedRequests()).map((request) => request.url), ['/unseen'])
  await mock.clearAllRequests()
  assert.deepEqual(await mock.getAllRequests(), [])
})

test('mocks one endpoint', async () => {
  const api = new WireMockAPI(origin, '/orders', 'POST')
  await api.registerDefaultResponse({ status: 200, body: { default: true } })
  await api.register({ body: { id: 5 } }, { status: 201, body: { id: 5 } })
  assert.equal((await post('/orders', { id: 5 })).status, 201)
  assert.deepEqual(await (await post('/orders', { id: 6 })).json(), { default: true })
  assert.equal((await api.getRequestsForAPI()).length, 2)
})
