import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { EmbeddedTree } from '../../../broker/src/adapters/embedded-coordination/embedded-tree.ts';
import { generateBrokerId } from '../../src/controller/cluster-join.ts';
import { allocateProducerIds } from '../../src/controller/producer-id-allocation.ts';
import { electController } from '../../src/controller/controller-election.ts';
import { encodeControllerEpoch, encodeControllerNode } from '../../src/controller/controller-node.ts';
import type { TopicPartition } from '../../src/controller/controller-term.ts';
import { CoordinationError, type Coordination } from '../../src/ports/coordination.ts';
import { bytes, creation, failsWith, PromisedSession } from '../coordination/promised-session.ts';
import {
  assertWhole,
  BrokerLife,
  dyingSession,
  ended,
  newTree,
  topicOf,
  treeContents,
  until,
} from './controller-world.ts';

let tree: EmbeddedTree;
let life: BrokerLife;

beforeEach(async () => {
  tree = newTree();
  life = await new BrokerLife(tree.connect()).start();
});
afterEach(() => tree.close());

/** The broker's process ends, and another begins. */
async function restart(): Promise<void> {
  tree.expireSession(life.session.sessionId);
  life = await new BrokerLife(tree.connect()).start();
}

const errorOf = (outcome: object | null | undefined) =>
  outcome !== null && outcome !== undefined && 'errorCode' in outcome ? outcome.errorCode : 0;

const allocate = () =>
  new Promise((resolve, reject) => {
    allocateProducerIds(life.session, 0, (error, block) => (error === null ? resolve(block) : reject(error)));
  });

const elect = (type: 'preferred' | 'unclean', ...partitions: TopicPartition[]) =>
  new Promise<readonly { fault: object | null }[]>((resolve) =>
    life.controller.electLeaders(type, partitions, resolve),
  ).then((outcomes) => outcomes.map(({ fault }) => errorOf(fault)));

const move = (partition: TopicPartition, target: readonly number[] | null) =>
  new Promise<readonly (object | null)[]>((resolve) =>
    life.controller.reassign([{ ...partition, target }], resolve),
  ).then(([fault]) => errorOf(fault));

test('the tree after a topic was made is the one that Apache Kafka makes', async () => {
  await life.create(topicOf('t', 2, { 'cleanup.policy': 'compact' }));
  const contents = await treeContents(tree);
  const state = JSON.stringify({ version: 1, leader: 0, leader_epoch: 0, controller_epoch: 1, isr: [0] });
  assert.deepEqual(Object.fromEntries([...contents].filter(([, data]) => data !== '')), {
    '/brokers/ids/0': contents.get('/brokers/ids/0'),
    '/brokers/topics/t': JSON.stringify({
      version: 3,
      topic_id: life.state.topic('t')!.topicId,
      partitions: { 0: [0], 1: [0] },
      adding_replicas: {},
      removing_replicas: {},
    }),
    '/brokers/topics/t/partitions/0/state': state,
    '/brokers/topics/t/partitions/1/state': state,
    '/cluster/id': JSON.stringify({ version: '1', id: life.state.clusterId }),
    '/config/topics/t': JSON.stringify({ version: 1, config: { 'cleanup.policy': 'compact' } }),
    '/controller': contents.get('/controller'),
    '/controller_epoch': '1',
  });
  for (const path of ['/consumers', '/config/brokers', '/admin/delete_topics', '/isr_change_notification'])
    assert.equal(contents.get(path), '', path);
});

describe('topics', () => {
  test('are announced as new once they are in the tree, settings first', async () => {
    await life.create(topicOf('t', 2, { 'retention.ms': '5' }));
    assert.deepEqual(life.settings.get('t'), new Map([['retention.ms', '5']]));
    const { topicId } = life.state.topic('t')!;
    const change = {
      topic: 't',
      topicId,
      leader: 0,
      leaderEpoch: 0,
      isr: [0],
      isRecovering: false,
      partitionEpoch: 0,
      controllerEpoch: 1,
      replicas: [0],
      addingReplicas: [],
      removingReplicas: [],
      isNew: true,
    };
    assert.deepEqual(life.leaderships, [
      { ...change, partition: 0 },
      { ...change, partition: 1 },
    ]);
  });

  test('many in one request, good and bad ones, each with its own outcome', async () => {
    await life.create(topicOf('there'));
    const outcomes = await life.create(topicOf('a', 3), topicOf('there'), topicOf('b b'), topicOf('c', 0));
    assert.equal(errorOf(outcomes.get('a')), ErrorCode.NONE);
    assert.equal(errorOf(outcomes.get('there')), ErrorCode.TOPIC_ALREADY_EXISTS);
    assert.equal(errorOf(outcomes.get('b b')), ErrorCode.INVALID_TOPIC_EXCEPTION);
    assert.equal(errorOf(outcomes.get('c')), ErrorCode.INVALID_PARTITIONS);
    assert.equal(life.state.topicCount, 2);
  });

  test('two requests for the same topic: one makes it, the other is told that it exists', async () => {
    const [one, other] = await Promise.all([life.create(topicOf('t', 1)), life.create(topicOf('t', 5))]);
    assert.equal(errorOf(one!.get('t')), ErrorCode.NONE);
    assert.equal(errorOf(other!.get('t')), ErrorCode.TOPIC_ALREADY_EXISTS);
    assert.equal(life.state.topic('t')!.partitions.length, 1);
  });

  test('F64: a topic that another client of the tree made meanwhile exists, with the settings that it has', async () => {
    const session = new PromisedSession(tree.connect());
    const settings = '{"version":1,"config":{"retention.ms":"1"}}';
    await session.create('/config/topics/t', settings);
    const made = session.create('/brokers/topics/t', '{"version":1,"partitions":{"0":[0]}}');
    // The controller has not heard of it yet.
    const late = await life.create(topicOf('t', 1, { 'retention.ms': '9' }));
    assert.equal(errorOf(late.get('t')), ErrorCode.TOPIC_ALREADY_EXISTS);
    await made;
    assert.equal((await session.read('/config/topics/t')).data?.toString(), settings, 'its settings stay');
  });

  test('F64: settings that were left behind under the name are replaced', async () => {
    const session = new PromisedSession(tree.connect());
    await session.create('/config/topics/t', '{"version":1,"config":{"retention.ms":"1"}}');
    assert.equal(errorOf((await life.create(topicOf('t', 1))).get('t')), ErrorCode.NONE);
    assert.equal((await session.read('/config/topics/t')).data?.toString(), '{"version":1,"config":{}}');
  });

  test('grow, with leaders of their own for the new partitions only', async () => {
    await life.create(topicOf('t', 2));
    const before = life.leaderships.length;
    assert.equal(errorOf((await life.grow('t', 4)).get('t')), ErrorCode.NONE);
    assert.deepEqual(
      life.leaderships.slice(before).map(({ partition, isNew }) => [partition, isNew]),
      [
        [2, true],
        [3, true],
      ],
    );
    assert.equal(errorOf((await life.grow('t', 5)).get('t')), ErrorCode.NONE);
    assertWhole(life, await treeContents(tree));
    await restart();
    assert.equal(life.state.topic('t')!.partitions.length, 5);
  });

  test('go with all their nodes, records first, and their name is free', async () => {
    await life.create(topicOf('t', 3), topicOf('kept', 1));
    const before = life.state.topic('t')!.topicId;
    assert.deepEqual(await life.delete('t'), new Map([['t', null]]));
    assert.deepEqual(life.stopped, ['t-0', 't-1', 't-2']);
    assert.equal(life.settings.get('t'), null);
    assert.deepEqual(
      [...(await treeContents(tree)).keys()].filter((path) => /\/t(\/|$)/.test(path)),
      [],
    );
    assert.equal(life.state.topicName(before), undefined);
    await life.create(topicOf('t', 1));
    assert.notEqual(life.state.topic('t')!.topicId, before);
    assertWhole(life, await treeContents(tree));
  });

  test('a topic of more partitions than fit in one transaction', async () => {
    await life.create(topicOf('large', 1001));
    assertWhole(life, await treeContents(tree));
    assert.equal(errorOf((await life.grow('large', 1900)).get('large')), ErrorCode.NONE);
    assertWhole(life, await treeContents(tree));
    await life.delete('large');
    assertWhole(life, await treeContents(tree));
  });
});

describe('a restart', () => {
  test('raises the epochs of all leaders, and of the controller', async () => {
    await life.create(topicOf('t', 2));
    await restart();
    assert.deepEqual(
      life.leaderships.map(({ leader, leaderEpoch, isNew }) => [leader, leaderEpoch, isNew]),
      [
        [0, 1, false],
        [0, 1, false],
      ],
    );
    assert.equal((await treeContents(tree)).get('/controller_epoch'), '2');
    await restart();
    assert.equal(life.state.topic('t')!.partitions[0]!.leaderEpoch, 2);
    assertWhole(life, await treeContents(tree));
  });

  test('gives partitions without a state one: those of a creation that was cut', async () => {
    const session = new PromisedSession(tree.connect());
    await session.create('/brokers/topics/cut', '{"version":3,"partitions":{"0":[0],"1":[0]}}');
    await session.create('/brokers/topics/cut/partitions');
    await session.create('/brokers/topics/cut/partitions/0');
    await session.close();
    await restart();
    assertWhole(life, await treeContents(tree));
    assert.equal(life.state.topic('cut')!.partitions[1]!.leaderEpoch, 0);
  });

  test('F66: gives topics of old brokers an id, and keeps it', async () => {
    const session = new PromisedSession(tree.connect());
    await session.create('/brokers/topics/old', '{"version":1,"partitions":{"0":[0]}}');
    await session.close();
    await restart();
    const { topicId } = life.state.topic('old')!;
    assert.match(
      (await treeContents(tree)).get('/brokers/topics/old')!,
      new RegExp(`"topic_id":"${topicId}"`),
    );
    await restart();
    assert.equal(life.state.topic('old')!.topicId, topicId);
  });

  test('finishes deletions, and forgets those of topics that are not there', async () => {
    await life.create(topicOf('t', 2));
    const session = new PromisedSession(tree.connect());
    await session.write(creation('/admin/delete_topics/t'), creation('/admin/delete_topics/never'));
    await session.close();
    await restart();
    assert.equal(life.state.topicCount, 0);
    // The broker was told of the partitions before it was told to delete them.
    assert.deepEqual(life.stopped, ['t-0', 't-1']);
    assert.equal(life.leaderships.length, 2);
    assertWhole(life, await treeContents(tree));
  });

  test('a partition whose in-sync replicas are all gone has no leader, unless the topic allows an unclean one', async () => {
    tree.expireSession(life.session.sessionId);
    const session = new PromisedSession(tree.connect());
    for (const name of ['clean', 'unclean']) {
      await session.create(`/brokers/topics/${name}`, '{"version":3,"partitions":{"0":[5,0]}}');
      await session.create(`/brokers/topics/${name}/partitions`);
      await session.create(`/brokers/topics/${name}/partitions/0`);
      const state = '{"version":1,"leader":5,"leader_epoch":3,"controller_epoch":1,"isr":[5]}';
      await session.create(`/brokers/topics/${name}/partitions/0/state`, state);
    }
    life = new BrokerLife(tree.connect());
    life.uncleanTopics.add('unclean');
    await life.start();
    const clean = life.state.topic('clean')!.partitions[0]!;
    assert.deepEqual([clean.leader, clean.leaderEpoch, clean.isr], [-1, 4, [5]]);
    const unclean = life.state.topic('unclean')!.partitions[0]!;
    assert.deepEqual([unclean.leader, unclean.leaderEpoch, unclean.isRecovering], [0, 4, true]);
  });
});

describe('a process that dies at any write', () => {
  const works: [string, (dying: BrokerLife) => Promise<unknown>][] = [
    ['creating', (dying) => dying.create(topicOf('a', 3), topicOf('b', 1))],
    ['creating a large topic', (dying) => dying.create(topicOf('a', 900))],
    ['growing', (dying) => dying.grow('old', 5)],
    ['growing much', (dying) => dying.grow('old', 900)],
    ['deleting', (dying) => dying.delete('old', 'other')],
  ];
  for (const [what, work] of works) {
    test(`${what}: the next life finishes or undoes it`, async () => {
      let isThrough = false;
      for (let writes = 0; !isThrough; writes++) {
        assert.ok(writes < 30, 'the work has no end');
        const own = newTree();
        const before = await new BrokerLife(own.connect()).start();
        await before.create(topicOf('old', 2), topicOf('other', 1));
        own.expireSession(before.session.sessionId);
        const raw = own.connect();
        const mortal = dyingSession(raw);
        const dying = await new BrokerLife(mortal.session).start();
        mortal.dieAfter(writes);
        isThrough = await Promise.race([work(dying).then(() => true), mortal.cut.then(() => false)]);
        own.expireSession(raw.sessionId);
        const next = await new BrokerLife(own.connect()).start();
        assertWhole(next, await treeContents(own));
        own.close();
      }
    });
  }
});

describe('another controller', () => {
  test('F41: is not disturbed: the old one cannot write any more and resigns', async () => {
    const other = new PromisedSession(tree.connect());
    await other.write(
      { type: 'delete', path: '/controller', version: -1 },
      { type: 'create', path: '/controller', data: encodeControllerNode(1, 0), mode: 'ephemeral' },
      { type: 'set', path: '/controller_epoch', data: encodeControllerEpoch(2), version: 1 },
    );
    assert.equal(errorOf((await life.create(topicOf('t'))).get('t')), ErrorCode.NOT_CONTROLLER);
    assert.equal(life.controller.isActive, false);
    await until(() => life.state.controllerId === 1);
    assert.equal((await treeContents(tree)).has('/brokers/topics/t'), false);
    assert.equal(errorOf((await life.delete('t')).get('t')), ErrorCode.NOT_CONTROLLER);
  });

  test('is recognised by one that comes later', async () => {
    const later = new BrokerLife(tree.connect(), 1);
    await later.register();
    await ended((done) => later.controller.start(done));
    assert.deepEqual([later.controller.isActive, later.state.controllerId], [false, 0]);
    tree.expireSession(life.session.sessionId);
    await until(() => later.controller.isActive);
    assert.equal(later.state.controllerId, 1);
  });

  test('F50: a won election whose answer was lost is won all the same', async () => {
    tree.expireSession(life.session.sessionId);
    const session = tree.connect();
    const forgetful: Coordination = {
      sessionId: session.sessionId,
      read: (path, watch, done) => session.read(path, watch, done),
      stat: (path, watch, done) => session.stat(path, watch, done),
      children: (path, watch, done) => session.children(path, watch, done),
      onSession: (listener) => session.onSession(listener),
      close: (done) => session.close(done),
      write: (operations, done) =>
        session.write(operations, (error, results) => {
          const lost = error === null && operations.length === 2;
          if (lost) done(new CoordinationError('CONNECTIONLOSS', '/controller'), []);
          else done(error, results);
        }),
    };
    const term = await new Promise((resolve) =>
      electController(forgetful, 0, 5, (_e, found) => resolve(found)),
    );
    assert.deepEqual(term, { controllerId: 0, won: { epoch: 2, epochVersion: 2 } });
  });

  test('F47: the end of the session ends the term', async () => {
    const resigned = new Promise((resolve) => life.session.onSession(resolve));
    tree.expireSession(life.session.sessionId);
    await resigned;
    assert.equal(errorOf((await life.create(topicOf('t'))).get('t')), ErrorCode.NOT_CONTROLLER);
  });
});

describe('registration', () => {
  test('a broker epoch is larger in each life', async () => {
    const first = life.state.brokers.get(0)!.brokerEpoch;
    await restart();
    assert.ok(life.state.brokers.get(0)!.brokerEpoch > first);
  });

  test('F46: the same session may register again, another broker of the same id may not', async () => {
    const { brokerEpoch } = life.state.brokers.get(0)!;
    assert.equal(await life.register(), brokerEpoch);
    await failsWith(new BrokerLife(tree.connect()).register(), 'NODEEXISTS');
  });

  test('generated ids begin above the reserved ones and differ', async () => {
    const ids: number[] = [];
    for (let i = 0; i < 3; i++)
      ids.push(await new Promise((resolve) => generateBrokerId(life.session, 1000, (_e, id) => resolve(id))));
    assert.deepEqual(ids, [1001, 1002, 1003]);
  });
});

describe('producer ids', () => {
  test('no block is given twice, not to those who ask at once, nor after a restart', async () => {
    const blocks = await Promise.all([allocate(), allocate(), allocate()]);
    assert.deepEqual(
      blocks.map((block) => (block as { first: number }).first).sort((a, b) => a - b),
      [0, 1000, 2000],
    );
    await restart();
    assert.deepEqual(await allocate(), { brokerId: 0, first: 3000, last: 3999 });
  });

  test('a node that is none of ours is an error, not a block', async () => {
    const session = new PromisedSession(tree.connect());
    await session.set('/latest_producer_id_block', 'x');
    await assert.rejects(allocate(), /holds no JSON/);
  });
});

describe('leaders on demand', () => {
  test('one broker has the preferred leader already; no unclean one is made where there is a leader (F36)', async () => {
    await life.create(topicOf('t', 1));
    const partition = { topic: 't', partition: 0 };
    assert.deepEqual(await elect('preferred', partition), [ErrorCode.ELECTION_NOT_NEEDED]);
    assert.deepEqual(await elect('unclean', partition), [ErrorCode.ELECTION_NOT_NEEDED]);
    assert.deepEqual(await elect('preferred', { topic: 't', partition: 1 }, { topic: 'x', partition: 0 }), [
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
  });

  test('F36: an unclean leader where the clean ones are gone, said to be recovering', async () => {
    tree.expireSession(life.session.sessionId);
    const session = new PromisedSession(tree.connect());
    await session.create('/brokers/topics/t', '{"version":3,"partitions":{"0":[5,0]}}');
    await session.create('/brokers/topics/t/partitions');
    await session.create('/brokers/topics/t/partitions/0');
    const state = '{"version":1,"leader":5,"leader_epoch":3,"controller_epoch":1,"isr":[5]}';
    await session.create('/brokers/topics/t/partitions/0/state', state);
    await restart();
    const partition = { topic: 't', partition: 0 };
    assert.deepEqual(await elect('preferred', partition), [ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE]);
    assert.deepEqual(await elect('unclean', partition), [ErrorCode.NONE]);
    assert.equal(life.leaderships.at(-1)!.leader, 0);
    const written = (await session.read('/brokers/topics/t/partitions/0/state')).data!.toString();
    assert.deepEqual(JSON.parse(written), {
      version: 1,
      leader: 0,
      leader_epoch: 5,
      controller_epoch: 2,
      isr: [0],
      leader_recovery_state: 1,
    });
  });
});

describe('reassignment on one broker', () => {
  const partition = { topic: 't', partition: 0 };

  beforeEach(() => life.create(topicOf('t', 1)));

  test('to where it is: done, nothing written', async () => {
    const before = await treeContents(tree);
    assert.equal(await move(partition, [0]), ErrorCode.NONE);
    assert.deepEqual(await treeContents(tree), before);
  });

  test('to brokers that are not there, twice to one, to none: refused', async () => {
    for (const target of [[1], [0, 1], [0, 0], [], [-1]])
      assert.equal(await move(partition, target), ErrorCode.INVALID_REPLICA_ASSIGNMENT, target.join());
    assert.equal(await move(partition, null), ErrorCode.NO_REASSIGNMENT_IN_PROGRESS);
    assert.equal(await move({ topic: 't', partition: 7 }, [0]), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });

  test('away from a broker that is gone: at once, in one transaction', async () => {
    const session = new PromisedSession(tree.connect());
    await session.write(
      {
        type: 'set',
        path: '/brokers/topics/t',
        data: bytes('{"version":3,"partitions":{"0":[0,5]}}'),
        version: -1,
      },
      {
        type: 'set',
        path: '/brokers/topics/t/partitions/0/state',
        data: bytes('{"version":1,"leader":0,"leader_epoch":3,"controller_epoch":1,"isr":[0,5]}'),
        version: -1,
      },
    );
    await restart();
    assert.equal(await move(partition, [0]), ErrorCode.NONE);
    const { replicas, isr, leader } = life.state.topic('t')!.partitions[0]!;
    assert.deepEqual({ replicas, isr, leader }, { replicas: [0], isr: [0], leader: 0 });
    const before = life.state.topic('t')!.partitions[0]!.leaderEpoch;
    await restart();
    assert.deepEqual(life.state.topic('t')!.partitions[0]!.replicas, [0]);
    assert.equal(life.state.topic('t')!.partitions[0]!.leaderEpoch, before + 1);
  });
});

test('nodes that hold nonsense fail the start with their path, and nothing else happens', async () => {
  for (const path of ['/controller', '/controller_epoch', '/cluster/id']) {
    const own = newTree();
    const session = new PromisedSession(own.connect());
    let made = '';
    for (const name of path.slice(1).split('/')) await session.create((made += `/${name}`), 'nonsense');
    const one = new BrokerLife(own.connect(), 1);
    await assert.rejects(one.start(), (error: Error) => error.message.includes(path));
    assert.equal(one.controller.isActive, false);
    own.close();
  }
});

test('a broker whose registration holds nonsense counts as not alive, the others are led', async () => {
  const session = new PromisedSession(tree.connect());
  const registration = (await treeContents(tree)).get('/brokers/ids/0')!;
  await session.create('/brokers/ids/7', 'nonsense');
  await session.create('/brokers/ids/8', registration);
  await until(() => life.state.brokers.has(8));
  assert.deepEqual([...life.state.brokers.keys()].sort(), [0, 8]);
  await restart();
  assert.deepEqual([...life.state.brokers.keys()].sort(), [0, 8]);
  assert.equal(life.controller.isActive, true);
  assert.equal(errorOf((await life.create(topicOf('t', 4))).get('t')), ErrorCode.NONE);
  assert.ok(!life.state.topic('t')!.partitions.some(({ replicas }) => replicas.includes(7)));
  assert.equal((await treeContents(tree)).get('/brokers/ids/7'), 'nonsense', 'its node is left as it is');
});

test('a topic whose nodes hold nonsense or contradict themselves is left out and left alone, the others are served', async () => {
  const state = '{"version":1,"leader":0,"leader_epoch":0,"controller_epoch":1,"isr":[0]}';
  const spoilt: [topic: string, node: string, state: string][] = [
    ['garbage', 'nonsense', state],
    ['twice', '{"version":3,"partitions":{"0":[0,0]}}', state],
    ['gap', '{"version":3,"partitions":{"1":[0]}}', state],
    ['stranger', '{"version":3,"partitions":{"0":[0]},"adding_replicas":{"0":[9]}}', state],
    ['garbage-state', '{"version":3,"partitions":{"0":[0]}}', 'nonsense'],
  ];
  const session = new PromisedSession(tree.connect());
  const spoil = async (suffix: string) => {
    for (const [topic, node, stateText] of spoilt) {
      const path = `/brokers/topics/${topic}${suffix}`;
      await session.write(
        creation(`${path}`, node),
        creation(`${path}/partitions`),
        creation(`${path}/partitions/0`),
        creation(`${path}/partitions/0/state`, stateText),
      );
    }
  };
  await spoil('-before');
  await restart();
  await spoil('-while');
  await life.create(topicOf('good'));
  assert.deepEqual(
    [...life.state.topics()].map(({ name }) => name),
    ['good'],
  );
  assert.equal(life.controller.isActive, true);
  for (const suffix of ['-before', '-while']) {
    for (const [topic, node, stateText] of spoilt) {
      const path = `/brokers/topics/${topic}${suffix}`;
      assert.equal(String((await session.read(path)).data), node);
      assert.equal(String((await session.read(`${path}/partitions/0/state`)).data), stateText);
    }
    const again = await life.create(topicOf(`garbage${suffix}`));
    assert.equal(errorOf(again.get(`garbage${suffix}`)), ErrorCode.TOPIC_ALREADY_EXISTS);
  }
});

test('thousands of requests at once, refused one after the other', async () => {
  const outcomes = await Promise.all(Array.from({ length: 5000 }, () => life.create(topicOf('b b'))));
  assert.ok(outcomes.every((outcome) => errorOf(outcome.get('b b')) === ErrorCode.INVALID_TOPIC_EXCEPTION));
});
