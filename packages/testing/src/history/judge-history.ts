import type { Anomaly } from './anomaly.ts';
import type { HistoryEvent } from './history.ts';
import { Evidence } from './known-log.ts';
import { doubles, lostRecords } from './lost-records.ts';
import { pollOrder, sendOrder } from './order.ts';
import { circles, readsOfUncommitted } from './transactions.ts';

/**
 * Judges what clients did and saw. Knows nothing of faults: who injected some that may lose acknowledged records,
 * such as the loss of all in-sync disks, drops those anomalies from the answer.
 *
 * Records that retention or compaction removed would count as skipped and lost: judge topics without either.
 *
 * @param history the events of each process in the order of that process, which must include, at the end, one
 *   consumer that read every partition from its start; processes may be mixed in any way
 * @returns nothing when all is well
 * @throws when values are not unique
 */
export function judgeHistory(history: readonly HistoryEvent[]): Anomaly[] {
  const evidence = new Evidence(history);
  return [
    ...lostRecords(evidence),
    ...doubles(evidence),
    ...pollOrder(evidence, history),
    ...sendOrder(evidence),
    ...readsOfUncommitted(evidence, history),
    ...circles(evidence, history),
  ];
}
