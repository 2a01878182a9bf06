import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaError } from '@odradek/protocol/errors.ts';
import type { Properties } from '../../src/config/server-properties.ts';
import { loadBrokerConfig } from '../../src/config/load-broker-config.ts';
import { logConfigOf, topicSettingsForCreation } from '../../src/config/topic-config.ts';

const INVALID_CONFIG = 40;
const { config } = loadBrokerConfig(null);

function refusal(settings: Record<string, string | null>): KafkaError {
  try {
    topicSettingsForCreation(
      Object.entries(settings).map(([name, value]) => ({ name, value })),
      config,
    );
  } catch (error) {
    assert.ok(error instanceof KafkaError);
    return error;
  }
  throw new Error('accepted');
}

const refused: [settings: Record<string, string | null>, message: string | RegExp][] = [
  [{ 'retention.mss': '1' }, 'Unknown topic config name: retention.mss'],
  [{ 'segment.bytes': '10' }, 'Invalid value 10 for configuration segment.bytes: Value must be at least 14'],
  [
    { 'retention.ms': 'long' },
    /^Invalid value long for configuration retention\.ms: Not a number of type LONG/,
  ],
  [
    { 'cleanup.policy': 'shred' },
    'Invalid value shred for configuration cleanup.policy: String must be one of: compact, delete',
  ],
  [
    { 'retention.ms': null, 'segment.ms': null },
    'Null value not supported for topic configs: retention.ms,segment.ms',
  ],
  [
    { 'min.compaction.lag.ms': '5', 'max.compaction.lag.ms': '4' },
    'conflict topic config setting min.compaction.lag.ms (5) > max.compaction.lag.ms (4)',
  ],
  [{ 'remote.storage.enable': 'true' }, /Tiered Storage functionality is disabled/],
  [{ 'remote.log.copy.disable': 'true' }, /under Zookeeper's mode/],
  [{ 'leader.replication.throttled.replicas': 'all' }, /partition:broker/],
  [{ 'compression.type': 'brotli' }, /String must be one of: uncompressed/],
];

for (const [settings, message] of refused) {
  test(`pitfall 162: topic settings ${JSON.stringify(settings)} are INVALID_CONFIG`, () => {
    const error = refusal(settings);
    assert.equal(error.code, INVALID_CONFIG);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
  });
}

const logCases: [own: Properties, broker: Properties, expected: object][] = [
  [
    {},
    {},
    { retentionMs: 604_800_000, segmentBytes: 1_073_741_824, flushMs: Infinity, flushMessages: Infinity },
  ],
  [
    {},
    { 'log.segment.bytes': '2000', 'log.flush.interval.messages': '5' },
    { segmentBytes: 2000, flushMessages: 5 },
  ],
  [{ 'segment.bytes': ' 3000 ' }, { 'log.segment.bytes': '2000' }, { segmentBytes: 3000 }],
  [{ 'cleanup.policy': 'compact,delete' }, {}, { cleanupCompact: true, cleanupDelete: true }],
  [{ 'cleanup.policy': 'compact' }, {}, { cleanupCompact: true, cleanupDelete: false }],
  [{}, { 'log.cleanup.policy': 'compact' }, { cleanupCompact: true, cleanupDelete: false }],
  [
    { 'message.timestamp.difference.max.ms': '9' },
    {},
    { messageTimestampBeforeMaxMs: 9, messageTimestampAfterMaxMs: 9 },
  ],
  [
    { 'message.timestamp.before.max.ms': '7' },
    { 'log.message.timestamp.difference.max.ms': '9' },
    { messageTimestampBeforeMaxMs: 7, messageTimestampAfterMaxMs: 9 },
  ],
  [
    { 'compression.type': 'gzip', 'compression.gzip.level': '9' },
    {},
    { compressionType: 'gzip', compressionLevel: 9 },
  ],
  [{ 'compression.type': 'lz4' }, {}, { compressionType: 'lz4', compressionLevel: null }],
  [{ 'message.timestamp.type': 'LogAppendTime' }, {}, { messageTimestampType: 'LogAppendTime' }],
  [{ 'max.message.bytes': '77' }, { 'message.max.bytes': '66' }, { maxMessageBytes: 77 }],
  // Another program may have written anything into the tree.
  [{ 'segment.bytes': 'broken', nonsense: '1' }, { 'log.segment.bytes': '2000' }, { segmentBytes: 2000 }],
];

for (const [own, broker, expected] of logCases) {
  test(`log config of ${JSON.stringify(own)} over ${JSON.stringify(broker)}`, () => {
    const logConfig = logConfigOf(loadBrokerConfig(broker).config, own);
    assert.deepEqual({ ...logConfig, ...expected }, logConfig);
  });
}
