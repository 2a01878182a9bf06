import type { Anomaly } from './anomaly.ts';
import type { HistoryEvent, PollEvent, SendEvent } from './history.ts';
import type { Evidence } from './known-log.ts';

/** What each consumer was given, partition by partition: never back, and over nothing that is there. */
export function* pollOrder(evidence: Evidence, history: Iterable<HistoryEvent>): Generator<Anomaly> {
  const lastOffsets = new Map<string, number>();
  for (const event of history) {
    if (event.type === 'position') {
      for (const partition of event.partitions) lastOffsets.delete(keyOf(event.process, partition));
    } else if (event.type === 'poll') yield* orderOfPoll(evidence, event, lastOffsets);
  }
}

function* orderOfPoll(
  evidence: Evidence,
  poll: PollEvent,
  lastOffsets: Map<string, number>,
): Generator<Anomaly> {
  for (const { partition, offset } of poll.records) {
    const key = keyOf(poll.process, partition);
    const last = lastOffsets.get(key);
    lastOffsets.set(key, offset);
    if (last === undefined) continue;
    if (offset <= last) {
      yield {
        name: 'nonmonotonic-poll',
        partition,
        description: `${poll.process} got offset ${offset} of ${partition} after ${last}`,
      };
    }
    const skipped = skippedBetween(evidence, poll, partition, last, offset);
    if (skipped.length > 0) {
      yield {
        name: 'poll-skip',
        partition,
        description: `${poll.process} went from offset ${last} of ${partition} to ${offset}, over ${skipped.join(', ')}`,
      };
    }
  }
}

/** Offsets in between that hold a record which this poll should have shown; at most ten of them. */
function skippedBetween(
  evidence: Evidence,
  poll: PollEvent,
  partition: string,
  last: number,
  next: number,
): number[] {
  const { valuesAt } = evidence.log(partition);
  const skipped: number[] = [];
  for (let offset = last + 1; offset < next && skipped.length < 10; offset++) {
    const values = valuesAt.get(offset);
    if (values === undefined) continue;
    const isShown =
      poll.isolation !== 'read_committed' || values.every((value) => evidence.isCommitted(value));
    if (isShown) skipped.push(offset);
  }
  return skipped;
}

/** Idempotent producers keep the order of their sends, partition by partition. */
export function* sendOrder(evidence: Evidence): Generator<Anomaly> {
  const last = new Map<string, SendEvent>();
  const inOrder = [...evidence.sends.values()].sort((a, b) => a.sequence - b.sequence);
  for (const send of inOrder) {
    if (!send.idempotent || send.outcome !== 'ok' || send.offset === null) continue;
    const key = keyOf(send.process, send.partition);
    const before = last.get(key);
    last.set(key, send);
    if (before === undefined || before.offset! < send.offset) continue;
    yield {
      name: 'nonmonotonic-send',
      partition: send.partition,
      description:
        `${send.process} sent ${before.value} before ${send.value} to ${send.partition}: ` +
        `they have the offsets ${before.offset} and ${send.offset}`,
    };
  }
}

function keyOf(process: string, partition: string): string {
  return `${process} ${partition}`;
}
