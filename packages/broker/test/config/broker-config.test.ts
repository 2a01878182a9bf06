import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Properties } from '../../src/config/server-properties.ts';
import { BrokerConfigError, loadBrokerConfig } from '../../src/config/load-broker-config.ts';
import { brokerSettings } from '../../src/config/broker-settings.ts';
import { settingGroups } from '../../src/config/setting-groups.ts';
import { propertyName } from '../../src/config/setting-names.ts';
import type { Setting } from '../../src/config/setting.ts';
import { parseSettingValue, valueText } from '../../src/config/setting-value.ts';
import { parseOverrides, parseProperties } from '../../src/config/server-properties.ts';
import { topicSettings } from '../../src/config/settings/topic.ts';

function problemsOf(properties: Properties, overrides: Properties = {}): readonly string[] {
  try {
    loadBrokerConfig(properties, overrides);
    return [];
  } catch (error) {
    assert.ok(error instanceof BrokerConfigError);
    return error.problems;
  }
}

test('without a file a single machine gets settings that work alone', () => {
  const { config, warnings } = loadBrokerConfig(null);
  assert.deepEqual(config.listeners, [
    { name: 'PLAINTEXT', host: '127.0.0.1', port: 9092, protocol: 'PLAINTEXT' },
  ]);
  assert.deepEqual(config.advertisedListeners, config.listeners);
  assert.equal(config.interBrokerListenerName, 'PLAINTEXT');
  assert.deepEqual(config.logDirs, ['./data']);
  assert.equal(config.brokerId, 0);
  assert.equal(config.nodeId, 0);
  assert.equal(config.offsetsTopicReplicationFactor, 1);
  assert.equal(config.transactionStateLogReplicationFactor, 1);
  assert.equal(config.groupInitialRebalanceDelayMs, 0);
  assert.deepEqual(warnings, []);
});

test('what the file says is stronger than what a single machine gets, and overrides are stronger still', () => {
  const file = parseProperties(
    [
      '# a comment',
      'broker.id = 7',
      'log.dir=/var/lib/odradek',
      'num.partitions: 3',
      'log.dirs=/a,\\',
      '  /b',
    ].join('\n'),
  );
  const { config } = loadBrokerConfig(
    file,
    parseOverrides(['num.partitions=5', 'offsets.topic.replication.factor=3']),
  );
  assert.equal(config.brokerId, 7);
  assert.equal(config.numPartitions, 5);
  assert.equal(config.offsetsTopicReplicationFactor, 3);
  assert.deepEqual(config.logDirs, ['/a', '/b']);
});

test('log.dir counts where log.dirs is not given, node.id where broker.id is not', () => {
  const { config } = loadBrokerConfig({ 'log.dir': '/one', 'node.id': '4' });
  assert.deepEqual(config.logDirs, ['/one']);
  assert.equal(config.brokerId, 4);
});

test('times in hours and minutes become milliseconds, the finer name winning', () => {
  const minutes = loadBrokerConfig({
    'log.retention.minutes': '3',
    'log.retention.hours': '9',
    'log.roll.hours': '2',
  });
  assert.equal(minutes.config.logRetentionMs, 180_000);
  assert.equal(minutes.config.logRollMs, 7_200_000);
  const forEver = loadBrokerConfig({ 'log.retention.hours': '-1' });
  assert.equal(forEver.config.logRetentionMs, -1);
  const flush = loadBrokerConfig({ 'log.flush.scheduler.interval.ms': '1000' });
  assert.equal(flush.config.logFlushIntervalMs, 1000);
});

test('the older setting for timestamps counts where the newer ones are not set', () => {
  const { config } = loadBrokerConfig({
    'log.message.timestamp.difference.max.ms': '1000',
    'log.message.timestamp.after.max.ms': '10',
  });
  assert.equal(config.logMessageTimestampBeforeMaxMs, 1000);
  assert.equal(config.logMessageTimestampAfterMaxMs, 10);
});

test('all problems are told at once, each with the name, the value and what is allowed', () => {
  const problems = problemsOf({
    'num.partitions': '0',
    'log.segment.bytes': 'big',
    listeners: 'PLAINTEXT:9092',
  });
  assert.equal(problems.length, 3);
  assert.match(problems[0] as string, /value 0 for configuration num\.partitions: Value must be at least 1/);
  assert.match(
    problems[1] as string,
    /value big for configuration log\.segment\.bytes: Not a number of type INT/,
  );
  assert.match(problems[2] as string, /listeners: 'PLAINTEXT:9092' must be NAME:\/\/host:port/);
});

test('an unknown name warns and starts', () => {
  const { warnings } = loadBrokerConfig({ 'log.retention.hrs': '1' });
  assert.deepEqual(warnings, ["Unknown setting 'log.retention.hrs' is ignored"]);
});

const stopping: [name: string, properties: Properties, says: RegExp][] = [
  [
    'an authorizer',
    { 'authorizer.class.name': 'kafka.security.authorizer.AclAuthorizer' },
    /authorizer\.class\.name.*let everybody in/,
  ],
  ['KRaft', { 'process.roles': 'broker', listeners: 'PLAINTEXT://:1' }, /process\.roles/],
  ['a list of ciphers towards ZooKeeper', { 'zookeeper.ssl.cipher.suites': 'A' }, /zookeeper\.ssl\.cipher/],
  ['a topic policy', { 'create.topic.policy.class.name': 'a.B' }, /create\.topic\.policy/],
  ['tiered storage', { 'remote.log.storage.system.enable': 'true' }, /remote\.log\.storage/],
  ['a TLS listener', { listeners: 'SSL://:9093', 'security.inter.broker.protocol': 'SSL' }, /only PLAINTEXT/],
  ['a delegation token secret', { 'delegation.token.secret.key': 's3cret' }, /delegation/],
];

for (const [what, properties, says] of stopping) {
  test(`${what} stops the start: ignoring it would weaken security or lose what was asked for`, () => {
    const problems = problemsOf(properties);
    assert.ok(
      problems.some((problem) => says.test(problem)),
      problems.join('\n'),
    );
    assert.ok(!problems.join('\n').includes('s3cret'));
  });
}

const together: [properties: Properties, says: RegExp][] = [
  [{ 'broker.id': '1', 'node.id': '2' }, /same value/],
  [{ 'broker.id': '1001' }, /reserved\.broker\.max\.id \(1000\)/],
  [{ 'broker.id': '-2' }, /-1 or more/],
  [{ 'broker.id': '-1', 'broker.id.generation.enable': 'false' }, /0 or more/],
  [{ 'advertised.listeners': 'PLAINTEXT://0.0.0.0:9092' }, /nonroutable/],
  [{ 'inter.broker.listener.name': 'INSIDE' }, /INSIDE .*not found in listener\.security\.protocol\.map/],
  [
    { 'inter.broker.listener.name': 'PLAINTEXT', 'security.inter.broker.protocol': 'PLAINTEXT' },
    /Only one of/,
  ],
  [{ 'zookeeper.connect': 'h1:2181,h2:0' }, /"h2:0" in zookeeper\.connect .*expected is host:port/],
  [{ 'log.roll.ms': '0' }, /log\.roll\.ms must be 1 or more/],
  [{ 'log.retention.ms': '0' }, /log\.retention\.ms must be 1 or more/],
  [{ 'log.dirs': ' , ' }, /at least one directory/],
  [{ 'queued.max.request.bytes': '10' }, /queued\.max\.request\.bytes/],
  [{ 'max.connections.per.ip': '0' }, /overrides is set/],
  [{ 'max.connections.per.ip.overrides': 'here' }, /address:count/],
  [{ 'connections.max.idle.ms': '50' }, /connections\.max\.idle\.ms \(50\)/],
  [{ 'replica.fetch.wait.max.ms': '40000' }, /replica\.socket\.timeout\.ms/],
  [
    { listeners: 'A://:1', 'listener.security.protocol.map': 'B:PLAINTEXT' },
    /no security protocol is defined for listener A/,
  ],
  [{ 'listener.security.protocol.map': 'PLAINTEXT:TLS' }, /must be one of PLAINTEXT, SSL/],
  [{ listeners: 'PLAINTEXT://h:1,PLAINTEXT://h:2' }, /different name/],
  [
    {
      listeners: 'PLAINTEXT://h:1,X://i:1',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,X:PLAINTEXT',
    },
    /different port/,
  ],
];

for (const [properties, says] of together) {
  test(`settings that do not go together stop the start: ${JSON.stringify(properties)}`, () => {
    const problems = problemsOf(properties);
    assert.ok(
      problems.some((problem) => says.test(problem)),
      problems.join('\n') || 'no problem',
    );
  });
}

test('several listeners, one advertised differently', () => {
  const { config } = loadBrokerConfig({
    listeners: 'outside://:9092,INSIDE://[::1]:9093',
    'advertised.listeners': 'OUTSIDE://kafka.example.org:443,INSIDE://[fe80::1]:9093',
    'listener.security.protocol.map': 'OUTSIDE:PLAINTEXT, inside:PLAINTEXT',
    'inter.broker.listener.name': 'inside',
    'listener.name.outside.max.connections': '17',
  });
  assert.deepEqual(
    config.listeners.map(({ name, host, port }) => [name, host, port]),
    [
      ['OUTSIDE', '', 9092],
      ['INSIDE', '::1', 9093],
    ],
  );
  assert.deepEqual(
    config.advertisedListeners.map(({ name, host, port }) => [name, host, port]),
    [
      ['OUTSIDE', 'kafka.example.org', 443],
      ['INSIDE', 'fe80::1', 9093],
    ],
  );
  assert.equal(config.interBrokerListenerName, 'INSIDE');
  assert.equal(config.maxConnectionsPerListener.get('OUTSIDE'), 17);
});

test('limits for single addresses', () => {
  const { config } = loadBrokerConfig({ 'max.connections.per.ip.overrides': '10.0.0.1:5, ::1:7' });
  assert.deepEqual(
    [...config.maxConnectionsPerIpOverrides],
    [
      ['10.0.0.1', 5],
      ['::1', 7],
    ],
  );
});

test('an override must be name=value', () => {
  assert.deepEqual(parseOverrides(['a.b=c=d', 'e=']), { 'a.b': 'c=d', e: '' });
  assert.throws(() => parseOverrides(['log.dirs']), /'log\.dirs'.*name=value/);
});

test('every default passes its own check and no two names share a property', () => {
  const tables: Record<string, Setting>[] = [brokerSettings, topicSettings];
  for (const table of tables) {
    for (const [name, setting] of Object.entries(table)) {
      const text = valueText(setting, setting.default);
      if (text !== null) assert.deepEqual(parseSettingValue(name, setting, text), setting.default, name);
      assert.ok(setting.about.endsWith('.'), name);
    }
  }
  const properties = Object.keys(brokerSettings).map((name) => propertyName(name));
  assert.equal(new Set(properties).size, properties.length);
});

test('the documentation has every setting, and no other', () => {
  const documented = settingGroups.flatMap(({ settings }) => Object.keys(settings));
  assert.deepEqual(documented.sort(), Object.keys(brokerSettings).sort());
});
