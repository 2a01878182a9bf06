import type {
  BatchAnswer,
  BrokerBatch,
  BrokerChannels,
  PartitionError,
} from '@odradek/core/controller/broker-channels.ts';
import type { LiveBroker } from '@odradek/core/controller/cluster-state.ts';
import type { Timers } from '@odradek/core/ports/clock.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import type { Peers } from '@odradek/core/ports/peers.ts';
import type { ControllerOrders, OrderSender } from '@odradek/core/replication/controller-orders.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { WorkQueue } from '../server/work-queue.ts';
import { LoopTurns } from './loop-turns.ts';
import { RemoteChannel } from './remote-channel.ts';

export interface ControllerChannelsParts {
  readonly nodeId: number;
  /** Takes what is for this broker. */
  readonly orders: Pick<ControllerOrders, 'judge' | 'lead' | 'stop'>;
  /** Where this broker does what controllers order, this one or others. */
  readonly orderWork: Pick<WorkQueue, 'run'>;
  /** Of this broker, in its present life. */
  brokerEpoch(): number;
  readonly peers: Peers;
  readonly timers: Timers;
  readonly log: LogSink;
  liveBrokers(): readonly LiveBroker[];
  /** `controller.socket.timeout.ms` */
  timeoutMs(): number;
}

/** That a controller has been elected is told to no life of a broker in particular. */
const ANY_LIFE = -1;

/** The controller's ways to all brokers: over the wire to others, by call to the one that it runs in. */
export class ControllerChannels implements BrokerChannels {
  private readonly parts: ControllerChannelsParts;
  private readonly remote = new Map<number, RemoteChannel>();
  private readonly turns: LoopTurns;

  constructor(parts: ControllerChannelsParts) {
    this.parts = parts;
    this.turns = new LoopTurns(parts.timers);
  }

  outrank(controllerEpoch: number): void {
    this.parts.orders.judge({ controllerId: this.parts.nodeId, controllerEpoch, brokerEpoch: ANY_LIFE });
  }

  open(broker: LiveBroker): void {
    const { nodeId, peers, timers, log } = this.parts;
    if (broker.brokerId === nodeId) return;
    this.close(broker.brokerId);
    const channel = new RemoteChannel({
      controllerId: nodeId,
      broker,
      link: peers.link(broker.brokerId, 'controller'),
      timers,
      log,
      inTurn: (send) => this.turns.run(send),
      liveBrokers: () => this.parts.liveBrokers(),
      timeoutMs: () => this.parts.timeoutMs(),
    });
    this.remote.set(broker.brokerId, channel);
  }

  close(brokerId: number): void {
    this.remote.get(brokerId)?.close();
    this.remote.delete(brokerId);
  }

  closeAll(): void {
    for (const brokerId of this.remote.keys()) this.close(brokerId);
  }

  send(brokerId: number, batch: BrokerBatch, answered: (answer: BatchAnswer | null) => void): void {
    const channel = this.remote.get(brokerId);
    if (channel !== undefined) return channel.send(batch, answered);
    if (brokerId !== this.parts.nodeId) return queueMicrotask(() => answered(null));
    const { nodeId, orderWork } = this.parts;
    const { controllerEpoch } = batch;
    const sender = { controllerId: nodeId, controllerEpoch, brokerEpoch: this.parts.brokerEpoch() };
    const answer = orderWork.run(this.take(sender, batch), false);
    if (answer instanceof Promise) void answer.then(answered);
    else queueMicrotask(() => answered(answer));
  }

  /** This broker's own part; its metadata is what the controller itself knows. */
  private *take(
    sender: OrderSender,
    { leadership, isComplete, stops }: BrokerBatch,
  ): Generator<void, BatchAnswer> {
    const { orders } = this.parts;
    const refusal = orders.judge(sender);
    const isObeyed = refusal === ErrorCode.NONE;
    const leadCodes = isObeyed
      ? yield* orders.lead(sender, leadership, isComplete)
      : leadership.map(() => refusal);
    const later = orders.judge(sender);
    const stopCodes = later === ErrorCode.NONE ? orders.stop(stops) : stops.map(() => later);
    return { leadershipErrors: errorsOf(leadership, leadCodes), stopErrors: errorsOf(stops, stopCodes) };
  }
}

function errorsOf(
  subjects: readonly { readonly topic: string; readonly partition: number }[],
  codes: readonly number[],
): PartitionError[] {
  return subjects
    .map(({ topic, partition }, i) => ({ topic, partition, errorCode: codes[i]! }))
    .filter(({ errorCode }) => errorCode !== ErrorCode.NONE);
}
