// wiremock-rest-client: every method that its README lists, but those of recordings, which the mock does not have.

import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { beforeEach, test } from 'node:test'
import rest from 'wiremock-rest-client'

const origin = process.env.WIREMOCK_URL
const isMock = process.env.IS_MOCK === '1' // WireMock 3 has dropped two paths that this client calls; the mock has them
const wireMock = new rest.WireMockRestClient(origin, { logLevel: 'silent', continueOnFailure: true })

const send = (path, options) => fetch(new URL(path, origin), options)

const stubMapping = {
  request: { method: 'GET', urlPathPattern: '/api/helloworld' },
  response: { status: 200, jsonBody: { hello: 'world' }, headers: { 'Content-Type': 'application/json' } },
  metadata: { group: 'hello' },
}

beforeEach(async () => {
  await wireMock.mappings.deleteAllMappings()
  await wireMock.global.resetAll()
})

test('creates a mapping', async () => {
  await wireMock.mappings.resetAllMappings()
  const created = await wireMock.mappings.createMapping(stubMapping)
  assert.match(created.id, /^[0-9a-f-]{36}$/)
  assert.deepEqual(await (await send('/api/helloworld')).json(), { hello: 'world' })
})

test('creates mappings from files', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stubs-'))
  writeFileSync(join(folder, 'hello-world.json'), JSON.stringify(stubMapping))
  await wireMock.mappings.createMappingFromFile(relative(process.cwd(), join(folder, 'hello-world.json')))
  await Promise.all(await wireMock.mappings.createMappingsFromDir(relative(process.cwd(), folder)))
  assert.equal((await wireMock.mappings.getAllMappings()).meta.total, 2)
})

test('reads, updates, finds and deletes mappings', async () => {
  const { id } = await wireMock.mappings.createMapping(stubMapping)
  assert.equal((await wireMock.mappings.getMapping(id)).request.urlPathPattern, '/api/helloworld')
  await wireMock.mappings.updateMapping(id, { ...stubMapping, response: { status: 204 } })
  assert.equal((await send('/api/helloworld')).status, 204)
  const pattern = { matchesJsonPath: { expression: '$.group', equalTo: 'hello' } }
  assert.deepEqual((await wireMock.mappings.findByMetaData(pattern)).mappings.map((one) => one.id), [id])
  await wireMock.mappings.removeByMetaData(pattern)
  assert.equal((await wireMock.mappings.getAllMappings()).meta.total, 0)
  const other = await wireMock.mappings.createMapping(stubMapping)
  await wireMock.mappings.deleteMapping(other.id)
  assert.equal((await wireMock.mappings.getAllMappings()).meta.total, 0)
})

test('reads the journal', async () => {
  await wireMock.mappings.createMapping(stubMapping)
  await send('/api/helloworld')
  await send('/api/helloearth')
  const { requests } = await wireMock.requests.getAllRequests()
  assert.deepEqual(requests.map((entry) => entry.request.url), ['/api/helloearth', '/api/helloworld'])
  assert.equal((await wireMock.requests.getRequest(requests[0].id)).request.url, '/api/helloearth')
  const pattern = { method: 'GET', urlPath: '/api/helloworld' }
  assert.equal((await wireMock.requests.getCount(pattern)).count, 1)
  assert.equal((await wireMock.requests.findRequests(pattern)).requests.length, 1)
  assert.equal((await wireMock.requests.getUnmatchedRequests()).requests.length, 1)
  const { nearMisses } = await wireMock.requests.getUnmatchedNearMisses()
  assert.equal(nearMisses[0].stubMapping.request.urlPathPattern, '/api/helloworld')
  await wireMock.requests.deleteRequest(requests[0].id)
  await wireMock.requests.removeRequests(pattern)
  assert.equal((await wireMock.requests.getAllRequests()).meta.total, 0)
})

test('empties the journal', async () => {
  await wireMock.mappings.createMapping(stubMapping)
  for (const empty of [
    () => wireMock.requests.deleteAllRequests(),
    () => wireMock.requests.removeRequestsByMetadata({ matchesJsonPath: '$.group' }),
    ...(isMock ? [() => wireMock.requests.resetAllRequests()] : []),
  ]) {
    await send('/api/helloworld')
    await empty()
    assert.equal((await wireMock.requests.getAllRequests()).meta.total, 0)
  }
})

test('moves scenarios', async () => {
  await wireMock.mappings.createMapping({
    ...stubMapping, scenarioName: 'hello', requiredScenarioState: 'Started', newScenarioState: 'said',
  })
  await send('/api/helloworld')
  const state = async () => (await wireMock.scenarios.getAllScenarios()).scenarios[0].state
  assert.equal(await state(), 'said')
  await wireMock.scenarios.resetAllScenarios()
  assert.equal(await state(), 'Started')
  await wireMock.scenarios.setScenarioState('hello', 'said')
  assert.equal(await state(), 'said')
  await wireMock.scenarios.resetScenario('hello')
  assert.equal(await state(), 'Started')
})

test('sets a delay for all', async () => {
  await wireMock.global.updateGlobalSettings({ fixedDelay: 1 })
  await wireMock.global.updateGlobalSettings({})
})

test('finds near misses below /requests, where WireMock has no such path', { skip: !isMock }, async () => {
  await wireMock.mappings.createMapping(stubMapping)
  await send('/api/helloearth')
  const byRequest = await wireMock.requests.getNearMissesByRequest({ url: '/api/hello', method: 'GET' })
  assert.equal(byRequest.nearMisses.length, 1)
  const byPattern = await wireMock.requests.getNearMissesByRequestPattern({ urlPath: '/api/hello' })
  assert.equal(byPattern.nearMisses.length, 1)
})
