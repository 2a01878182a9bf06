import type {
  AskingBroker,
  PartitionProposal,
  ProposalOutcome,
} from '@odradek/core/controller/leader-requests.ts';
import type { Timer, Timers } from '@odradek/core/ports/clock.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import type { PeerLink, Peers } from '@odradek/core/ports/peers.ts';
import { judgeRefusal } from '@odradek/core/replication/in-sync-set.ts';
import type { InSyncOutcome, InSyncProposal } from '@odradek/core/replication/leader-role.ts';
import { ErrorCode, errorName } from '@odradek/protocol/errors.ts';
import { alterPartitionApi } from '@odradek/protocol/generated/apis/alter-partition.ts';
import type { AlterPartitionRequestInput } from '@odradek/protocol/generated/alter-partition-request.ts';
import type { AlterPartitionResponse } from '@odradek/protocol/generated/alter-partition-response.ts';
import { ZERO_UUID } from '@odradek/protocol/primitives/uuid.ts';

export interface InSyncProposalsParts {
  readonly nodeId: number;
  readonly peers: Peers;
  readonly timers: Timers;
  readonly log: LogSink;
  /** Of this broker, in its present life. */
  brokerEpoch(): number;
  /** As far as this broker knows; -1: nobody. */
  controllerId(): number;
  /** Asks the controller where that runs in this broker. */
  askHere(
    broker: AskingBroker,
    proposals: readonly PartitionProposal[],
  ): Promise<{ errorCode: number; outcomes: readonly ProposalOutcome[] }>;
  /** `controller.socket.timeout.ms`: how long to wait for an answer. */
  timeoutMs(): number;
}

interface Pending {
  readonly proposal: InSyncProposal;
  readonly done: (outcome: InSyncOutcome) => void;
}

/** What the controller answers: an error code for all, or an outcome for each partition that it names. */
interface Answer {
  readonly errorCode: number;
  readonly outcomes: ReadonlyMap<string, InSyncOutcome>;
}

/** Pause after a failure before the controller, whoever it is by then, is asked again. */
const RETRY_MS = 50;
const TOPIC_IDS_FROM = 2;
const EPOCHS_FROM = 3;
const EPOCH_NOT_TOLD = -1;

/**
 * How the leaders on this broker ask the controller for other in-sync sets (AlterPartition, KIP-497): one request is
 * under way at a time, and takes all that has gathered. What fails for a reason that may pass is asked again until
 * there is an answer or a later proposal for the partition, so at most one for each partition waits.
 */
export class InSyncProposals {
  private readonly parts: InSyncProposalsParts;
  private waiting = new Map<string, Pending>();
  private isAsking = false;
  private pause: Timer | null = null;
  private controller: { readonly id: number; readonly link: PeerLink } | null = null;
  private isClosed = false;

  constructor(parts: InSyncProposalsParts) {
    this.parts = parts;
  }

  /** @param done is never called within the call, and not at all for a proposal that a later one has replaced */
  propose(proposal: InSyncProposal, done: (outcome: InSyncOutcome) => void): void {
    this.waiting.set(keyOf(proposal.topic, proposal.partition), { proposal, done });
    this.ask();
  }

  close(): void {
    this.isClosed = true;
    this.pause?.cancel();
    this.controller?.link.close();
    this.waiting.clear();
  }

  private ask(): void {
    if (this.isAsking || this.isClosed || this.pause !== null || this.waiting.size === 0) return;
    this.isAsking = true;
    const asked = this.waiting;
    this.waiting = new Map();
    const proposals = [...asked.values()].map(({ proposal }) => proposal);
    this.send(proposals, (error, answer) => {
      this.isAsking = false;
      if (this.isClosed) return;
      if (error !== null) this.askAgain(asked, error.message);
      else if (answer.errorCode !== ErrorCode.NONE) this.askAgain(asked, errorName(answer.errorCode));
      else this.take(asked, answer.outcomes);
      this.ask();
    });
  }

  private take(asked: ReadonlyMap<string, Pending>, outcomes: ReadonlyMap<string, InSyncOutcome>): void {
    const again = new Map<string, Pending>();
    for (const [key, pending] of asked) {
      const outcome = outcomes.get(key) ?? { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR };
      const mayPass = 'errorCode' in outcome && judgeRefusal(outcome.errorCode) === 'retry';
      if (mayPass) again.set(key, pending);
      else pending.done(outcome);
    }
    if (again.size > 0) this.askAgain(again, 'the controller could not decide');
  }

  private askAgain(asked: ReadonlyMap<string, Pending>, reason: string): void {
    this.waiting = new Map([...asked, ...this.waiting]);
    this.parts.log.info('in-sync sets cannot be changed for now', { partitions: asked.size, reason });
    this.pause ??= this.parts.timers.after(RETRY_MS, () => {
      this.pause = null;
      this.ask();
    });
  }

  private send(
    proposals: readonly InSyncProposal[],
    done: (...result: [Error, null] | [null, Answer]) => void,
  ): void {
    const { nodeId, brokerEpoch, controllerId } = this.parts;
    const broker = { brokerId: nodeId, brokerEpoch: brokerEpoch() };
    if (controllerId() === nodeId) {
      this.parts.askHere(broker, proposals.map(withoutRecovery)).then(
        ({ errorCode, outcomes }) => done(null, { errorCode, outcomes: outcomesHere(outcomes) }),
        (error: Error) => done(error, null),
      );
      return;
    }
    const names = new Map(proposals.map(({ topicId, topic }) => [topicId, topic]));
    this.link(controllerId()).request(
      {
        api: alterPartitionApi,
        build: (version) => requestOf(broker, proposals, version),
        timeoutMs: this.parts.timeoutMs(),
        ...(names.has(ZERO_UUID) ? { versionMax: TOPIC_IDS_FROM - 1 } : {}),
      },
      (error, answer) => {
        if (error !== null) return done(error, null);
        const { errorCode } = answer.body;
        done(null, { errorCode, outcomes: outcomesOf(answer.body, answer.version, names) });
      },
    );
  }

  private link(controllerId: number): PeerLink {
    if (this.controller?.id === controllerId) return this.controller.link;
    this.controller?.link.close();
    const link = this.parts.peers.link(controllerId, 'in-sync-sets');
    this.controller = { id: controllerId, link };
    return link;
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic} ${partition}`;
}

function withoutRecovery({ topic, partition, leaderEpoch, partitionEpoch, isr }: InSyncProposal) {
  return { topic, partition, leaderEpoch, partitionEpoch, isr, isRecovering: false };
}

function requestOf(
  broker: AskingBroker,
  proposals: readonly InSyncProposal[],
  version: number,
): AlterPartitionRequestInput {
  const byTopic = Map.groupBy(proposals, ({ topic }) => topic);
  return {
    ...broker,
    topics: [...byTopic].map(([topicName, ofTopic]) => ({
      ...(version < TOPIC_IDS_FROM ? { topicName } : { topicId: ofTopic[0]!.topicId }),
      partitions: ofTopic.map(({ partition: partitionIndex, leaderEpoch, partitionEpoch, isr }) => ({
        partitionIndex,
        leaderEpoch,
        partitionEpoch,
        ...(version < EPOCHS_FROM
          ? { newIsr: isr }
          : { newIsrWithEpochs: isr.map((brokerId) => ({ brokerId, brokerEpoch: EPOCH_NOT_TOLD })) }),
      })),
    })),
  };
}

function outcomesOf(
  { topics }: AlterPartitionResponse,
  version: number,
  names: ReadonlyMap<string, string>,
): Map<string, InSyncOutcome> {
  const outcomes = new Map<string, InSyncOutcome>();
  for (const { topicName, topicId, partitions } of topics) {
    const topic = version < TOPIC_IDS_FROM ? topicName : (names.get(topicId) ?? '');
    for (const { partitionIndex, errorCode, leaderEpoch, partitionEpoch, isr } of partitions) {
      const outcome = errorCode === ErrorCode.NONE ? { leaderEpoch, partitionEpoch, isr } : { errorCode };
      outcomes.set(keyOf(topic, partitionIndex), outcome);
    }
  }
  return outcomes;
}

function outcomesHere(outcomes: readonly ProposalOutcome[]): Map<string, InSyncOutcome> {
  return new Map(outcomes.map((outcome) => [keyOf(outcome.topic, outcome.partition), outcomeHere(outcome)]));
}

function outcomeHere(outcome: ProposalOutcome): InSyncOutcome {
  if (!('state' in outcome)) return { errorCode: outcome.errorCode };
  const { leaderEpoch, isr } = outcome.state;
  return { leaderEpoch, partitionEpoch: outcome.partitionEpoch, isr };
}
