import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBroker, type RunningBroker } from '@odradek/broker';
import { DeadLetters } from '@odradek/patterns';
import { CommandLine } from './support/command-line.ts';

const DEAD = 'orders.billing.dlq';

let broker: RunningBroker;
let odradek: CommandLine;

before(async () => {
  broker = await startBroker({ port: 0 });
  odradek = new CommandLine(broker.bootstrapServers);
  await odradek.output(['topics', 'create', 'orders', '-p', '1']);
  await using letters = new DeadLetters({ bootstrapServers: broker.bootstrapServers, groupId: 'billing' });
  await letters.createTopics(['orders']);
  for (const [offset, message] of ['connect ECONNREFUSED', 'no such item'].entries()) {
    const at = { topic: 'orders', partition: 0, offset, timestamp: 1_700_000_000_000 };
    const record = { ...at, key: Buffer.from(`key-${offset}`), value: Buffer.from('{}'), headers: [] };
    await letters.take({ record, error: new Error(message), attempts: 3 });
  }
});

after(() => broker.close());

test('dead letters are listed with where they came from and why they died', async () => {
  const lines = (await odradek.output(['dead-letters', 'list', DEAD])).split('\n');
  assert.match(lines[0]!, /^PLACE +FIRST FAILED +FROM +KEY +ATTEMPTS +REDRIVES +ERROR$/);
  assert.match(lines[1]!, /^0:0 .* orders 0:0 +key-0 +3 +0 +Error: connect ECONNREFUSED$/);
  const some = await odradek.output(['dead-letters', 'list', DEAD, '--error', 'item', '--json']);
  const [letter, ...more] = JSON.parse(some) as { place: object; error: string; key: string }[];
  assert.deepEqual(more, []);
  assert.deepEqual(
    [letter!.place, letter!.error, letter!.key],
    [{ partition: 0, offset: 1 }, 'Error: no such item', 'key-1'],
  );
});

test('they are put back only with --execute, and only those that are chosen', async () => {
  const chosen = ['dead-letters', 'redrive', DEAD, '--error', 'ECONNREFUSED'];
  const dry = await odradek.output(chosen);
  assert.match(dry, /matched +1\nmoved +1\n/);
  assert.match(dry, /nothing was done; --execute does it/);
  assert.equal(await odradek.output(['consume', 'orders', '--from-beginning', '--to-end']), '');
  assert.match(await odradek.output([...chosen, '--run', 'monday', '--execute']), /moved +1\n/);
  assert.match(await odradek.output(['consume', 'orders', '--from-beginning', '--to-end']), /\{\}/);
});

test('what cannot be understood is refused', async () => {
  const nameless = await odradek.run(['dead-letters', 'redrive', DEAD, '--execute']);
  assert.equal(nameless.exitCode, 2);
  assert.match(nameless.stderr, /--execute needs --run/);
  const placeless = await odradek.run(['dead-letters', 'list', DEAD, '--only', '7']);
  assert.match(placeless.stderr, /expected is partition:offset/);
});
