// Every API in every served version, with random contents that often name things that exist: the answer must be
// readable to the last byte, or the connection closed for a reason; the broker may never be surprised.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { startBroker } from '@odradek/broker';
import { handlerRegistry } from '@odradek/broker/handlers/index.ts';
import { silentLog } from '@odradek/broker/adapters/silent-log.ts';
import { createTopicsApi } from '@odradek/protocol/generated/apis/create-topics.ts';
import { apis } from '@odradek/protocol/schema/all.ts';
import { randomMessage, SeededRandom } from '../../../protocol/test/messages/random-message.ts';
import { messagesOf } from '../../../../scripts/protocol-generator/api-file.ts';
import { ConnectionClosed, RawClient } from './raw-client.ts';

const REQUESTS_PER_VERSION = 12;
const TOPIC = 'known-topic';
const GROUPS = ['known-group', 'other-group'];

type Contents = Record<string, unknown>;

/** Values that lead further than random ones, which are mostly refused at the door. */
function season(contents: Contents, random: SeededRandom): void {
  for (const [name, value] of Object.entries(contents)) {
    if (Array.isArray(value)) {
      for (const element of value) if (isStruct(element)) season(element, random);
    } else if (isStruct(value)) season(value, random);
    const better = likelyValue(name, random);
    if (better !== undefined && typeof value === typeof better) contents[name] = better;
  }
}

function isStruct(value: unknown): value is Contents {
  return typeof value === 'object' && value !== null && !Buffer.isBuffer(value) && !Array.isArray(value);
}

function likelyValue(field: string, random: SeededRandom): unknown {
  switch (field) {
    case 'topic':
    case 'name':
    case 'topicName':
    case 'resourceName':
      return random.oneIn(3) ? undefined : TOPIC;
    case 'groupId':
      return random.pick(GROUPS);
    case 'partition':
    case 'index':
    case 'partitionIndex':
      return random.below(3);
    case 'numPartitions':
    case 'count':
    case 'replicationFactor':
      return random.below(4) - 1;
    case 'keyType':
    case 'resourceType':
    case 'isolationLevel':
      return random.below(5);
    case 'timeoutMs':
    case 'maxWaitMs':
    case 'rebalanceTimeoutMs':
      return random.below(20);
    case 'acks':
      return random.oneIn(2) ? 1 : -1;
    case 'clientSoftwareName':
    case 'clientSoftwareVersion':
      return 'raw-1.0';
    default:
      return undefined;
  }
}

test(
  'every served version of every API answers random requests in its form',
  { timeout: 120_000 },
  async () => {
    const surprises = new Set<string>();
    const error = (message: string, values?: object) => surprises.add(`${message}: ${inspect(values)}`);
    const log = { ...silentLog, error };
    const broker = await startBroker({ port: 0, log, overrides: { 'num.partitions': '2' } });
    const problems: string[] = [];
    let answered = 0;
    try {
      const setUp = await RawClient.connect(broker.address.port);
      await setUp.request(createTopicsApi, 7, {
        topics: [{ name: TOPIC, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }],
        timeoutMs: 1000,
      });
      setUp.close();
      for (const { api, versionMin, versionMax } of handlerRegistry.values()) {
        const schema = messagesOf(apis.find(({ key }) => key === api.key)!)[0]!;
        for (let version = versionMin; version <= versionMax; version++) {
          const random = new SeededRandom(api.key * 1000 + version);
          for (let turn = 0; turn < REQUESTS_PER_VERSION; turn++) {
            const contents = randomMessage(schema, version, random, 2);
            season(contents, random);
            if (api.name === 'JoinGroup') contents['groupId'] = `group-${version}-${turn}`;
            const client = await RawClient.connect(broker.address.port);
            try {
              await client.request(api as never, version, contents as never);
              answered++;
            } catch (error) {
              if (!(error instanceof ConnectionClosed))
                problems.push(`${api.name} v${version}: ${String(error)}`);
            }
            client.close();
          }
        }
      }
    } finally {
      await broker.close();
    }
    assert.deepEqual(problems, []);
    assert.deepEqual([...surprises], []);
    assert.ok(answered > 1000, `${answered} requests were answered`);
  },
);
