import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  decodeBrokerRegistration,
  encodeBrokerRegistration,
} from '../../src/controller/broker-registration.ts';
import { encodeConfigNode } from '../../src/controller/config-node.ts';
import {
  decodeClusterId,
  decodeControllerEpoch,
  decodeControllerNode,
  encodeClusterId,
  encodeControllerEpoch,
  encodeControllerNode,
} from '../../src/controller/controller-node.ts';
import { NodeFormatError } from '../../src/controller/json-node.ts';
import { decodePartitionState, encodePartitionState } from '../../src/controller/partition-state-node.ts';
import { encodeProducerIdBlock, nextProducerIdBlock } from '../../src/controller/producer-id-block.ts';
import { assignmentOf, decodeTopicNode, encodeTopicNode } from '../../src/controller/topic-node.ts';
import type { Stat } from '../../src/ports/coordination.ts';

const json = (data: Buffer) => JSON.parse(data.toString()) as unknown;
const text = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

describe('broker registration', () => {
  const broker = {
    brokerId: 7,
    endpoints: [
      { listenerName: 'INSIDE', securityProtocol: 'SSL', host: 'a.example', port: 9093 },
      { listenerName: 'CLIENTS', securityProtocol: 'PLAINTEXT', host: '::1', port: 9092 },
    ],
    rack: 'r1',
    jmxPort: -1,
    timestampMs: 1_700_000_000_000,
  } as const;

  test('version 5, with host and port of the first plaintext endpoint', () => {
    const data = encodeBrokerRegistration(broker);
    assert.deepEqual(json(data), {
      version: 5,
      host: '::1',
      port: 9092,
      endpoints: ['INSIDE://a.example:9093', 'CLIENTS://[::1]:9092'],
      jmx_port: -1,
      timestamp: '1700000000000',
      rack: 'r1',
      listener_security_protocol_map: { INSIDE: 'SSL', CLIENTS: 'PLAINTEXT' },
      features: {},
    });
    assert.deepEqual(decodeBrokerRegistration(7, data), broker);
  });

  test('no plaintext, no rack', () => {
    const data = encodeBrokerRegistration({ ...broker, endpoints: [broker.endpoints[0]], rack: null });
    const written = json(data) as Record<string, unknown>;
    assert.equal(written['host'], null);
    assert.equal(written['port'], -1);
    assert.ok(!('rack' in written));
    assert.equal(decodeBrokerRegistration(7, data).rack, null);
  });

  test('older versions are read', () => {
    const plain = { listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: 'h', port: 9092 };
    const v1 = { version: 1, host: 'h', port: 9092, jmx_port: 9999, timestamp: '5' };
    assert.deepEqual(decodeBrokerRegistration(1, text(v1)).endpoints, [plain]);
    const v2 = { ...v1, version: 2, endpoints: ['PLAINTEXT://h:9092', 'SSL://h:9093'] };
    assert.deepEqual(decodeBrokerRegistration(1, text(v2)).endpoints, [
      plain,
      { listenerName: 'SSL', securityProtocol: 'SSL', host: 'h', port: 9093 },
    ]);
    assert.equal(decodeBrokerRegistration(1, text({ ...v2, version: 3, rack: 'x' })).rack, 'x');
  });

  test('what is no registration is refused with the reason', () => {
    const bad: [unknown, RegExp][] = [
      ['{', /no JSON/],
      [[], /not an object/],
      [{ version: 0 }, /version 0/],
      [{ version: 5, endpoints: ['x'] }, /"x", which is not/],
      [{ version: 5, endpoints: ['X://h:1'] }, /unknown security protocol "X"/],
      [{ version: 5 }, /nothing in "endpoints"/],
    ];
    for (const [value, reason] of bad) {
      assert.throws(
        () => decodeBrokerRegistration(1, text(value)),
        (error: Error) => error instanceof NodeFormatError && reason.test(error.message),
      );
    }
  });
});

describe('topic node', () => {
  test('version 3, the maps of changes always there and only with what changes', () => {
    const topic = {
      topicId: 'PLCjFCrURl-DLzfJktinzw',
      partitions: new Map([
        [0, assignmentOf([1, 2])],
        [1, { replicas: [2, 3, 1], addingReplicas: [3], removingReplicas: [1] }],
      ]),
    };
    const data = encodeTopicNode(topic);
    assert.deepEqual(json(data), {
      version: 3,
      topic_id: 'PLCjFCrURl-DLzfJktinzw',
      partitions: { '0': [1, 2], '1': [2, 3, 1] },
      adding_replicas: { '1': [3] },
      removing_replicas: { '1': [1] },
    });
    assert.deepEqual(decodeTopicNode('t', data), topic);
  });

  test('older versions have no id and no changes', () => {
    const old = decodeTopicNode('t', text({ version: 1, partitions: { '10': [0], '9': [1] } }));
    assert.equal(old.topicId, null);
    assert.deepEqual([...old.partitions.keys()], [9, 10]);
    assert.deepEqual(old.partitions.get(9), assignmentOf([1]));
  });

  test('what is no assignment is refused', () => {
    assert.throws(() => decodeTopicNode('t', text({ partitions: { x: [0] } })), NodeFormatError);
    assert.throws(() => decodeTopicNode('t', text({ partitions: { '0': ['0'] } })), NodeFormatError);
    assert.throws(() => decodeTopicNode('t', null), /holds nothing/);
  });
});

test('partition state, version 1; recovering is written only when it is so', () => {
  const state = { leader: 1, leaderEpoch: 5, isr: [1, 2], isRecovering: false, controllerEpoch: 3 };
  const fields = { version: 1, leader: 1, leader_epoch: 5, controller_epoch: 3, isr: [1, 2] };
  assert.deepEqual(json(encodePartitionState(state)), fields);
  assert.deepEqual(decodePartitionState('t', 0, text(fields)), state);
  const recovering = { ...state, isRecovering: true };
  assert.deepEqual(json(encodePartitionState(recovering)), { ...fields, leader_recovery_state: 1 });
  assert.deepEqual(decodePartitionState('t', 0, encodePartitionState(recovering)), recovering);
});

test('controller, its epoch and the cluster id', () => {
  const controller = encodeControllerNode(4, 99);
  assert.deepEqual(json(controller), {
    version: 2,
    brokerid: 4,
    timestamp: '99',
    kraftControllerEpoch: -1,
  });
  assert.equal(decodeControllerNode(controller), 4);
  assert.equal(decodeControllerNode(text({ version: 1, brokerid: 2, timestamp: '1' })), 2);
  assert.equal(encodeControllerEpoch(12).toString(), '12');
  assert.equal(decodeControllerEpoch(Buffer.from('12')), 12);
  assert.throws(() => decodeControllerEpoch(Buffer.from('x')), NodeFormatError);
  assert.deepEqual(json(encodeClusterId('GAY1ol2AQyCDlCxOLxoyfA')), {
    version: '1',
    id: 'GAY1ol2AQyCDlCxOLxoyfA',
  });
  assert.equal(decodeClusterId(encodeClusterId('x')), 'x');
});

test('settings of an entity, version 1', () => {
  const data = encodeConfigNode(new Map([['retention.ms', '1000']]));
  assert.deepEqual(json(data), { version: 1, config: { 'retention.ms': '1000' } });
});

test('producer ids come in blocks of 1000, the end inclusive, the first from an empty node', () => {
  const stat = {} as Stat;
  const first = nextProducerIdBlock({ data: null, stat }, 3);
  assert.deepEqual(first, { brokerId: 3, first: 0, last: 999 });
  const data = encodeProducerIdBlock(first);
  assert.deepEqual(json(data), { version: 1, broker: 3, block_start: '0', block_end: '999' });
  assert.deepEqual(nextProducerIdBlock({ data, stat }, 4), { brokerId: 4, first: 1000, last: 1999 });
});
