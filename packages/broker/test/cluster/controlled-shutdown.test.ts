import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Peers } from '@odradek/core/ports/peers.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { ManualTime, SILENT } from '../../../core/test/log/log-world.ts';
import { handOver } from '../../src/cluster/controlled-shutdown.ts';

const SELF = { brokerId: 1, brokerEpoch: 77 };

type Answer = Error | { errorCode: number; remainingPartitions: readonly object[] };

/** Controllers that answer one after the other as told; `asked` has what each of them was asked. */
function world(answers: Answer[], controllerIds = answers.map(() => 0)) {
  const time = new ManualTime();
  const asked: [number, object][] = [];
  const peers: Peers = {
    link: (brokerId) => ({
      request: (request, done) => {
        asked.push([brokerId, request.build(3) as object]);
        const answer = answers.shift()!;
        queueMicrotask(() => {
          if (answer instanceof Error) done(answer, null);
          else done(null, { version: 3, body: answer as never });
        });
      },
      close: () => {},
    }),
  };
  const ids = [...controllerIds];
  const parts = {
    self: SELF,
    peers,
    timers: {
      after: (delayMs: number, fire: () => void) => (queueMicrotask(fire), time.after(delayMs, () => {})),
    },
    log: SILENT,
    isAlone: () => false,
    controllerId: () => ids.shift() ?? -1,
    relieve: () => Promise.resolve({ errorCode: 0, remaining: [] }),
    retriesMax: 2,
    backoffMs: 100,
    timeoutMs: 1000,
  };
  return { asked, parts };
}

const done = { errorCode: 0, remainingPartitions: [] };

test('the controller is told which broker in which life wants to stop', async () => {
  const { asked, parts } = world([done]);
  assert.equal(await handOver(parts), true);
  assert.deepEqual(asked, [[0, SELF]]);
});

test('it is asked again after an error, a lost connection and partitions that stay, wherever it is by then', async () => {
  const answers = [
    { ...done, errorCode: ErrorCode.STALE_CONTROLLER_EPOCH },
    new Error('connection lost'),
    done,
  ];
  const { asked, parts } = world(answers, [0, 0, 2]);
  assert.equal(await handOver(parts), true);
  assert.deepEqual(
    asked.map(([brokerId]) => brokerId),
    [0, 0, 2],
  );
});

test('after the last attempt the broker stops all the same', async () => {
  const stuck = { errorCode: 0, remainingPartitions: [{ topicName: 't', partitionIndex: 0 }] };
  const { asked, parts } = world([stuck, stuck, stuck, done]);
  assert.equal(await handOver(parts), false);
  assert.equal(asked.length, 3);
});

test('a broker that is alone has nobody to hand over to, also when the others went meanwhile', async () => {
  const { asked, parts } = world([new Error('connection lost'), done]);
  assert.equal(await handOver({ ...parts, isAlone: () => true }), true);
  assert.equal(asked.length, 0);
  assert.equal(await handOver({ ...parts, isAlone: () => asked.length > 0 }), true);
  assert.equal(asked.length, 1);
});

test('a broker that is the controller itself asks itself; without a controller there is nobody to ask', async () => {
  const own = world([], [SELF.brokerId]);
  assert.equal(await handOver(own.parts), true);
  const none = world([], []);
  assert.equal(await handOver(none.parts), false);
  assert.deepEqual(none.asked, []);
});
