// A broker whose session with the coordination tree is over leads nothing, keeps nobody waiting and comes back by itself.
import assert from 'node:assert/strict';
import { beforeEach, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Coordination, SessionState } from '@odradek/core/ports/coordination.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { incrementalAlterConfigsApi } from '@odradek/protocol/generated/apis/incremental-alter-configs.ts';
import { leaderAndIsrApi } from '@odradek/protocol/generated/apis/leader-and-isr.ts';
import { metadataApi } from '@odradek/protocol/generated/apis/metadata.ts';
import { EmbeddedTree } from '../src/adapters/embedded-coordination/embedded-tree.ts';
import { silentLog } from '../src/adapters/silent-log.ts';
import { systemClock } from '../src/adapters/system-clock.ts';
import { groundInMemory } from '../src/broker-ground.ts';
import { Broker } from '../src/broker.ts';
import { loadBrokerConfig } from '../src/config/load-broker-config.ts';
import { CurrentSession } from '../src/current-session.ts';
import type { OpenCoordination } from '../src/open-coordination.ts';
import { PromisedSession } from '../../core/test/coordination/promised-session.ts';
import { RawClient } from './serving/raw-client.ts';
import { batchOf, createTopic, fetch, produce, TOPIC } from './serving/with-broker.ts';

const PATIENCE_MS = 10_000;

let tree: EmbeddedTree;
beforeEach(() => {
  tree = new EmbeddedTree(':memory:', systemClock);
});

/** A session that its owner may take for over while the tree still keeps it. */
class DoubtfulSession extends CurrentSession {
  private readonly listeners: ((state: SessionState) => void)[] = [];

  override onSession(listener: (state: SessionState) => void): () => void {
    this.listeners.push(listener);
    return super.onSession(listener);
  }

  expireHere(): void {
    for (const listener of this.listeners) listener('expired');
  }
}

/** A broker with one topic, and its sessions, the latest first. */
async function served(
  t: TestContext,
  reopen: () => void = () => undefined,
  noticeEnd: (session: DoubtfulSession) => void = () => undefined,
) {
  const sessions: DoubtfulSession[] = [];
  const open = (): OpenCoordination => {
    if (sessions.length > 0) reopen();
    const session = new DoubtfulSession(tree.connect());
    sessions.unshift(session);
    return {
      session,
      noticeEnd: () => noticeEnd(session),
      close: () => new Promise<void>((resolve) => session.close(resolve)),
    };
  };
  const loaded = loadBrokerConfig({
    listeners: 'PLAINTEXT://127.0.0.1:0',
    'zookeeper.session.timeout.ms': '1000',
  });
  const broker = await Broker.start({ ...groundInMemory(loaded, silentLog), sharedTree: open });
  const client = await RawClient.connect(broker.addresses[0]!.port);
  t.after(async () => {
    client.close();
    await broker.stop();
    tree.close();
  });
  await createTopic(client, TOPIC, 1);
  await produce(client, batchOf(['first']));
  const expire = () => tree.expireSession(sessions[0]!.sessionId);
  return { broker, client, sessions, expire };
}

async function once<Value>(look: () => Promise<Value | null>): Promise<Value> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const value = await look();
    if (value !== null) return value;
    assert.ok(performance.now() < deadlineMs, 'in time');
    await sleep(10);
  }
}

const appended = (client: RawClient, value: string) =>
  once(async () => {
    const { errorCode, baseOffset } = await produce(client, batchOf([value]), { acks: -1 });
    if (errorCode === ErrorCode.NONE) return baseOffset;
    assert.equal(errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER);
    return null;
  });

const epochInTree = async (session: Coordination) =>
  (await new PromisedSession(session).stat('/brokers/ids/0'))?.czxid ?? null;

/** Resolves when there is no way back, with how often one was sought. */
function awayFor(attempts: number): { reopen: () => void; count: () => number } {
  let count = 0;
  const reopen = () => {
    count += 1;
    if (count <= attempts) throw new Error('the tree is away');
  };
  return { reopen, count: () => count };
}

test('who waits is told at once that the leader is elsewhere; then everything goes on in a new life', async (t) => {
  const { broker, client, sessions, expire } = await served(t);
  const before = await epochInTree(sessions[0]!);
  const waiting = fetch(client, { offset: 1, maxWaitMs: 60_000 });
  const other = await RawClient.connect(broker.addresses[0]!.port);
  t.after(() => other.close());
  await once(async () => ((await fetch(other, { offset: 0 })).errorCode === 0 ? true : null));
  expire();
  assert.equal((await waiting).errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER);
  assert.equal(await appended(client, 'second'), 1);
  const after = await once(() => epochInTree(sessions[0]!));
  assert.ok(after > before!, 'a larger broker epoch');
  assert.equal(sessions.length, 2);
  assert.equal(await createTopic(client, 'made-afterwards', 1), ErrorCode.NONE, 'it is the controller again');
});

test('between its lives it takes no records, also not with acks=1', async (t) => {
  const away = awayFor(1);
  const { client, expire } = await served(t, away.reopen);
  expire();
  await once(async () => (away.count() > 0 ? true : null));
  for (const acks of [1, -1]) {
    const { errorCode } = await produce(client, batchOf(['refused']), { acks });
    assert.equal(errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER);
  }
  assert.equal(await appended(client, 'taken'), 1);
});

test('a request that comes before the timer of a session whose time is up finds no leader', async (t) => {
  let isUp = false;
  const away = awayFor(1);
  const { client } = await served(t, away.reopen, (session) => {
    if (isUp) session.expireHere();
    isUp = false;
  });
  isUp = true;
  const { errorCode } = await produce(client, batchOf(['refused']), { acks: 1 });
  assert.equal(errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER);
});

test('F49: comes back when the tree was away for several attempts', async (t) => {
  const away = awayFor(2);
  const { client, expire } = await served(t, away.reopen);
  expire();
  assert.equal(await appended(client, 'at last'), 1);
  assert.equal(away.count(), 3);
});

test('stops in order while the tree is away', async (t) => {
  const away = awayFor(Infinity);
  const { broker, expire } = await served(t, away.reopen);
  expire();
  await once(async () => (away.count() > 0 ? true : null));
  await broker.stop();
});

test('F49: a session that ends while it comes back is followed by yet another', async (t) => {
  const { client, sessions, expire } = await served(t);
  expire();
  await once(async () => (sessions.length === 2 ? true : null));
  expire();
  assert.equal(await appended(client, 'second'), 1);
  assert.equal(sessions.length, 3);
});

test('F46: its own registration of the session before is waited for until it is gone', async (t) => {
  const { client, sessions } = await served(t);
  const [first] = sessions;
  const before = await epochInTree(first!);
  first!.expireHere();
  await once(async () => (sessions.length === 2 ? true : null));
  const { errorCode } = await produce(client, batchOf(['refused']));
  assert.equal(errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER);
  assert.equal(await epochInTree(sessions[0]!), before, 'nobody touches it before its time');
  tree.expireSession(first!.sessionId);
  assert.equal(await appended(client, 'second'), 1);
  assert.ok((await epochInTree(sessions[0]!))! > before!);
});

test('and removed when ZooKeeper has forgotten to do that', async (t) => {
  const { sessions } = await served(t);
  const before = (await epochInTree(sessions[0]!))!;
  sessions[0]!.expireHere();
  await once(async () => {
    const epoch = await epochInTree(sessions[0]!);
    return sessions.length === 2 && epoch !== null && epoch > before ? true : null;
  });
});

test('ends, and says why, when another broker has taken its id', async (t) => {
  const other = tree.connect();
  const { broker, expire } = await served(t, () => undefined);
  const path = '/brokers/ids/0';
  const watcher = new PromisedSession(other);
  await watcher.stat(path, () => void watcher.create(path, 'another', 'ephemeral'));
  expire();
  assert.match((await broker.failed).message, /broker\.id 0 has been taken by another broker/);
  assert.equal((await watcher.read(path)).data?.toString(), 'another');
});

test('ends, and creates nothing, when the tree belongs to another cluster or is empty', async (t) => {
  const session = new PromisedSession(tree.connect());
  const { broker, expire } = await served(t);
  await session.delete('/cluster/id');
  expire();
  assert.match((await broker.failed).message, /now has no cluster in it/);
  assert.equal(await session.stat('/cluster/id'), null);
});

test('knows settings that were changed while it had no session', async (t) => {
  const session = new PromisedSession(tree.connect());
  const away = awayFor(1);
  const { client, expire } = await served(t, () => {
    away.reopen();
  });
  const configs = [{ name: 'max.message.bytes', configOperation: 0, value: '500' }];
  await client.request(incrementalAlterConfigsApi, 1, {
    resources: [{ resourceType: 2, resourceName: TOPIC, configs }],
    validateOnly: false,
  });
  expire();
  await once(async () => (away.count() > 0 ? true : null));
  await session.set(`/config/topics/${TOPIC}`, '{"version":1,"config":{"max.message.bytes":"100"}}');
  await appended(client, 'x');
  const { errorCode } = await produce(client, batchOf(['x'.repeat(200)]));
  assert.equal(errorCode, ErrorCode.MESSAGE_TOO_LARGE);
});

test('orders that were given to its life before are refused', async (t) => {
  const away = awayFor(1);
  const { client, sessions, expire } = await served(t, away.reopen);
  const brokerEpoch = (await epochInTree(sessions[0]!))!;
  expire();
  await once(async () => (away.count() > 0 ? true : null));
  const order = { controllerId: 9, controllerEpoch: 99, topicStates: [], liveLeaders: [] };
  const late = await client.request(leaderAndIsrApi, 4, { ...order, brokerEpoch });
  assert.equal(late.errorCode, ErrorCode.STALE_BROKER_EPOCH);
  const { controllerId } = await client.request(metadataApi, 9, {
    topics: [],
    allowAutoTopicCreation: false,
  });
  assert.equal(controllerId, -1);
});
