import type { Anomaly } from './anomaly.ts';
import { type Evidence, isKept } from './known-log.ts';

/**
 * Acknowledged records that nobody read: `lost-write` below what was read of the partition, `unseen` above it or
 * where the offset is not known. Means something only if somebody read every partition from its start to its end.
 */
export function* lostRecords(evidence: Evidence): Generator<Anomaly> {
  for (const send of evidence.sends.values()) {
    const { value, partition, offset, process } = send;
    const log = evidence.log(partition);
    if (!isKept(send) || !evidence.isCommitted(value) || log.readValues.has(value)) continue;
    const isBelow = offset !== null && offset < log.highestRead;
    const where = offset === null ? 'an offset that was not told' : `offset ${offset}`;
    yield {
      name: isBelow ? 'lost-write' : 'unseen',
      partition,
      description:
        `${process} was told that ${value} is in ${partition} at ${where}; nobody read it, ` +
        `though offsets up to ${log.highestRead} were read`,
    };
  }
}

/** Two records at one offset, and records of idempotent producers at two offsets. */
export function* doubles(evidence: Evidence): Generator<Anomaly> {
  for (const { partition, valuesAt, offsetsOf } of evidence.logs.values()) {
    for (const [offset, values] of valuesAt) {
      if (values.length < 2) continue;
      yield {
        name: 'inconsistent-offsets',
        partition,
        description: `offset ${offset} of ${partition} is told to hold ${values.join(' and ')}`,
      };
    }
    for (const [value, offsets] of offsetsOf) {
      if (offsets.length < 2 || evidence.sends.get(value)?.idempotent === false) continue;
      yield {
        name: 'duplicate',
        partition,
        description: `${value} is in ${partition} at offsets ${offsets.join(' and ')}`,
      };
    }
  }
}
