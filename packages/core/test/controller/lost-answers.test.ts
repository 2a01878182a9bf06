// Each write in turn loses its answer, once when it happened and once when it did not.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRoots, obtainClusterId, registerBroker } from '../../src/controller/cluster-join.ts';
import { electController } from '../../src/controller/controller-election.ts';
import { allocateProducerIds } from '../../src/controller/producer-id-allocation.ts';
import { rootPaths } from '../../src/controller/tree-paths.ts';
import type { Coordination } from '../../src/ports/coordination.ts';
import { forgetfulSession } from '../coordination/forgetful-session.ts';
import { PromisedSession } from '../coordination/promised-session.ts';
import { countedRandom, ended, newTree } from './controller-world.ts';

type Answer<Value> = (error: Error | null, value: Value) => void;

function answered<Value>(act: (done: Answer<Value>) => void): Promise<Value> {
  return new Promise((resolve, reject) =>
    act((error, value) => (error === null ? resolve(value) : reject(error))),
  );
}

const endpoints = [{ listenerName: 'A', securityProtocol: 'PLAINTEXT' as const, host: 'h', port: 1 }];
const broker = { brokerId: 3, endpoints, rack: null, jmxPort: -1, timestampMs: 1 };

/** What a broker does when it comes. */
async function join(session: Coordination) {
  await ended((done) => createRoots(session, done));
  return {
    clusterId: await answered<string>((done) => obtainClusterId(session, null, countedRandom(), done)),
    epoch: await answered<number>((done) => registerBroker(session, broker, done)),
    term: await answered((done: Answer<unknown>) => electController(session, 3, 1, done)),
    block: await answered((done: Answer<unknown>) => allocateProducerIds(session, 3, done)),
  };
}

describe('a broker that comes and loses an answer', () => {
  const untroubled = { write: -1, happened: false };

  test('joins all the same (F50, F53)', async () => {
    const whole = newTree();
    const counted = forgetfulSession(whole.connect(), untroubled);
    const expected = await join(counted);
    whole.close();
    assert.ok(counted.writes > rootPaths.length);
    for (let write = 0; write < counted.writes; write++) {
      for (const happened of [true, false]) {
        const tree = newTree();
        const raw = tree.connect();
        const { clusterId, epoch, term, block } = await join(forgetfulSession(raw, { write, happened }));
        const what = `write ${write}, which ${happened ? 'happened' : 'did not happen'}`;
        const session = new PromisedSession(raw);
        const { id } = JSON.parse((await session.read('/cluster/id')).data!.toString()) as { id: string };
        assert.equal(clusterId, id, what);
        assert.equal((await session.stat('/brokers/ids/3'))?.czxid, epoch, what);
        assert.deepEqual(term, expected.term, what);
        const { first } = block as { first: number };
        assert.ok(first === 0 || (happened && first === 1_000), `${what}: ids from ${first}`);
        const stored = JSON.parse(
          (await session.read('/latest_producer_id_block')).data!.toString(),
        ) as object;
        assert.deepEqual(
          { ...stored, block_start: Number((stored as { block_start: string }).block_start) },
          {
            ...stored,
            block_start: first,
          },
          what,
        );
        tree.close();
      }
    }
  });
});
