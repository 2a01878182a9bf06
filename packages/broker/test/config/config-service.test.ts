import { PromisedSession } from '../../../core/test/coordination/promised-session.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import * as fc from 'fast-check';
import type { Properties } from '../../src/config/server-properties.ts';
import type { ConfigOutcome, SettingChange } from '../../src/config/config-service.ts';
import type { DescribedSetting } from '../../src/config/setting-description.ts';
import type { ConfigFixture } from './config-fixture.ts';
import { BROKER, CLUSTER, configFixture, readNode, TOPIC } from './config-fixture.ts';

const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;

const INVALID_REQUEST = 42;
const INVALID_CONFIG = 40;
const UNKNOWN_TOPIC = 3;

async function fixture(context: TestContext, properties: Properties = {}): Promise<ConfigFixture> {
  const made = await configFixture(properties);
  context.after(() => made.close());
  return made;
}

type Change = [name: string, operation: number, value: string | null];

async function change(
  { service }: ConfigFixture,
  resource: { type: number; name: string },
  changes: Change[],
  validateOnly = false,
): Promise<ConfigOutcome> {
  const named = changes.map(([name, operation, value]): SettingChange => ({ name, operation, value }));
  const [outcome] = await service.incrementalAlter([{ ...resource, changes: named }], validateOnly);
  return outcome as ConfigOutcome;
}

async function changed(made: ConfigFixture, resource: { type: number; name: string }, changes: Change[]) {
  const outcome = await change(made, resource, changes);
  assert.equal(outcome.errorCode, 0, outcome.errorMessage ?? '');
}

function described(
  { service }: ConfigFixture,
  resource: { type: number; name: string },
  name: string,
): DescribedSetting {
  const { settings } = service.describe(resource, [name]);
  assert.equal(settings.length, 1, `${name} is described once`);
  return settings[0] as DescribedSetting;
}

function synonyms(setting: DescribedSetting): string[] {
  return setting.synonyms.map(({ name, value, source }) => `${name}=${value} (${source})`);
}

test('a change takes effect at once, on this topic only, and is in the tree in the format of Kafka', async (context) => {
  const made = await fixture(context, { 'log.retention.hours': '2' });
  const told: string[] = [];
  made.service.onTopicChange((topic) => told.push(topic));
  assert.equal(made.service.logConfig('orders').retentionMs, 7_200_000);
  await changed(made, TOPIC, [['retention.ms', SET, '5000']]);
  assert.deepEqual(told, ['orders']);
  assert.equal(made.service.logConfig('orders').retentionMs, 5000);
  assert.equal(made.service.logConfig('payments').retentionMs, 7_200_000);
  assert.equal(
    await readNode(made, '/config/topics/orders'),
    '{"version":1,"config":{"retention.ms":"5000"}}',
  );
  assert.equal(
    await readNode(made, '/config/changes/config_change_0000000000'),
    '{"version":2,"entity_path":"topics/orders"}',
  );
});

test('settings last: a service opened later on the same tree has them', async (context) => {
  const made = await fixture(context);
  await changed(made, TOPIC, [['segment.bytes', SET, '5000']]);
  await changed(made, BROKER, [['log.retention.ms', SET, '6000']]);
  await changed(made, CLUSTER, [['message.max.bytes', SET, '7000']]);
  const later = await configFixture({}, made.tree);
  assert.equal(later.service.logConfig('orders').segmentBytes, 5000);
  assert.equal(later.loaded.config.logRetentionMs, 6000);
  assert.equal(later.service.logConfig('payments').maxMessageBytes, 7000);
});

test('another broker hears of changes of topics and of the cluster, not of a single other broker', async (context) => {
  const made = await fixture(context);
  const other = await configFixture({ 'broker.id': '1' }, made.tree);
  const told: string[] = [];
  other.service.onTopicChange((topic) => told.push(topic));
  const heard = new Promise<void>((resolve) => other.service.onBrokerChange(resolve));
  await changed(made, TOPIC, [['segment.bytes', SET, '5000']]);
  await changed(made, BROKER, [['log.retention.ms', SET, '6000']]);
  await changed(made, CLUSTER, [['message.max.bytes', SET, '7000']]);
  await heard;
  assert.deepEqual(told, ['orders']);
  assert.equal(other.service.logConfig('orders').segmentBytes, 5000);
  assert.equal(other.loaded.config.messageMaxBytes, 7000);
  assert.equal(other.loaded.config.logRetentionMs, 604_800_000);
});

test('two writers of one topic lose nothing', async (context) => {
  const made = await fixture(context);
  const other = await configFixture({ 'broker.id': '1' }, made.tree);
  const names = ['segment.bytes', 'retention.bytes', 'max.message.bytes', 'index.interval.bytes'];
  await Promise.all(
    names.map((name, at) => changed(at % 2 === 0 ? made : other, TOPIC, [[name, SET, '1000']])),
  );
  assert.deepEqual(
    Object.keys((await configFixture({}, made.tree)).service.topicOverrides('orders')).sort(),
    names.sort(),
  );
});

test('dynamic broker settings change the shared config object, and go back when deleted', async (context) => {
  const made = await fixture(context, { 'log.retention.ms': '1000' });
  const { config } = made.loaded;
  let told = 0;
  made.service.onBrokerChange(() => (told += 1));
  await changed(made, CLUSTER, [['log.retention.ms', SET, '2000']]);
  assert.equal(config.logRetentionMs, 2000);
  await changed(made, BROKER, [['log.retention.ms', SET, '3000']]);
  assert.equal(config.logRetentionMs, 3000);
  assert.equal(made.service.logConfig('orders').retentionMs, 3000);
  await changed(made, BROKER, [['log.retention.ms', DELETE, null]]);
  await changed(made, CLUSTER, [['log.retention.ms', DELETE, null]]);
  assert.equal(config.logRetentionMs, 1000);
  assert.equal(told, 4);
});

test('a dynamic value takes the place of what the file says of the same time in other units', async (context) => {
  const made = await fixture(context, { 'log.retention.hours': '5' });
  assert.equal(described(made, BROKER, 'log.retention.hours').value, '5');
  await changed(made, BROKER, [['log.retention.ms', SET, '2000']]);
  assert.equal(described(made, BROKER, 'log.retention.hours').value, '168');
});

test('what another program wrote into the tree and is not allowed is left out and told', async (context) => {
  const made = await fixture(context);
  const data = Buffer.from(
    '{"version":1,"config":{"num.partitions":"9","log.retention.ms":"x","message.max.bytes":"8"}}',
  );
  await new Promise<void>((resolve, reject) =>
    made.coordination.write(
      [{ type: 'create', path: '/config/brokers/<default>', data, mode: 'persistent' }],
      (error) => (error === null ? resolve() : reject(error)),
    ),
  );
  const later = await configFixture({}, made.tree);
  assert.equal(later.loaded.config.messageMaxBytes, 8);
  assert.equal(later.loaded.config.numPartitions, 1);
  assert.equal(later.errors.length, 1);
});

test('nonsense in the node of a topic counts as no settings, a notice of nonsense as none; the next change is heard', async (context) => {
  const broker = await configFixture();
  context.after(broker.close);
  const other = new PromisedSession(broker.tree.connect());
  await other.create('/config/topics/payments', 'nonsense');
  await other.create('/config/changes/config_change_', 'nonsense', 'persistent-sequential');
  await other.create('/config/topics/orders', '{"version":1,"config":{"max.message.bytes":"500"}}');
  const notice = '{"version":2,"entity_path":"topics/orders"}';
  await other.create('/config/changes/config_change_', notice, 'persistent-sequential');
  await broker.settled();
  assert.deepEqual(broker.service.topicOverrides('payments'), {});
  assert.equal(broker.service.topicOverrides('orders')['max.message.bytes'], '500');
  assert.deepEqual(broker.errors, []);
  const again = await configFixture({}, broker.tree);
  assert.deepEqual(again.service.topicOverrides('payments'), {});
});

test('F52: a notice that was written twice, as after a lost answer, tells what the settings are now', async (context) => {
  const broker = await configFixture();
  context.after(broker.close);
  const other = new PromisedSession(broker.tree.connect());
  await other.create('/config/topics/orders', '{"version":1,"config":{"max.message.bytes":"500"}}');
  const notice = '{"version":2,"entity_path":"topics/orders"}';
  await other.create('/config/changes/config_change_', notice, 'persistent-sequential');
  await broker.settled();
  await other.set('/config/topics/orders', '{"version":1,"config":{"max.message.bytes":"600"}}');
  await other.create('/config/changes/config_change_', notice, 'persistent-sequential');
  await broker.settled();
  assert.deepEqual(broker.service.topicOverrides('orders'), { 'max.message.bytes': '600' });
  assert.deepEqual(broker.errors, []);
});

test('notices older than a quarter of an hour are removed', async (context) => {
  const made = await fixture(context);
  await changed(made, TOPIC, [['segment.bytes', SET, '5000']]);
  made.clock.nowMs += 16 * 60_000;
  await changed(made, TOPIC, [['segment.bytes', SET, '6000']]);
  await made.settled();
  assert.deepEqual(await made.children('/config/changes'), ['config_change_0000000001']);
});

test('pitfall 168: no names means all, unknown ones are left out; unknown topics and other brokers are refused', async (context) => {
  const made = await fixture(context);
  const { service } = made;
  assert.equal(service.describe(TOPIC, null).settings.length, 36);
  assert.equal(service.describe(TOPIC, []).settings.length, 36);
  const names = service.describe(TOPIC, ['retention.ms', 'no.such']).settings.map(({ name }) => name);
  assert.deepEqual(names, ['retention.ms']);
  assert.equal(service.describe({ type: 2, name: 'absent' }, null).errorCode, UNKNOWN_TOPIC);
  const other = service.describe({ type: 4, name: '5' }, null);
  assert.equal(other.errorCode, INVALID_REQUEST);
  assert.equal(other.errorMessage, 'Unexpected broker id, expected 0 or empty string, but received 5');
  const word = service.describe({ type: 4, name: 'five' }, null);
  assert.equal(word.errorMessage, 'Broker id must be an integer, but it is: five');
});

test('pitfall 169: sources and synonyms, from the strongest to the weakest', async (context) => {
  const made = await fixture(context, { 'log.retention.ms': '4000', 'log.segment.bytes': '3000' });
  assert.deepEqual(synonyms(described(made, TOPIC, 'retention.ms')), [
    'log.retention.ms=4000 (4)',
    'log.retention.hours=168 (5)',
  ]);
  await changed(made, CLUSTER, [['log.retention.ms', SET, '3000']]);
  await changed(made, BROKER, [['log.retention.ms', SET, '2000']]);
  await changed(made, TOPIC, [['retention.ms', SET, '1000']]);
  const setting = described(made, TOPIC, 'retention.ms');
  assert.equal(setting.value, '1000');
  assert.equal(setting.source, 1);
  assert.deepEqual(synonyms(setting), [
    'retention.ms=1000 (1)',
    'log.retention.ms=2000 (2)',
    'log.retention.ms=3000 (3)',
    'log.retention.ms=4000 (4)',
    'log.retention.hours=168 (5)',
  ]);
  assert.equal(described(made, TOPIC, 'segment.bytes').source, 4);
  assert.equal(described(made, TOPIC, 'segment.ms').source, 5);
  assert.equal(described(made, BROKER, 'log.retention.ms').source, 2);
  assert.deepEqual(synonyms(described(made, CLUSTER, 'log.retention.ms')), ['log.retention.ms=3000 (3)']);
});

test('pitfall 169: a secret has no value, nor has what nobody knows', async (context) => {
  const made = await fixture(context, { 'ssl.keystore.password': 'hunter2', 'my.plugin.key': 'hunter3' });
  for (const name of ['ssl.keystore.password', 'my.plugin.key']) {
    const setting = described(made, BROKER, name);
    assert.equal(setting.value, null);
    assert.ok(setting.isSensitive);
    assert.ok(setting.synonyms.every(({ value }) => value === null));
  }
});

test('pitfall 170: a value that a topic was given stays its own even where it equals the default', async (context) => {
  const made = await fixture(context);
  assert.equal(described(made, TOPIC, 'segment.bytes').source, 5);
  await changed(made, TOPIC, [['segment.bytes', SET, '1073741824']]);
  assert.equal(described(made, TOPIC, 'segment.bytes').source, 1);
});

test('pitfall 171: AlterConfigs replaces all, incremental changes leave the rest', async (context) => {
  const made = await fixture(context);
  await changed(made, TOPIC, [['segment.bytes', SET, '5000']]);
  await changed(made, TOPIC, [['retention.ms', SET, '6000']]);
  assert.deepEqual(made.service.topicOverrides('orders'), {
    'segment.bytes': '5000',
    'retention.ms': '6000',
  });
  await made.service.alter([{ ...TOPIC, settings: [{ name: 'flush.ms', value: '7' }] }], false);
  assert.deepEqual(made.service.topicOverrides('orders'), { 'flush.ms': '7' });
});

test('pitfall 171: lists grow and shrink, from the default where nothing was set', async (context) => {
  const made = await fixture(context);
  await changed(made, TOPIC, [['cleanup.policy', APPEND, 'compact']]);
  assert.equal(described(made, TOPIC, 'cleanup.policy').value, 'delete,compact');
  await changed(made, TOPIC, [['cleanup.policy', APPEND, 'compact']]);
  assert.equal(described(made, TOPIC, 'cleanup.policy').value, 'delete,compact');
  await changed(made, TOPIC, [['cleanup.policy', SUBTRACT, 'delete']]);
  assert.equal(described(made, TOPIC, 'cleanup.policy').value, 'compact');
  assert.ok(made.service.logConfig('orders').cleanupCompact);
});

const malformed: [what: string, changes: Change[], code: number, message: string | RegExp][] = [
  [
    'append to no list',
    [['segment.ms', APPEND, '1']],
    INVALID_CONFIG,
    'Config value append is not allowed for config key: segment.ms',
  ],
  ['subtract from no list', [['segment.ms', SUBTRACT, '1']], INVALID_CONFIG, /subtract is not allowed/],
  ['append to an unknown name', [['no.such', APPEND, '1']], INVALID_CONFIG, /Unknown config name: no\.such/],
  [
    'a name twice',
    [
      ['segment.ms', SET, '1'],
      ['segment.ms', DELETE, null],
    ],
    INVALID_REQUEST,
    'Error due to duplicate config keys',
  ],
  ['no value', [['segment.ms', SET, null]], INVALID_REQUEST, 'Null value not supported for : segment.ms'],
  ['an unknown operation', [['segment.ms', 9, '1']], INVALID_REQUEST, 'Unknown operations type 9'],
  ['an unknown name', [['no.such', SET, '1']], INVALID_CONFIG, 'Unknown topic config name: no.such'],
  [
    'a value out of range',
    [['segment.ms', SET, '0']],
    INVALID_CONFIG,
    "Invalid config value for resource ConfigResource(type=TOPIC, name='orders'): Invalid value 0 for configuration segment.ms: Value must be at least 1",
  ],
];

for (const [what, changes, code, message] of malformed) {
  test(`pitfall 171: ${what} is refused with ${code} and changes nothing`, async (context) => {
    const made = await fixture(context);
    const outcome = await change(made, TOPIC, changes);
    assert.equal(outcome.errorCode, code);
    if (typeof message === 'string') assert.equal(outcome.errorMessage, message);
    else assert.match(outcome.errorMessage ?? '', message);
    assert.deepEqual(made.service.topicOverrides('orders'), {});
  });
}

test('pitfall 171: a resource twice is refused, both times; the others are done', async (context) => {
  const made = await fixture(context);
  const order = { ...TOPIC, changes: [{ name: 'segment.ms', operation: SET, value: '1' }] };
  const outcomes = await made.service.incrementalAlter([order, { ...order, name: 'payments' }, order], false);
  assert.deepEqual(
    outcomes.map(({ errorCode }) => errorCode),
    [INVALID_REQUEST, 0, INVALID_REQUEST],
  );
});

test('a check only checks', async (context) => {
  const made = await fixture(context);
  assert.equal((await change(made, TOPIC, [['segment.ms', SET, '1']], true)).errorCode, 0);
  assert.equal((await change(made, TOPIC, [['segment.ms', SET, '0']], true)).errorCode, INVALID_CONFIG);
  assert.deepEqual(made.service.topicOverrides('orders'), {});
});

test('pitfall 172: all that is described as writable is accepted back as it is', async (context) => {
  const made = await fixture(context, { 'log.retention.hours': '5', 'max.connections': '77' });
  await changed(made, TOPIC, [['cleanup.policy', SET, 'compact, delete']]);
  await changed(made, CLUSTER, [['log.segment.bytes', SET, '5000']]);
  await changed(made, BROKER, [['log.roll.ms', SET, '6000']]);
  for (const resource of [TOPIC, CLUSTER, BROKER]) {
    const before = values(made, resource);
    const settings = made.service
      .describe(resource, null)
      .settings.filter(({ readOnly, value }) => !readOnly && value !== null)
      .map(({ name, value }) => ({ name, value }));
    assert.ok(settings.length > 0);
    const [outcome] = await made.service.alter([{ ...resource, settings }], false);
    assert.equal(outcome?.errorCode, 0, outcome?.errorMessage ?? '');
    assert.deepEqual(values(made, resource), before);
  }
});

test('pitfall 172: any allowed value of any topic setting comes back as it was taken, and is taken again', async (context) => {
  const made = await fixture(context);
  const name = fc.constantFrom(
    'retention.ms',
    'segment.bytes',
    'min.cleanable.dirty.ratio',
    'preallocate',
    'cleanup.policy',
  );
  const value = fc.oneof(
    fc.integer({ min: -1 }).map(String),
    fc.double({ min: 0, max: 1 }).map(String),
    fc.constantFrom('true', ' False ', 'compact', 'delete , compact', '', '+5'),
  );
  await fc.assert(
    fc.asyncProperty(name, value, async (given, text) => {
      const outcome = await change(made, TOPIC, [[given, SET, text]]);
      if (outcome.errorCode !== 0) return;
      const first = described(made, TOPIC, given).value;
      await changed(made, TOPIC, [[given, SET, first]]);
      assert.equal(described(made, TOPIC, given).value, first);
    }),
    { numRuns: 150 },
  );
});

function values(
  { service }: ConfigFixture,
  resource: { type: number; name: string },
): Record<string, string | null> {
  return Object.fromEntries(
    service.describe(resource, null).settings.map(({ name, value }) => [name, value]),
  );
}

const brokerRefusals: [what: string, resource: typeof BROKER, change: Change, message: RegExp][] = [
  [
    'a setting of the start',
    BROKER,
    ['num.partitions', SET, '3'],
    /Cannot update these configs dynamically: Set\(num\.partitions\)/,
  ],
  [
    'a listener for all brokers',
    CLUSTER,
    ['listeners', SET, 'PLAINTEXT://:1'],
    /broker id must be specified: Set\(listeners\)/,
  ],
  ['another listener', BROKER, ['listeners', SET, 'PLAINTEXT://:1'], /only at the start/],
  ['a key store without a listener', BROKER, ['ssl.keystore.type', SET, 'PEM'], /only per-listener/],
  ['a secret', BROKER, ['listener.name.x.ssl.key.password', SET, 'hunter2'], /Passwords cannot be changed/],
  ['a bad value', BROKER, ['log.retention.ms', SET, 'x'], /Not a number of type LONG/],
  ['a value that goes with no other', BROKER, ['log.roll.ms', SET, '0'], /log\.roll\.ms must be 1 or more/],
  [
    'another broker',
    { type: 4, name: '3' },
    ['log.retention.ms', SET, '1'],
    /Unexpected broker id, expected 0, but received 3/,
  ],
];

for (const [what, resource, one, message] of brokerRefusals) {
  test(`pitfall 173: ${what} cannot be changed while the broker runs`, async (context) => {
    const made = await fixture(context);
    const outcome = await change(made, resource, [one]);
    assert.equal(outcome.errorCode, what === 'a secret' ? INVALID_CONFIG : INVALID_REQUEST);
    assert.match(outcome.errorMessage ?? '', message);
    assert.doesNotMatch(outcome.errorMessage ?? '', /hunter2/);
    assert.deepEqual(await made.children('/config/changes'), []);
  });
}

test('pitfall 174: the version that tools look for', async (context) => {
  const made = await fixture(context);
  assert.equal(described(made, BROKER, 'inter.broker.protocol.version').value, '3.9-IV0');
});

test('pitfall 175: kinds of settings that are absent are INVALID_REQUEST', async (context) => {
  const made = await fixture(context);
  for (const type of [8, 16, 32, 3, 0, -1]) {
    assert.equal(made.service.describe({ type, name: '0' }, null).errorCode, INVALID_REQUEST);
    assert.equal((await change(made, { type, name: '0' }, [['a', SET, 'b']])).errorCode, INVALID_REQUEST);
  }
});

test('pitfall 176: the policy of a compacted topic is exactly `compact`', async (context) => {
  const made = await fixture(context);
  await changed(made, TOPIC, [['cleanup.policy', SET, ' compact ']]);
  assert.equal(described(made, TOPIC, 'cleanup.policy').value, 'compact');
});

test('a topic that was deleted and created again has only its new settings', async (context) => {
  const made = await fixture(context);
  await changed(made, TOPIC, [['segment.bytes', SET, '5000']]);
  made.service.topicDeleted('orders');
  assert.deepEqual(made.service.topicOverrides('orders'), {});
  made.service.topicCreated('orders', { 'retention.ms': '1' });
  assert.deepEqual(made.service.topicOverrides('orders'), { 'retention.ms': '1' });
});

test('settings that a deletion has left behind are not those of the next topic of that name', async (context) => {
  const made = await fixture(context);
  await changed(made, TOPIC, [['segment.bytes', SET, '5000']]);
  await new Promise<void>((resolve) =>
    made.coordination.write([{ type: 'delete', path: '/brokers/topics/orders', version: -1 }], () =>
      resolve(),
    ),
  );
  const later = await configFixture({}, made.tree);
  assert.deepEqual(later.service.topicOverrides('orders'), {});
  await made.service.readAnew();
  assert.deepEqual(made.service.topicOverrides('orders'), {});
  assert.notEqual(made.service.learnTopics(['orders']), null);
});
