// Modules that take the place of KafkaJS's own in its tests. Those build producers, consumers and admins from parts,
// `createProducer({ cluster, logger, ... })`: here what the cluster was made with becomes the options of ours.

/** KafkaJS's settings when its tests run. */
const TEST_RETRY = '{ maxRetryTime: 1000, initialRetryTime: 50, multiplier: 1.5, retries: 15 }';

const OPTIONS = `
const configOf = cluster => {
  const given = (cluster && cluster.givenOptions) || {}
  const picked = {}
  for (const name of ['brokers', 'ssl', 'sasl', 'clientId', 'connectionTimeout', 'requestTimeout']) {
    if (given[name] !== undefined) picked[name] = given[name]
  }
  return { ...picked, retry: { ...${TEST_RETRY}, ...given.retry } }
}
const settingsOf = cluster => {
  const given = (cluster && cluster.givenOptions) || {}
  const picked = {}
  for (const name of ['metadataMaxAge', 'allowAutoTopicCreation', 'maxInFlightRequests']) {
    if (given[name] !== undefined && given[name] !== null) picked[name] = given[name]
  }
  return picked
}
const defined = object => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
const running = new Set()
// The tests look at brokers through the cluster that they made.
const withCluster = (client, cluster) => {
  if (!cluster) return client
  const { connect, disconnect } = client
  client.connect = async () => {
    await connect.call(client)
    if (cluster.connect) await cluster.connect()
  }
  client.disconnect = async () => {
    await disconnect.call(client)
    if (cluster.disconnect) await cluster.disconnect()
  }
  const { send } = client
  if (send) {
    client.send = async record => {
      const written = await send.call(client, record)
      if (cluster.addTargetTopic) await cluster.addTargetTopic(record.topic).catch(() => {})
      return written
    }
  }
  return client
}
`;

/** By path below the suite; `ours` is the bundle. */
export const BRIDGE: Readonly<Record<string, string>> = {
  'src/producer/index.js': `const ours = require('../../ours.cjs')
${OPTIONS}
module.exports = ({ cluster, logger, instrumentationEmitter, ...options }) =>
  withCluster(new ours.KafkaJSProducer(
    { config: configOf(cluster), logger, groupMetadata: groupId => ({ groupId, memberId: '', generationId: -1, instanceId: null }) },
    { ...settingsOf(cluster), ...defined(options) }
  ), cluster)
`,
  'src/consumer/index.js': `const ours = require('../../ours.cjs')
${OPTIONS}
module.exports = ({ cluster, logger, instrumentationEmitter, isolationLevel, ...options }) =>
  withCluster(new ours.KafkaJSConsumer(
    { config: configOf(cluster), logger, running },
    { ...settingsOf(cluster), ...defined(options), readUncommitted: isolationLevel === 0 }
  ), cluster)
`,
  'src/admin/index.js': `const ours = require('../../ours.cjs')
${OPTIONS}
module.exports = ({ cluster, logger, instrumentationEmitter, ...options }) =>
  withCluster(new ours.KafkaJSAdmin(configOf(cluster), logger, defined(options)), cluster)
`,
  'src/index.js': `module.exports = require('../ours.cjs').Kafka
`,
  'index.js': `module.exports = require('./ours.cjs')
`,
  'src/producer/partitioners/index.js': `module.exports = require('../../../ours.cjs').Partitioners
`,
  'src/producer/partitioners/default/murmur2.js': `const { murmur2 } = require('../../../../ours.cjs')
module.exports = key => murmur2(Buffer.isBuffer(key) ? key : Buffer.from(String(key)))
`,
  'src/producer/partitioners/legacy/index.js': `module.exports = require('../../../../ours.cjs').Partitioners.LegacyPartitioner
`,
  'src/producer/partitioners/legacy/murmur2.js': `const { legacyMurmur2 } = require('../../../../ours.cjs')
module.exports = key => legacyMurmur2(Buffer.isBuffer(key) ? key : Buffer.from(String(key)))
`,
  'src/consumer/assigners/roundRobinAssigner/index.js': `module.exports = require('../../../../ours.cjs').PartitionAssigners.roundRobin
`,
  'src/consumer/assignerProtocol.js': `module.exports = require('../../ours.cjs').AssignerProtocol
`,
  'src/loggers/index.js': `const { createLogger, logLevel } = require('../../ours.cjs')
module.exports = { LEVELS: logLevel, createLogger }
`,
  // The original asks a container.
  'scripts/addPartitions.sh': `#!/bin/sh
node -e "
  const admin = new (require('./ours.cjs').Kafka)({ brokers: ['localhost:9092'], logLevel: 0 }).admin()
  const topicPartitions = [{ topic: process.env.TOPIC, count: Number(process.env.PARTITIONS) }]
  admin.connect().then(() => admin.createPartitions({ topicPartitions })).then(() => admin.disconnect())
"
`,
  'src/loggers/console.js': `module.exports = require('../../ours.cjs').consoleLogCreator
`,
};

/** Appended to KafkaJS's modules, which the tests use beside ours to look at brokers. */
export const APPENDED: Readonly<Record<string, string>> = {
  // Ours where there is one of the name, so that `instanceof` holds.
  'src/errors.js': `
const ours = require('../ours.cjs')
for (const name of Object.keys(module.exports)) if (ours[name]) module.exports[name] = ours[name]
`,
  'src/cluster/index.js': `
const Original = module.exports
module.exports = class extends Original {
  constructor(options) {
    super(options)
    this.givenOptions = options
  }
}
`,
};

/** The tests of what is public. The others test parts inside KafkaJS: its wire protocol, network, cluster, retries. */
export const SUITES: readonly string[] = [
  'src/admin/__tests__/',
  'src/admin/index.spec.js',
  'src/consumer/__tests__/',
  'src/consumer/assigners/',
  'src/index.spec.js',
  'src/loggers/',
  'src/producer/__tests__/',
  'src/producer/index.spec.js',
  'src/producer/compression.spec.js',
  'src/producer/partitioners/',
];

/** Of those folders, tests of parts: runner and batch classes, and what filters aborted messages. */
export const INNER_PARTS: readonly string[] = [
  'src/consumer/__tests__/batch.spec.js',
  'src/consumer/__tests__/filterAbortedMessages.spec.js',
  'src/consumer/__tests__/runner.spec.js',
  'src/producer/partitioners/legacy/randomBytes.spec.js',
];
