import type { BatchAnswer, BrokerBatch, PartitionError } from '@odradek/core/controller/broker-channels.ts';
import type { LiveBroker } from '@odradek/core/controller/cluster-state.ts';
import type { Timer, Timers } from '@odradek/core/ports/clock.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import type { PeerLink, PeerRequest } from '@odradek/core/ports/peers.ts';
import { ErrorCode, errorName } from '@odradek/protocol/errors.ts';
import { leaderAndIsrApi } from '@odradek/protocol/generated/apis/leader-and-isr.ts';
import { stopReplicaApi } from '@odradek/protocol/generated/apis/stop-replica.ts';
import { updateMetadataApi } from '@odradek/protocol/generated/apis/update-metadata.ts';
import {
  leaderAndIsrRequest,
  stopReplicaRequest,
  updateMetadataRequest,
  type BatchSender,
} from './broker-requests.ts';

export interface RemoteChannelParts {
  readonly controllerId: number;
  readonly broker: LiveBroker;
  readonly link: PeerLink;
  readonly timers: Timers;
  readonly log: LogSink;
  /** Makes a large request in a turn of the event loop of its own. */
  inTurn(send: () => void): void;
  liveBrokers(): readonly LiveBroker[];
  /** `controller.socket.timeout.ms` */
  timeoutMs(): number;
}

interface Queued {
  readonly batch: BrokerBatch;
  answered(answer: BatchAnswer | null): void;
}

type Answered = (errors: readonly PartitionError[]) => void;

/** Pause before a request is sent again. */
const RETRY_MS = 100;

/**
 * Partitions of a request that takes a turn of its own to make. A new controller tells all brokers of everything: with
 * many partitions and brokers that would hold the loop for longer than a session with ZooKeeper lasts.
 */
const LARGE_FROM_PARTITIONS = 1000;

/**
 * The controller's way to one other broker. Batches go in their order, the requests of a batch one after the other,
 * and each until it is answered: at least once. What waits is bounded by what changes until the broker's session
 * ends, since then the channel is closed.
 */
export class RemoteChannel {
  private readonly parts: RemoteChannelParts;
  private queue: Queued[] = [];
  private isBusy = false;
  private isClosed = false;
  private retry: Timer | null = null;

  constructor(parts: RemoteChannelParts) {
    this.parts = parts;
  }

  send(batch: BrokerBatch, answered: (answer: BatchAnswer | null) => void): void {
    this.queue.push({ batch, answered });
    this.next();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.retry?.cancel();
    this.parts.link.close();
    const { queue } = this;
    this.queue = [];
    for (const { answered } of queue) queueMicrotask(() => answered(null));
  }

  private next(): void {
    const first = this.queue[0];
    if (this.isBusy || first === undefined) return;
    this.isBusy = true;
    this.sendBatch(first.batch, (answer) => {
      this.isBusy = false;
      this.queue.shift();
      first.answered(answer);
      this.next();
    });
  }

  private sendBatch(batch: BrokerBatch, done: (answer: BatchAnswer) => void): void {
    const sendLeadership = (answered: Answered) =>
      batch.leadership.length === 0 && !batch.isComplete
        ? answered([])
        : this.sendLeadership(batch, answered);
    const sendMetadata = (answered: Answered) =>
      batch.metadata === null ? answered([]) : this.sendMetadata(batch, answered);
    const sendStops = (answered: Answered) =>
      batch.stops.length === 0 ? answered([]) : this.sendStops(batch, answered);
    sendLeadership((leadershipErrors) => {
      sendMetadata(() => {
        sendStops((stopErrors) => done({ leadershipErrors, stopErrors }));
      });
    });
  }

  private sendLeadership(batch: BrokerBatch, answered: Answered): void {
    this.ask(
      { api: leaderAndIsrApi, build: (version) => leaderAndIsrRequest(this.sender(), batch, version) },
      batch.leadership.length,
      ({ errorCode, partitionErrors, topics }) => {
        this.noteRefusal('LeaderAndIsr', errorCode);
        const names = new Map(batch.leadership.map(({ topic, topicId }) => [topicId, topic]));
        const errors = [
          ...errorsOf(partitionErrors),
          ...topics.flatMap(({ topicId, partitionErrors: ofTopic }) =>
            errorsOf(ofTopic.map((error) => ({ ...error, topicName: names.get(topicId) ?? '' }))),
          ),
        ];
        answered(errors);
      },
    );
  }

  private sendMetadata(batch: BrokerBatch, answered: Answered): void {
    this.ask(
      { api: updateMetadataApi, build: (version) => updateMetadataRequest(this.sender(), batch, version) },
      batch.metadata?.length ?? 0,
      ({ errorCode }) => {
        this.noteRefusal('UpdateMetadata', errorCode);
        answered([]);
      },
    );
  }

  private sendStops(batch: BrokerBatch, answered: Answered): void {
    this.ask(
      { api: stopReplicaApi, build: () => stopReplicaRequest(this.sender(), batch) },
      batch.stops.length,
      ({ errorCode, partitionErrors }) => {
        this.noteRefusal('StopReplica', errorCode);
        const all = batch.stops.map(({ topic, partition }) => ({ topic, partition, errorCode }));
        answered(errorCode === ErrorCode.NONE ? errorsOf(partitionErrors) : all);
      },
    );
  }

  private ask<RequestInput, Response>(
    request: Omit<PeerRequest<RequestInput, Response>, 'timeoutMs'>,
    partitionCount: number,
    answered: (response: Response) => void,
  ): void {
    const send = (): void => {
      if (this.isClosed) return;
      this.parts.link.request({ ...request, timeoutMs: this.parts.timeoutMs() }, (error, answer) => {
        if (this.isClosed) return;
        if (error === null) return answered(answer.body);
        this.parts.log.info('a broker cannot be reached by its controller for now', {
          brokerId: this.parts.broker.brokerId,
          reason: error.message,
        });
        this.retry = this.parts.timers.after(RETRY_MS, attempt);
      });
    };
    const attempt = (): void => {
      if (partitionCount < LARGE_FROM_PARTITIONS) send();
      else this.parts.inTurn(send);
    };
    attempt();
  }

  private sender(): BatchSender {
    const { controllerId, broker, liveBrokers } = this.parts;
    return { controllerId, brokerEpoch: broker.brokerEpoch, liveBrokers: liveBrokers() };
  }

  /** What a broker refuses as a whole is not sent again: another controller or another life of it has the word. */
  private noteRefusal(what: string, errorCode: number): void {
    if (errorCode === ErrorCode.NONE) return;
    const { brokerId } = this.parts.broker;
    this.parts.log.warn(`a broker refused ${what}`, { brokerId, error: errorName(errorCode) });
  }
}

function errorsOf(
  errors: readonly { topicName: string; partitionIndex: number; errorCode: number }[],
): PartitionError[] {
  return errors
    .filter(({ errorCode }) => errorCode !== ErrorCode.NONE)
    .map(({ topicName, partitionIndex, errorCode }) => ({
      topic: topicName,
      partition: partitionIndex,
      errorCode,
    }));
}
