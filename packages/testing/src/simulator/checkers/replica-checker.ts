import type { Partition } from '@odradek/core/replication/partition.ts';
import type { SimulatedBroker } from '../cluster/simulated-broker.ts';
import type { Problems } from './problem.ts';
import { type StoredBatch, storedBatches } from './stored-batches.ts';

/** What is known to be committed of one partition, whoever told. */
interface Ledger {
  readonly batches: Map<number, StoredBatch>;
  committedTo: number;
  /** Whether records may have been lost, as those of a topic that is being deleted. */
  isClosed: boolean;
  /** By epoch, the broker that led in it. */
  readonly leaders: Map<number, number>;
  /** By replica, up to where its committed records were compared. */
  readonly comparedTo: Map<number, number>;
  /** Of the replica that leads now. */
  led: { broker: number; epoch: number; highWatermark: number };
}

/** A replica as it was when it was checked: while it is so, there is nothing new to be said of it. */
interface Checked {
  readonly isLeader: boolean;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly isUsable: boolean;
  readonly topicId: string;
}

export interface Exemptions {
  /** Changes whenever `mayLose` may answer differently from before. */
  version(): number;
  /** Whether records of a topic may be lost at this moment. */
  mayLose(topic: string): boolean;
}

/**
 * Looks into the brokers after every event, and holds what must be true at all times:
 * - one leader per epoch;
 * - what is committed anywhere is the same everywhere, and stays;
 * - whoever leads has all that was ever committed;
 * - a leader's high watermark never goes back within its epoch.
 */
export class ReplicaChecker {
  private readonly brokers: readonly SimulatedBroker[];
  private readonly problems: Problems;
  private readonly exemptions: Exemptions;
  private readonly ledgers = new Map<string, Ledger>();
  /** Where the injected faults allow a loss: from then on nothing more than one leader per epoch is required. */
  private readonly excused = new Set<string>();
  private readonly checked = new WeakMap<Partition, Checked>();
  private exemptionsVersion = -1;

  constructor(brokers: readonly SimulatedBroker[], problems: Problems, exemptions: Exemptions) {
    this.brokers = brokers;
    this.problems = problems;
    this.exemptions = exemptions;
  }

  get excusedPartitions(): ReadonlySet<string> {
    return this.excused;
  }

  excuse(partition: string): void {
    this.excused.add(partition);
  }

  check(): void {
    const version = this.exemptions.version();
    const isAllNew = version !== this.exemptionsVersion;
    this.exemptionsVersion = version;
    for (const broker of this.brokers) {
      for (const partition of broker.replicas) {
        if (!isAllNew && this.isAsBefore(partition)) continue;
        this.checked.set(partition, stateOf(partition));
        if (isUsable(partition)) this.checkReplica(broker.nodeId, partition);
      }
    }
  }

  private isAsBefore(partition: Partition): boolean {
    const before = this.checked.get(partition);
    return (
      before !== undefined &&
      before.isLeader === partition.isLeader &&
      before.leaderEpoch === partition.leaderEpoch &&
      before.highWatermark === partition.log.highWatermark &&
      before.isUsable === isUsable(partition) &&
      before.topicId === partition.topicId
    );
  }

  private checkReplica(nodeId: number, partition: Partition): void {
    const name = `${partition.topic}-${partition.index}`;
    // A topic that was made anew is another one.
    const ledger = this.ledger(`${name} ${partition.topicId}`);
    if (partition.isLeader) this.checkOneLeader(nodeId, name, partition, ledger);
    ledger.isClosed ||= this.exemptions.mayLose(partition.topic);
    if (this.excused.has(name) || ledger.isClosed) return;
    if (partition.isLeader) this.checkLeader(nodeId, name, partition, ledger);
    this.compareCommitted(nodeId, name, partition, ledger);
  }

  private checkOneLeader(
    nodeId: number,
    name: string,
    { leaderEpoch }: Partition,
    { leaders }: Ledger,
  ): void {
    const known = leaders.get(leaderEpoch);
    if (known === undefined) leaders.set(leaderEpoch, nodeId);
    else if (known !== nodeId) {
      this.problems.add('two-leaders', `brokers ${known} and ${nodeId} lead ${name} in epoch ${leaderEpoch}`);
    }
  }

  private checkLeader(nodeId: number, name: string, partition: Partition, ledger: Ledger): void {
    const { leaderEpoch: epoch, log } = partition;
    const { led } = ledger;
    if (epoch > led.epoch && log.logEndOffset < ledger.committedTo) {
      this.problems.add(
        'committed-lost',
        `broker ${nodeId} leads ${name} in epoch ${epoch} with ${log.logEndOffset} records, but ${ledger.committedTo} were committed`,
      );
    }
    if (led.broker === nodeId && led.epoch === epoch && log.highWatermark < led.highWatermark) {
      this.problems.add(
        'high-watermark-back',
        `the high watermark of ${name} went from ${led.highWatermark} to ${log.highWatermark} on broker ${nodeId}`,
      );
    }
    if (epoch >= led.epoch) ledger.led = { broker: nodeId, epoch, highWatermark: log.highWatermark };
  }

  private compareCommitted(nodeId: number, name: string, partition: Partition, ledger: Ledger): void {
    const { highWatermark, logStartOffset } = partition.log;
    const from = Math.max(logStartOffset, ledger.comparedTo.get(nodeId) ?? 0);
    ledger.comparedTo.set(nodeId, highWatermark);
    if (highWatermark <= from) return;
    for (const batch of storedBatches(partition, from, highWatermark)) {
      const known = ledger.batches.get(batch.baseOffset);
      if (known === undefined) ledger.batches.set(batch.baseOffset, batch);
      else if (known.crc !== batch.crc || known.lastOffset !== batch.lastOffset) {
        this.problems.add(
          'committed-differs',
          `broker ${nodeId} has other records at offset ${batch.baseOffset} of ${name} (epoch ${batch.leaderEpoch}) than those committed (epoch ${known.leaderEpoch})`,
        );
      }
    }
    ledger.committedTo = Math.max(ledger.committedTo, highWatermark);
  }

  private ledger(name: string): Ledger {
    let ledger = this.ledgers.get(name);
    if (ledger === undefined) {
      ledger = {
        batches: new Map(),
        committedTo: 0,
        isClosed: false,
        leaders: new Map(),
        comparedTo: new Map(),
        led: { broker: -1, epoch: -1, highWatermark: 0 },
      };
      this.ledgers.set(name, ledger);
    }
    return ledger;
  }
}

function stateOf(partition: Partition): Checked {
  const { isLeader, leaderEpoch, log, topicId } = partition;
  return { isLeader, leaderEpoch, highWatermark: log.highWatermark, isUsable: isUsable(partition), topicId };
}

function isUsable({ log }: Partition): boolean {
  return !log.isOffline && log.isOpen;
}
