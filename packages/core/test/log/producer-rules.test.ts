import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import { incrementSequence } from '@odradek/protocol/records/batch-header.ts';
import {
  BATCHES_REMEMBERED,
  afterBatch,
  afterMarker,
  emptyEntry,
  findDuplicate,
  firstSequenceOf,
} from '../../src/log/producer-rules.ts';
import type { ProducedBatch, ProducerEntry, TransactionMarker } from '../../src/log/producer-rules.ts';

const MAX = 0x7fffffff;

function batchOf(
  epoch: number,
  baseSequence: number,
  count = 1,
  fields: Partial<ProducedBatch> = {},
): ProducedBatch {
  const baseOffset = fields.baseOffset ?? 100;
  return {
    producerId: 1,
    producerEpoch: epoch,
    baseSequence,
    lastSequence: incrementSequence(baseSequence, count - 1),
    baseOffset,
    lastOffset: baseOffset + count - 1,
    maxTimestamp: 5,
    isTransactional: false,
    ...fields,
  };
}

function codeOf(action: () => unknown): number {
  try {
    action();
    return 0;
  } catch (error) {
    assert.ok(error instanceof KafkaError);
    return error.code;
  }
}

/** The entry after a producer of `epoch` wrote up to `lastSequence`. */
function wrote(epoch: number, lastSequence: number): ProducerEntry {
  return afterBatch(emptyEntry(1), batchOf(epoch, lastSequence), 'client');
}

function markerOf(coordinatorEpoch: number): TransactionMarker {
  return { producerId: 1, producerEpoch: 0, coordinatorEpoch, isCommit: true, offset: 9, timestamp: 9 };
}

describe('producer rules', () => {
  it('answer every pair of epoch and sequence of a small space as the rule says', () => {
    const sequences = [0, 1, 2, 5, 6, 7, MAX - 1, MAX];
    for (const knownEpoch of [0, 1, 2]) {
      for (const lastSequence of sequences) {
        for (const epoch of [0, 1, 2, 3]) {
          for (const sequence of sequences) {
            const expected =
              epoch < knownEpoch
                ? ErrorCode.INVALID_PRODUCER_EPOCH
                : sequence === (epoch > knownEpoch ? 0 : incrementSequence(lastSequence, 1))
                  ? 0
                  : ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER;
            const entry = wrote(knownEpoch, lastSequence);
            const name = `epoch ${knownEpoch}, last ${lastSequence}; then epoch ${epoch}, ${sequence}`;
            assert.equal(
              codeOf(() => afterBatch(entry, batchOf(epoch, sequence), 'client')),
              expected,
              name,
            );
            assert.equal(
              codeOf(() => afterBatch(entry, batchOf(epoch, sequence), 'replication')),
              0,
              name,
            );
          }
        }
      }
    }
  });

  it('pitfall 67: after 2147483647 comes 0, also within a batch', () => {
    const entry = wrote(0, MAX);
    const next = afterBatch(entry, batchOf(0, 0), 'client');
    assert.equal(next.batches.at(-1)!.lastSequence, 0);
    const across = afterBatch(wrote(0, MAX - 2), batchOf(0, MAX - 1, 5), 'client');
    assert.equal(across.batches.at(-1)!.lastSequence, 2);
    assert.equal(firstSequenceOf(across.batches.at(-1)!), MAX - 1);
    assert.equal(
      codeOf(() => afterBatch(across, batchOf(0, 3), 'client')),
      0,
    );
    assert.notEqual(findDuplicate(across, batchOf(0, MAX - 1, 5)), null);
  });

  it('pitfall 68: a producer that nothing is known of may begin with any sequence', () => {
    for (const sequence of [0, 1, 17, MAX]) {
      const entry = afterBatch(emptyEntry(1), batchOf(3, sequence), 'client');
      assert.equal(entry.batches.at(-1)!.lastSequence, sequence);
      assert.equal(entry.epoch, 3);
    }
  });

  it('pitfall 69: the first batch of a new epoch begins at 0', () => {
    const entry = wrote(4, 10);
    assert.equal(
      codeOf(() => afterBatch(entry, batchOf(5, 11), 'client')),
      ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    );
    const next = afterBatch(entry, batchOf(5, 0), 'client');
    assert.deepEqual([next.epoch, next.batches.length], [5, 1]);
  });

  it('pitfall 70: an old epoch is INVALID_PRODUCER_EPOCH, whatever its sequence', () => {
    for (const sequence of [0, 10, 11]) {
      assert.equal(
        codeOf(() => afterBatch(wrote(4, 10), batchOf(3, sequence), 'client')),
        47,
      );
      assert.equal(
        codeOf(() => afterBatch(wrote(4, 10), batchOf(3, sequence), 'coordinator')),
        47,
      );
    }
  });

  it('pitfall 66: each of the last five batches is known again by epoch and both sequences', () => {
    let entry = emptyEntry(1);
    const sent: ProducedBatch[] = [];
    for (let i = 0; i < 8; i++) {
      sent.push(batchOf(2, i * 3, 3, { baseOffset: 1000 + i * 3 }));
      entry = afterBatch(entry, sent[i]!, 'client');
    }
    for (const [i, batch] of sent.entries()) {
      const found = findDuplicate(entry, { ...batch, baseOffset: 9999, lastOffset: 10_001 });
      if (i < sent.length - BATCHES_REMEMBERED) assert.equal(found, null);
      else assert.equal(found!.lastOffset, batch.lastOffset);
    }
    assert.equal(findDuplicate(entry, batchOf(2, 21, 2)), null, 'another last sequence');
    assert.equal(findDuplicate(entry, batchOf(1, 21, 3)), null, 'another epoch');
  });

  it('pitfall 72: a plain batch of a producer with an open transaction is INVALID_TXN_STATE', () => {
    const open = afterBatch(emptyEntry(1), batchOf(0, 0, 1, { isTransactional: true }), 'client');
    assert.equal(open.transactionFirstOffset, 100);
    assert.equal(
      codeOf(() => afterBatch(open, batchOf(0, 1), 'client')),
      ErrorCode.INVALID_TXN_STATE,
    );
  });

  it('a transaction begins with its first batch and ends with its marker', () => {
    let entry = afterBatch(emptyEntry(1), batchOf(0, 0, 2, { isTransactional: true }), 'client');
    entry = afterBatch(entry, batchOf(0, 2, 1, { isTransactional: true, baseOffset: 200 }), 'client');
    assert.equal(entry.transactionFirstOffset, 100);
    const marker = {
      producerId: 1,
      producerEpoch: 0,
      coordinatorEpoch: 7,
      isCommit: true,
      offset: 300,
      timestamp: 9,
    };
    const ended = afterMarker(entry, marker, 'coordinator');
    assert.equal(ended.transactionFirstOffset, null);
    assert.equal(ended.coordinatorEpoch, 7);
    assert.equal(ended.batches.length, 2, 'sequence numbers go on after the marker');
    assert.equal(
      codeOf(() => afterBatch(ended, batchOf(0, 3), 'client')),
      0,
    );
  });

  it('a marker of a higher epoch fences: the epoch then begins at 0', () => {
    const marker = {
      producerId: 1,
      producerEpoch: 1,
      coordinatorEpoch: 0,
      isCommit: false,
      offset: 9,
      timestamp: 9,
    };
    const fenced = afterMarker(wrote(0, 5), marker, 'coordinator');
    assert.equal(
      codeOf(() => afterBatch(fenced, batchOf(0, 6), 'client')),
      ErrorCode.INVALID_PRODUCER_EPOCH,
    );
    assert.equal(
      codeOf(() => afterBatch(fenced, batchOf(1, 6), 'client')),
      ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    );
    assert.equal(
      codeOf(() => afterBatch(fenced, batchOf(1, 0), 'client')),
      0,
    );
  });

  it('a marker of an old coordinator is fenced, but not for followers', () => {
    const entry = afterMarker(wrote(0, 0), markerOf(5), 'coordinator');
    assert.equal(
      codeOf(() => afterMarker(entry, markerOf(4), 'coordinator')),
      ErrorCode.TRANSACTION_COORDINATOR_FENCED,
    );
    assert.equal(
      codeOf(() => afterMarker(entry, markerOf(4), 'replication')),
      0,
    );
  });
});
