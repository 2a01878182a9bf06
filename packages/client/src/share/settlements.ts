import { partitionKey } from '../cluster/topic-partition.ts';
import type { AcknowledgementOutcome } from './acknowledgement.ts';
import type { AcquiredRecord } from './acquired-record.ts';

interface Wait {
  readonly records: Set<AcquiredRecord>;
  readonly outcomes: AcknowledgementOutcome[];
  readonly resolve: (outcomes: readonly AcknowledgementOutcome[]) => void;
}

/** Records that have a verdict, until it is known what the brokers made of it. */
export class Settlements {
  private readonly unsettled = new Set<AcquiredRecord>();
  private readonly waits = new Set<Wait>();
  private readonly report: (outcomes: readonly AcknowledgementOutcome[]) => void;

  constructor(report: (outcomes: readonly AcknowledgementOutcome[]) => void) {
    this.report = report;
  }

  get count(): number {
    return this.unsettled.size;
  }

  begin(record: AcquiredRecord): void {
    this.unsettled.add(record);
  }

  /** @param error null when the verdicts stand */
  end(records: readonly AcquiredRecord[], error: Error | null): void {
    if (records.length === 0) return;
    for (const record of records) this.unsettled.delete(record);
    const outcomes = outcomesOf(records, error);
    for (const wait of this.waits) this.note(wait, records, error);
    this.report(outcomes);
  }

  /** Not within the call that gave the verdict. */
  endSoon(record: AcquiredRecord, error: Error): void {
    queueMicrotask(() => this.end([record], error));
  }

  /** What comes of all verdicts that were given until now. */
  all(): Promise<readonly AcknowledgementOutcome[]> {
    if (this.unsettled.size === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      this.waits.add({ records: new Set(this.unsettled), outcomes: [], resolve });
    });
  }

  private note(wait: Wait, records: readonly AcquiredRecord[], error: Error | null): void {
    const awaited = records.filter((record) => wait.records.delete(record));
    wait.outcomes.push(...outcomesOf(awaited, error));
    if (wait.records.size > 0) return;
    this.waits.delete(wait);
    wait.resolve(wait.outcomes);
  }
}

function outcomesOf(records: readonly AcquiredRecord[], error: Error | null): AcknowledgementOutcome[] {
  const groups = Map.groupBy(records, (record) => `${partitionKey(record)} ${record.verdict!}`);
  return [...groups.values()].map((ofGroup) => {
    const { topic, partition, verdict } = ofGroup[0]!;
    const offsets = ofGroup.map(({ offset }) => offset).toSorted((a, b) => a - b);
    return { topic, partition, verdict: verdict!, offsets, error };
  });
}
