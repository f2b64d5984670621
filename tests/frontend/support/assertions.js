import assert from 'node:assert/strict';

export const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Every error of either service has this one body. */
export function assertErrorBody(body, code) {
  assert.equal(body.code, code);
  assert.equal(typeof body.message, 'string');
  assert.equal(typeof body.details.message, 'string');
  assert.ok(body.errors.length > 0 && body.errors.every((line) => typeof line === 'string'));
  assert.match(body.metadata.timestamp, TIMESTAMP);
  assert.ok(body.metadata.requestId);
  assert.ok(body.metadata.version);
}
