import assert from 'node:assert/strict';
import { NO_PRODUCER_ID } from '@odradek/protocol/records/batch-header.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { bytesFrom } from '../log/log-world.ts';
import { describeBatches } from './log-history.ts';
import type { Expectation, KnownBatch, Life } from './log-history.ts';

/**
 * Holds a recovered log against what may be found.
 *
 * @returns the life that it continues, cut to what is left of it; null when there is no log
 */
export function checkRecovered(log: PartitionLog | null, expected: Expectation): Life | null {
  if (log === null) {
    assert.ok(expected.mayBeMissing, 'the log is gone');
    return null;
  }
  assert.ok(!expected.mustBeMissing, 'the log was deleted and is back');
  assert.ok(!log.isOffline, 'the log is offline');
  log.updateHighWatermark(log.logEndOffset);
  const found = describeBatches(bytesFrom(log, log.logStartOffset));
  const life = findLife(log, found, expected);
  assert.ok(log.logStartOffset <= log.logEndOffset);
  // Of segments of which nothing was synced a loss of power may keep the later and lose the earlier.
  const isPromised = expected.promisedEnd > life.startOffset;
  assert.ok(log.logEndOffset >= expected.promisedEnd || !isPromised, 'what was promised is missing');
  assert.ok(log.logStartOffset <= life.startOffset || !isPromised, 'the log begins beyond what was deleted');
  checkProducers(log, life);
  checkEpochs(log, found, life.startOffset);
  checkAborted(log, found);
  checkLookups(log, found);
  return life;
}

function findLife(log: PartitionLog, found: readonly KnownBatch[], expected: Expectation): Life {
  const faults: string[] = [];
  for (const candidate of expected.candidates) {
    const fault = faultAgainst(candidate, log, found);
    if (fault === null) {
      return {
        ...candidate,
        batches: candidate.batches.filter(({ lastOffset }) => lastOffset < log.logEndOffset),
      };
    }
    faults.push(fault);
  }
  assert.fail(`nothing that was ever in the log: ${faults.join('; ')}`);
}

/** Why the log is no prefix of `candidate`, or null when it is. */
function faultAgainst(candidate: Life, log: PartitionLog, found: readonly KnownBatch[]): string | null {
  const { logStartOffset: start, logEndOffset: end } = log;
  if (log.topicId !== candidate.topicId && !(log.topicId === null && found.length === 0)) {
    return `topic id ${log.topicId} where ${candidate.topicId} is expected`;
  }
  const prefix = candidate.batches.filter(({ lastOffset }) => lastOffset < end);
  const last = prefix.at(-1);
  const endsWell = (last === undefined ? 0 : last.lastOffset + 1) === end || end === start;
  if (!endsWell) return `end ${end} is behind no batch`;
  const wanted = prefix.filter(({ lastOffset }) => lastOffset >= start);
  const identities = new Set(found.map(({ identity }) => identity));
  const lost = wanted.find((b) => !identities.has(b.identity) && b.lastOffset >= candidate.startOffset);
  if (lost !== undefined) return `${lost.identity} is missing`;
  const known = new Set(wanted.map(({ identity }) => identity));
  const strange = found.find(({ identity }) => !known.has(identity));
  return strange === undefined ? null : `${strange.identity} was never there`;
}

interface ProducerFacts {
  readonly epoch: number;
  readonly lastSequence: number;
  readonly lastOffset: number;
  readonly transactionFirstOffset: number | null;
}

/** What the batches say of each producer. */
function replayed(batches: readonly KnownBatch[]): Map<number, ProducerFacts> {
  const producers = new Map<number, ProducerFacts>();
  for (const batch of batches) {
    if (batch.producerId === Number(NO_PRODUCER_ID)) continue;
    const before = producers.get(batch.producerId);
    producers.set(batch.producerId, afterBatch(before, batch));
  }
  return producers;
}

function afterBatch(before: ProducerFacts | undefined, batch: KnownBatch): ProducerFacts {
  const epoch = batch.producerEpoch;
  const isSameEpoch = before?.epoch === epoch;
  if (batch.marker !== null) {
    const lastSequence = isSameEpoch ? before.lastSequence : -1;
    return {
      epoch,
      lastSequence,
      lastOffset: isSameEpoch ? before.lastOffset : -1,
      transactionFirstOffset: null,
    };
  }
  const open = before?.transactionFirstOffset ?? null;
  return {
    epoch,
    lastSequence: batch.lastSequence,
    lastOffset: batch.lastOffset,
    transactionFirstOffset: batch.isTransactional ? (open ?? batch.baseOffset) : open,
  };
}

/** State of a producer may be lost only where all of its records were deleted, and with it what began there. */
function checkProducers(log: PartitionLog, life: Life): void {
  const start = life.startOffset;
  const expected = replayed(life.batches);
  const actual = new Map(log.producerStates().map((entry) => [entry.producerId, entry]));
  for (const [producerId, facts] of expected) {
    const entry = actual.get(producerId);
    if (entry === undefined) {
      const last = life.batches.findLast((batch) => batch.producerId === producerId)!;
      assert.ok(last.lastOffset < start, `producer ${producerId} is forgotten`);
      continue;
    }
    const transaction = facts.transactionFirstOffset;
    const beganBefore = transaction !== null && transaction < start;
    const found = {
      epoch: entry.epoch,
      lastSequence: entry.batches.at(-1)?.lastSequence ?? -1,
      lastOffset: entry.batches.at(-1)?.lastOffset ?? -1,
      transactionFirstOffset: beganBefore ? transaction : entry.transactionFirstOffset,
    };
    if (facts.lastOffset < start && found.lastOffset === -1) continue;
    assert.deepEqual(found, facts, `producer ${producerId}`);
  }
  for (const producerId of actual.keys()) {
    assert.ok(expected.has(producerId), `producer ${producerId} never wrote what is left`);
  }
}

/** Of records that were deleted and came back the epoch may be forgotten. */
function checkEpochs(log: PartitionLog, found: readonly KnownBatch[], startOffset: number): void {
  for (const { epoch, lastOffset } of found) {
    if (lastOffset < startOffset) continue;
    const next = found.find((other) => other.epoch > epoch);
    const end = log.endOffsetForEpoch(epoch);
    assert.equal(end.epoch, epoch, `epoch ${epoch} is unknown`);
    assert.ok(end.endOffset > lastOffset, `epoch ${epoch} ends at ${end.endOffset}, within itself`);
    assert.ok(end.endOffset <= (next?.baseOffset ?? log.logEndOffset), `epoch ${epoch} ends too late`);
  }
}

/** Each transaction that was aborted within what is left has to be known to those who read its records. */
function checkAborted(log: PartitionLog, found: readonly KnownBatch[]): void {
  const aborted = new Map<string, { firstOffset: number; lastOffset: number }>();
  const open = new Map<number, number>();
  for (const batch of found) {
    if (batch.marker === null && batch.isTransactional && !open.has(batch.producerId)) {
      open.set(batch.producerId, batch.baseOffset);
    }
    if (batch.marker === null) continue;
    const firstOffset = open.get(batch.producerId);
    open.delete(batch.producerId);
    if (batch.marker === 'abort' && firstOffset !== undefined) {
      const { lastOffset, producerId } = batch;
      aborted.set(`${producerId} to ${lastOffset}`, { firstOffset, lastOffset });
    }
  }
  for (const { baseOffset, lastOffset } of found) {
    if (baseOffset < log.logStartOffset || lastOffset >= log.lastStableOffset) continue;
    const read = log.read(baseOffset, { maxBytes: 1, minOneBatch: true, upTo: 'last-stable' });
    read.slice?.release();
    const told = new Set(read.abortedTransactions!.map((t) => `${t.producerId} to ${t.lastOffset}`));
    for (const [name, transaction] of aborted) {
      const overlaps = transaction.firstOffset <= lastOffset && transaction.lastOffset >= baseOffset;
      if (overlaps) assert.ok(told.has(name), `${baseOffset}: aborted transaction ${name} is not told`);
    }
  }
}

/** The indexes lead to every batch, by offset and by time. */
function checkLookups(log: PartitionLog, found: readonly KnownBatch[]): void {
  const readable = found.filter(({ lastOffset }) => lastOffset >= log.logStartOffset);
  for (const batch of readable) {
    const offset = Math.max(batch.lastOffset, log.logStartOffset);
    const { slice } = log.read(offset, { maxBytes: 1, minOneBatch: true, upTo: 'log-end' });
    assert.equal(describeBatches(slice!.toBuffer())[0]?.identity, batch.identity, `read at ${offset}`);
    slice!.release();
  }
  const times = new Set(readable.map(({ maxTimestamp }) => maxTimestamp));
  for (const time of times) {
    const first = readable.find(({ maxTimestamp }) => maxTimestamp >= time)!;
    const answer = log.offsetForTimestamp(time, 'log-end');
    assert.equal(answer?.offset, Math.max(first.baseOffset, log.logStartOffset), `offset for time ${time}`);
  }
}
