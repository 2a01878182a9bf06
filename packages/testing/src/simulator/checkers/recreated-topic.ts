import { judgeHistory } from '../../history/judge-history.ts';
import type { HistoryEvent, SendEvent } from '../../history/history.ts';
import type { Problems } from './problem.ts';

export interface LastTopic {
  /** When the topic that is there now was made, on the clock of the history, milliseconds. */
  readonly madeMs: number;
  /** Below this offset records may have been deleted on request. */
  readonly deletedBelow: number;
}

/**
 * Judges the history of a topic that was deleted and made anew, read once at the end. What was acknowledged since it
 * was made is there, but for what was deleted on request; of what was acknowledged before, nothing is where it was.
 */
export function judgeRecreated(
  history: readonly HistoryEvent[],
  { madeMs, deletedBelow }: LastTopic,
  problems: Problems,
): void {
  const wasDeleted = ({ outcome, offset }: SendEvent) =>
    outcome === 'ok' && offset !== null && offset < deletedBelow;
  const ofNow = history.filter(
    (event) => event.type !== 'send' || (event.startMs > madeMs && !wasDeleted(event)),
  );
  for (const { name, description } of judgeHistory(ofNow)) problems.add(name, description);
  const acknowledgedBefore = new Map(
    history
      .filter((event) => event.type === 'send')
      .filter(({ outcome, endMs }) => outcome === 'ok' && endMs < madeMs)
      .map(({ value, offset }) => [value, offset]),
  );
  for (const event of history) {
    if (event.type !== 'poll') continue;
    for (const { partition, offset, value } of event.records) {
      // A request that was late by years may still write it, and at another place: that is another record.
      if (acknowledgedBefore.get(value) !== offset) continue;
      problems.add('resurrected', `${value} is at ${offset} of ${partition}, though that was deleted since`);
    }
  }
}
