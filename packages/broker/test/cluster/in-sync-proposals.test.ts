import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InSyncOutcome, InSyncProposal } from '@odradek/core/replication/leader-role.ts';
import { InSyncProposals } from '@odradek/broker/cluster/in-sync-proposals.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { AlterPartitionRequest } from '@odradek/protocol/generated/alter-partition-request.ts';
import { ManualTime, SILENT } from '../../../core/test/log/log-world.ts';
import { TOPIC_ID } from '../../../core/test/replication/replica-world.ts';
import { ScriptedLink } from '../../../core/test/replication/scripted-peer.ts';

const NODE = 1;
const RETRY_MS = 50;

function scene(version = 3) {
  const time = new ManualTime();
  const links: { controllerId: number; link: ScriptedLink }[] = [];
  const here: { proposals: readonly object[]; resolve(answer: object): void }[] = [];
  const known = { controllerId: 2, brokerEpoch: 70 };
  const proposals = new InSyncProposals({
    nodeId: NODE,
    peers: {
      link: (controllerId) => {
        const link = new ScriptedLink(version);
        links.push({ controllerId, link });
        return link;
      },
    },
    timers: time,
    log: SILENT,
    brokerEpoch: () => known.brokerEpoch,
    controllerId: () => known.controllerId,
    askHere: (_broker, asked) => {
      const { promise, resolve } = Promise.withResolvers<never>();
      here.push({ proposals: asked, resolve: resolve as (answer: object) => void });
      return promise;
    },
    timeoutMs: () => 30_000,
  });
  const outcomes: Record<number, InSyncOutcome> = {};
  const propose = (partition: number, change: Partial<InSyncProposal> = {}): void => {
    const isr = [NODE, 2];
    proposals.propose(
      { topic: 't', topicId: TOPIC_ID, partition, leaderEpoch: 5, partitionEpoch: 8, isr, ...change },
      (outcome) => {
        outcomes[partition] = outcome;
      },
    );
  };
  /** The one request that waits at the latest controller. */
  const next = () => {
    const { link } = links.at(-1)!;
    assert.equal(link.received.length, 1);
    const [received] = link.received.splice(0);
    const request = received!.body as AlterPartitionRequest;
    const partitions = request.topics.flatMap((topic) => topic.partitions);
    return {
      request,
      asked: partitions.map(({ partitionIndex }) => partitionIndex),
      fail: (message: string) => received!.fail(message),
      refuse: (errorCode: number) => received!.answer({ errorCode, topics: [] }),
      answer: (codes: Record<number, number> = {}) =>
        received!.answer({
          errorCode: 0,
          topics: [
            {
              topicId: TOPIC_ID,
              partitions: partitions.map(({ partitionIndex, leaderEpoch, newIsrWithEpochs }) => ({
                partitionIndex,
                errorCode: codes[partitionIndex] ?? 0,
                leaderId: NODE,
                leaderEpoch,
                isr: newIsrWithEpochs.map(({ brokerId }) => brokerId),
                partitionEpoch: 9,
              })),
            },
          ],
        }),
    };
  };
  return { time, links, here, known, proposals, outcomes, propose, next };
}

const WRITTEN = { leaderEpoch: 5, partitionEpoch: 9, isr: [NODE, 2] };

test('one request is under way at a time, and takes all that has gathered', () => {
  const { propose, next, outcomes, links } = scene();
  propose(0);
  propose(1);
  propose(2);
  const first = next();
  assert.deepEqual(first.asked, [0]);
  assert.deepEqual([first.request.brokerId, first.request.brokerEpoch], [NODE, 70]);
  first.answer();
  assert.deepEqual(outcomes[0], WRITTEN);
  const second = next();
  assert.deepEqual(second.asked, [1, 2]);
  second.answer({ 2: ErrorCode.INVALID_UPDATE_VERSION });
  assert.deepEqual(outcomes[1], WRITTEN);
  assert.deepEqual(outcomes[2], { errorCode: ErrorCode.INVALID_UPDATE_VERSION });
  assert.equal(links.length, 1);
});

test('a lost connection, a stale broker epoch, another controller: asked again after a pause, of whoever it is', () => {
  const { propose, next, outcomes, time, known, links } = scene();
  propose(0);
  next().fail('connection lost');
  assert.equal(links[0]!.link.received.length, 0);
  time.advance(RETRY_MS);
  known.brokerEpoch = 71;
  next().refuse(ErrorCode.STALE_BROKER_EPOCH);
  time.advance(RETRY_MS);
  const third = next();
  assert.equal(third.request.brokerEpoch, 71);
  known.controllerId = 3;
  third.refuse(ErrorCode.NOT_CONTROLLER);
  assert.deepEqual(outcomes, {});
  time.advance(RETRY_MS);
  assert.deepEqual([links[0]!.link.isClosed, links[1]!.controllerId], [true, 3]);
  next().answer();
  assert.deepEqual(outcomes, { 0: WRITTEN });
});

test('a partition that the controller could not decide about is asked for again, the others are done', () => {
  const { propose, next, outcomes, time } = scene();
  propose(0);
  next().fail('connection lost');
  propose(1);
  time.advance(RETRY_MS);
  next().answer({ 0: ErrorCode.NOT_CONTROLLER });
  assert.deepEqual([outcomes[0], outcomes[1]], [undefined, WRITTEN]);
  time.advance(RETRY_MS);
  const again = next();
  assert.deepEqual(again.asked, [0]);
  again.answer();
  assert.deepEqual(outcomes[0], WRITTEN);
});

test('a later proposal for a partition takes the place of one that waits', () => {
  const { propose, next, time, outcomes } = scene();
  propose(0);
  const first = next();
  propose(0, { leaderEpoch: 6 });
  first.fail('connection lost');
  time.advance(RETRY_MS);
  const again = next();
  assert.deepEqual(
    again.request.topics[0]!.partitions.map(({ leaderEpoch }) => leaderEpoch),
    [6],
  );
  again.answer();
  assert.deepEqual(outcomes[0], { ...WRITTEN, leaderEpoch: 6 });
});

test('where the controller runs in this broker, it is asked by call', async () => {
  const { propose, here, known, outcomes, links } = scene();
  known.controllerId = NODE;
  propose(0);
  assert.equal(here.length, 1);
  const state = { leader: NODE, leaderEpoch: 5, isr: [NODE, 2], isRecovering: false, controllerEpoch: 1 };
  here[0]!.resolve({
    errorCode: 0,
    outcomes: [{ topic: 't', partition: 0, errorCode: 0, state, partitionEpoch: 9 }],
  });
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  assert.deepEqual(outcomes, { 0: WRITTEN });
  assert.equal(links.length, 0);
});

test('once closed nothing is asked or told any more', () => {
  const { propose, next, proposals, outcomes, time, links } = scene();
  propose(0);
  const first = next();
  proposals.close();
  first.answer();
  propose(1);
  time.advance(1_000);
  assert.deepEqual([outcomes, links[0]!.link.received.length], [{}, 0]);
});
