import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { decodeProducerSnapshot, encodeProducerSnapshot } from '../../src/log/producer-snapshot.ts';
import { ProducerStates, ProducerUpdate } from '../../src/log/producer-states.ts';
import type { ProducedBatch } from '../../src/log/producer-rules.ts';
import { LogWorld } from './log-world.ts';

function batchOf(
  producerId: number,
  sequence: number,
  offset: number,
  isTransactional = false,
): ProducedBatch {
  return {
    producerId,
    producerEpoch: 0,
    baseSequence: sequence,
    lastSequence: sequence,
    baseOffset: offset,
    lastOffset: offset,
    maxTimestamp: 1000 + offset,
    isTransactional,
  };
}

function add(states: ProducerStates, batch: ProducedBatch): void {
  const update = new ProducerUpdate();
  states.stageBatch(update, batch, 'client');
  states.commit(update, batch.lastOffset + 1, () => {});
}

function end(states: ProducerStates, producerId: number, offset: number, isCommit: boolean): number[] {
  const update = new ProducerUpdate();
  const marker = { producerId, producerEpoch: 0, coordinatorEpoch: 0, isCommit, offset, timestamp: offset };
  states.stageMarker(update, marker, 'coordinator');
  const stable: number[] = [];
  states.commit(update, offset + 1, (_, lastStableOffset) => stable.push(lastStableOffset));
  return stable;
}

describe('producer states', () => {
  it('change only when an update is committed', () => {
    const states = new ProducerStates(new LogWorld().context, '/data', []);
    const update = new ProducerUpdate();
    states.stageBatch(update, batchOf(1, 0, 0), 'client');
    states.stageBatch(update, batchOf(1, 1, 1), 'client');
    assert.equal(states.entry(1), null);
    assert.throws(() => states.stageBatch(update, batchOf(1, 3, 2), 'client'), { code: 45 });
    states.commit(update, 2, () => {});
    assert.equal(states.entry(1)!.batches.length, 2);
    assert.equal(states.mapEndOffset, 2);
  });

  it('tell where the oldest undecided transaction begins', () => {
    const states = new ProducerStates(new LogWorld().context, '/data', []);
    add(states, batchOf(1, 0, 10, true));
    add(states, batchOf(2, 0, 11, true));
    assert.equal(states.firstUnstableOffset, 10);
    assert.deepEqual(end(states, 1, 12, false), [11]);
    assert.equal(states.firstUnstableOffset, 10, 'its marker is not replicated yet');
    states.onHighWatermark(12);
    assert.equal(states.firstUnstableOffset, 10);
    states.onHighWatermark(13);
    assert.equal(states.firstUnstableOffset, 11);
    assert.deepEqual(end(states, 2, 14, false), [15]);
    states.onHighWatermark(15);
    assert.equal(states.firstUnstableOffset, null);
  });

  it('forget idle producers, but not in the midst of a transaction', () => {
    const states = new ProducerStates(new LogWorld().context, '/data', []);
    add(states, batchOf(1, 0, 0));
    add(states, batchOf(2, 0, 1, true));
    states.removeExpired(1000 + 500, 500);
    assert.equal(states.entry(1), null);
    assert.notEqual(states.entry(2), null);
  });

  it('come back from a snapshot, which keeps the last batch of each', () => {
    const world = new LogWorld();
    const states = new ProducerStates(world.context, '/data', []);
    add(states, batchOf(1, 0, 0));
    add(states, batchOf(1, 1, 1));
    add(states, batchOf(2, 5, 2, true));
    assert.equal(states.takeSnapshot(), '/data/00000000000000000003.snapshot');
    assert.equal(states.takeSnapshot(), null, 'nothing new');
    const again = new ProducerStates(world.context, '/data', [3]);
    again.reload(0, 3, 2000, 1_000_000);
    assert.equal(again.mapEndOffset, 3);
    assert.deepEqual(again.entry(1)!.batches, [
      { lastSequence: 1, lastOffset: 1, offsetDelta: 0, timestamp: 1001 },
    ]);
    assert.equal(again.firstUnstableOffset, 2);
    add(again, batchOf(1, 2, 3));
  });

  it('do not trust a damaged snapshot, nor one outside the log', () => {
    const world = new LogWorld();
    const states = new ProducerStates(world.context, '/data', []);
    add(states, batchOf(1, 0, 0));
    states.takeSnapshot();
    add(states, batchOf(1, 1, 1));
    const damaged = states.takeSnapshot()!;
    add(states, batchOf(1, 2, 2));
    states.takeSnapshot();
    world.disk.open(damaged).write(Buffer.from([0xff]), 12);
    const again = new ProducerStates(world.context, '/data', [3, 1, 2]);
    again.reload(0, 2, 2000, 1_000_000);
    assert.equal(again.mapEndOffset, 1);
    assert.equal(again.entry(1)!.batches.at(-1)!.lastSequence, 0);
    assert.deepEqual(
      world.disk.list('/data')!.map(({ name }) => name),
      ['00000000000000000001.snapshot'],
    );
    again.reload(1, 2, 2000, 1_000_000);
    assert.equal(again.mapEndOffset, 1);
    assert.equal(again.size, 0);
  });
});

describe('producer snapshot', () => {
  const entry = {
    producerId: 0x0102030405060,
    epoch: 7,
    coordinatorEpoch: 9,
    lastTimestamp: 1_700_000_000_000,
    transactionFirstOffset: 33,
    batches: [{ lastSequence: 4, lastOffset: 40, offsetDelta: 2, timestamp: 1_700_000_000_000 }],
  };

  it('has the layout of version 1', () => {
    const bytes = encodeProducerSnapshot([entry]);
    assert.equal(
      bytes.toString('hex').slice(12),
      [
        '00000001',
        '0000102030405060',
        '0007',
        '00000004',
        '0000000000000028',
        '00000002',
        '0000018bcfe56800',
        '00000009',
        '0000000000000021',
      ].join(''),
    );
    assert.equal(bytes.readInt16BE(0), 1);
    assert.deepEqual(decodeProducerSnapshot(bytes), [entry]);
    assert.deepEqual(decodeProducerSnapshot(encodeProducerSnapshot([])), []);
  });

  it('refuses every damaged or cut form', () => {
    const bytes = encodeProducerSnapshot([
      entry,
      { ...entry, producerId: 2, batches: [], transactionFirstOffset: null },
    ]);
    for (let size = 0; size < bytes.length; size++) {
      assert.throws(() => decodeProducerSnapshot(bytes.subarray(0, size)), MalformedBytesError);
    }
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x40;
      assert.throws(() => decodeProducerSnapshot(damaged), MalformedBytesError);
    }
  });
});
