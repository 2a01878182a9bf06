import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BROKER, CLUSTER, configFixture, TOPIC } from './config-fixture.ts';

const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;

test('a topic has the broker values until it has its own', async () => {
  const { service, close } = await configFixture({ 'log.retention.hours': '2' });
  assert.equal(service.logConfig('orders').retentionMs, 2 * 3_600_000);
  const [outcome] = await service.incrementalAlter(
    [{ ...TOPIC, changes: [{ name: 'retention.ms', value: '5000', operation: SET }] }],
    false,
  );
  assert.equal(outcome?.errorCode, 0);
  assert.equal(service.logConfig('orders').retentionMs, 5000);
  assert.equal(service.logConfig('payments').retentionMs, 2 * 3_600_000);
  close();
});
