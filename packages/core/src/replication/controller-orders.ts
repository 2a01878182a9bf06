import { ErrorCode } from '@odradek/protocol/errors.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';
import type { LogManager } from '../log/log-manager.ts';
import type { LogSink } from '../ports/log-sink.ts';
import type { LeadershipChange } from './leadership.ts';
import type { Partition } from './partition.ts';
import type { ReplicaManager } from './replica-manager.ts';

/** To make a new log takes up to half a millisecond, to lead or follow one that is open a hundredth of that. */
const CHANGES_PER_STEP = 16;

/** Who gives an order, and to whom. */
export interface OrderSender {
  readonly controllerId: number;
  readonly controllerEpoch: number;
  /** The life of this broker that is meant (czxid of its registration); -1: not told. */
  readonly brokerEpoch: number;
}

/** A replica that is to end here. */
export interface StopOrder {
  readonly topic: string;
  readonly partition: number;
  /** The epoch in which it ends; -1: not told; -2: the topic is being deleted. */
  readonly leaderEpoch: number;
  readonly deleteLog: boolean;
}

export interface ControllerOrdersParts {
  readonly replicas: Pick<ReplicaManager, 'applyLeadership' | 'stopPartitions' | 'partition' | 'partitions'>;
  readonly logs: Pick<LogManager, 'delete'>;
  readonly log: LogSink;
  /**
   * Of this broker, -1 before it has registered; between two of its lives larger than that of the one that is over and
   * not than that of the one to come.
   */
  brokerEpoch(): number;
}

/**
 * What the controller orders this broker to do with its replicas. Orders of a controller that another has replaced,
 * and such as were meant for an earlier life of this broker, are refused (F42 and F44 of the faults). The highest
 * controller epoch is known in memory only: after a restart, the first word of the controller in office tells it.
 */
export class ControllerOrders {
  private readonly parts: ControllerOrdersParts;
  private highestEpoch = 0;

  constructor(parts: ControllerOrdersParts) {
    this.parts = parts;
  }

  /** @returns 0 when the sender is to be obeyed, and from then on nobody of an earlier controller epoch */
  judge({ controllerId, controllerEpoch, brokerEpoch }: OrderSender): number {
    const isStale = controllerEpoch < this.highestEpoch;
    // A greater broker epoch is ours as well: the controller may hear of the registration before we do (F45).
    const isForEarlierLife = brokerEpoch !== -1 && brokerEpoch < this.parts.brokerEpoch();
    if (!isStale && !isForEarlierLife) {
      this.highestEpoch = controllerEpoch;
      return ErrorCode.NONE;
    }
    this.parts.log.info('refused an order of a controller', {
      controllerId,
      controllerEpoch,
      highestControllerEpoch: this.highestEpoch,
      brokerEpochInOrder: brokerEpoch,
      brokerEpoch: this.parts.brokerEpoch(),
    });
    return isForEarlierLife ? ErrorCode.STALE_BROKER_EPOCH : ErrorCode.STALE_CONTROLLER_EPOCH;
  }

  /**
   * In steps, since each replica may be a log that has to be made. Who is not to be obeyed any more between two of them
   * is refused the rest.
   *
   * @param isComplete `changes` name all replicas that this broker is to hold: it ceases to hold others. Their logs stay
   * @returns an error code for each change, in their order
   */
  *lead(
    sender: OrderSender,
    changes: readonly LeadershipChange[],
    isComplete: boolean,
  ): Generator<void, number[]> {
    const codes: number[] = [];
    while (codes.length < changes.length) {
      if (codes.length > 0) {
        yield;
        const refusal = this.judge(sender);
        if (refusal !== ErrorCode.NONE) return [...codes, ...changes.slice(codes.length).map(() => refusal)];
      }
      codes.push(...this.leadSome(changes.slice(codes.length, codes.length + CHANGES_PER_STEP)));
    }
    if (isComplete) this.stopStrays(changes);
    return codes;
  }

  private leadSome(changes: readonly LeadershipChange[]): number[] {
    const refusals = changes.map((change) => this.refusalOf(change));
    const accepted = changes.filter((_, i) => refusals[i] === ErrorCode.NONE);
    const codes = this.parts.replicas.applyLeadership(accepted);
    let next = 0;
    return refusals.map((refusal) => (refusal === ErrorCode.NONE ? codes[next++]! : refusal));
  }

  /** @returns an error code for each order, in their order */
  stop(orders: readonly StopOrder[]): number[] {
    const { replicas, logs } = this.parts;
    const codes = orders.map((order) => stopRefusal(order, replicas.partition(order.topic, order.partition)));
    const accepted = orders.filter((_, i) => codes[i] === ErrorCode.NONE);
    const unhosted = accepted.filter(
      ({ topic, partition, deleteLog }) => deleteLog && replicas.partition(topic, partition) === undefined,
    );
    replicas.stopPartitions(accepted);
    // The order may have come after a restart, before any word that this broker holds the replica.
    for (const { topic, partition } of unhosted) logs.delete(topic, partition);
    return codes;
  }

  private refusalOf({ topic, topicId, partition: index }: LeadershipChange): number {
    const known = this.parts.replicas.partition(topic, index);
    if (known === undefined) return ErrorCode.NONE;
    if (known.log.isOffline) return ErrorCode.KAFKA_STORAGE_ERROR;
    if (known.isOfEarlierLife) return ErrorCode.NONE;
    const isAnother = topicId !== ZERO_UUID && known.topicId !== ZERO_UUID && topicId !== known.topicId;
    return isAnother ? ErrorCode.INCONSISTENT_TOPIC_ID : ErrorCode.NONE;
  }

  private stopStrays(changes: readonly LeadershipChange[]): void {
    const { replicas, log } = this.parts;
    const named = new Set(changes.map(({ topic, partition }) => `${topic} ${partition}`));
    const strays = [...replicas.partitions()].filter(({ topic, index }) => !named.has(`${topic} ${index}`));
    for (const { topic, index: partition } of strays) {
      log.warn('holding a replica no more that the controller knows nothing of', { topic, partition });
    }
    replicas.stopPartitions(
      strays.map(({ topic, index: partition }) => ({ topic, partition, deleteLog: false })),
    );
  }
}

/** The deletion of a topic begins no new epoch, and old controllers tell none: then there is nothing to compare. */
function stopRefusal({ leaderEpoch }: StopOrder, partition: Partition | undefined): number {
  if (partition === undefined) return ErrorCode.NONE;
  if (partition.log.isOffline) return ErrorCode.KAFKA_STORAGE_ERROR;
  if (partition.isOfEarlierLife) return ErrorCode.NONE;
  return leaderEpoch >= 0 && leaderEpoch < partition.leaderEpoch
    ? ErrorCode.FENCED_LEADER_EPOCH
    : ErrorCode.NONE;
}
