import { ErrorCode, KafkaError, errorName } from '@odradek/protocol/errors.ts';
import { shareGroupHeartbeatApi } from '@odradek/protocol/generated/apis/share-group-heartbeat.ts';
import type { ShareGroupHeartbeatRequestInput } from '@odradek/protocol/generated/share-group-heartbeat-request.ts';
import type { ShareGroupHeartbeatResponse } from '@odradek/protocol/generated/share-group-heartbeat-response.ts';
import { backoffMs } from '../cluster/backoff.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Coordinator } from '../cluster/coordinators.ts';
import type { JoinTrouble } from '../consumer/membership.ts';
import { UnsupportedApiError, asError, isRetriableError } from '../errors.ts';
import type { Timer } from '../ports/clock.ts';
import type { ShareTarget } from './share-session.ts';

export interface ShareMembershipOptions {
  readonly memberId: string;
  readonly topics: readonly string[];
  readonly rack: string | null;
}

export interface ShareMembershipEvents {
  /** What this member is to read from now on. */
  readonly assigned: (targets: readonly ShareTarget[]) => void;
  /** It is out, and does not come back unless it is started again. */
  readonly failed: (error: Error) => void;
}

const JOIN_EPOCH = 0;
const LEAVE_EPOCH = -1;
/** Version 0 was that of Kafka 4.0, where share groups were not for use yet. */
const VERSION_MIN = 1;
/** Until the coordinator has said how often it wants to hear. */
const FIRST_INTERVAL_MS = 5_000;
const LEAVE_TIMEOUT_MS = 5_000;

const LOST_CODES: readonly number[] = [ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_MEMBER_EPOCH];

/**
 * One member of a share group: the coordinator says in answer to its heartbeats which partitions it may read, along
 * with others. Nothing has to be given up before others begin, so the member just does as it is told.
 */
export class ShareMembership {
  private readonly cluster: Cluster;
  private readonly coordinator: Coordinator;
  private readonly options: ShareMembershipOptions;
  private readonly events: ShareMembershipEvents;
  private epoch = JOIN_EPOCH;
  private target: readonly { readonly topicId: string; readonly partitions: readonly number[] }[] = [];
  private assigned: readonly ShareTarget[] = [];
  /** Whether the coordinator knows of the subscription: not while an answer is missing. */
  private isTold = false;
  private intervalMs = FIRST_INTERVAL_MS;
  private timer: Timer | null = null;
  /** The heartbeat under way, if one is: never two. */
  private beating: Promise<void> = Promise.resolve();
  /** Counts starts: what was begun before the last one is of no use. */
  private incarnation = 0;
  private isStarted = false;
  private failures = 0;
  trouble: JoinTrouble | null = null;

  constructor(
    cluster: Cluster,
    coordinator: Coordinator,
    options: ShareMembershipOptions,
    events: ShareMembershipEvents,
  ) {
    this.cluster = cluster;
    this.coordinator = coordinator;
    this.options = options;
    this.events = events;
  }

  get assignment(): readonly ShareTarget[] {
    return this.assigned;
  }

  /** Joins, and stays a member until `leave`. Does nothing while it is one, or is to become one. */
  start(): void {
    if (this.isStarted) return;
    this.isStarted = true;
    this.incarnation++;
    this.beatNow();
  }

  /** So that the others need not wait for the session to end; `start` joins again. Never throws. */
  async leave(): Promise<void> {
    if (!this.isStarted) return;
    this.stop();
    const request = {
      groupId: this.coordinator.key,
      memberId: this.options.memberId,
      memberEpoch: LEAVE_EPOCH,
    };
    try {
      // On one connection it comes behind a heartbeat that is under way, which would join again otherwise.
      await this.coordinator.requestOnce(shareGroupHeartbeatApi, request, ({ errorCode }) => [errorCode], {
        timeoutMs: LEAVE_TIMEOUT_MS,
      });
    } catch {
      // The session of the group ends by itself.
    }
  }

  private get nowMs(): number {
    return this.cluster.environment.clock.monotonic();
  }

  private stop(): void {
    this.isStarted = false;
    this.incarnation++;
    this.timer?.cancel();
    this.timer = null;
    this.trouble = null;
    this.forget();
  }

  private beatAfter(delayMs: number): void {
    this.timer = this.cluster.environment.timers.after(delayMs, () => this.beatNow());
  }

  private beatNow(): void {
    const { incarnation } = this;
    this.beating = this.beating.then(() =>
      incarnation === this.incarnation ? this.beat(incarnation) : undefined,
    );
  }

  /** Never throws. */
  private async beat(incarnation: number): Promise<void> {
    try {
      const answer = await this.ask();
      if (incarnation !== this.incarnation) return;
      await this.heard(answer);
      if (incarnation !== this.incarnation) return;
      this.failures = 0;
      this.trouble = null;
      this.beatAfter(this.intervalMs);
    } catch (thrown) {
      if (incarnation === this.incarnation) this.failed(asError(thrown));
    }
  }

  private async ask(): Promise<ShareGroupHeartbeatResponse> {
    const bare = {
      groupId: this.coordinator.key,
      memberId: this.options.memberId,
      memberEpoch: this.epoch,
    };
    const isToldAlready = this.isTold && this.epoch !== JOIN_EPOCH;
    const { rack: rackId, topics } = this.options;
    const request = isToldAlready ? bare : { ...bare, rackId, subscribedTopicNames: topics };
    this.isTold = false;
    const answer = await this.coordinator.requestOnce(
      shareGroupHeartbeatApi,
      (version): ShareGroupHeartbeatRequestInput => {
        if (version >= VERSION_MIN) return request;
        throw new UnsupportedApiError('the broker serves share groups only as Kafka 4.0 did, for trial');
      },
      ({ errorCode }) => [errorCode],
    );
    this.isTold = answer.errorCode === ErrorCode.NONE;
    return answer;
  }

  private async heard(answer: ShareGroupHeartbeatResponse): Promise<void> {
    if (answer.errorCode !== ErrorCode.NONE) this.refused(answer);
    this.epoch = answer.memberEpoch;
    this.intervalMs = Math.max(answer.heartbeatIntervalMs, 1);
    if (answer.assignment !== null) this.target = answer.assignment.topicPartitions;
    for (const topic of this.options.topics) this.cluster.touch(topic);
    const isUnknown = this.target.some(
      ({ topicId }) => this.cluster.metadata.topicName(topicId) === undefined,
    );
    const { incarnation } = this;
    if (isUnknown) await this.cluster.refresh(this.options.topics);
    if (incarnation === this.incarnation) this.assign(this.resolved());
  }

  /** @throws what it means, but where it only has to join anew */
  private refused({ errorCode, errorMessage }: ShareGroupHeartbeatResponse): never {
    const message = `share group "${this.coordinator.key}": ${errorMessage ?? errorName(errorCode)}`;
    // A broker may know the protocol and be told not to serve it.
    if (errorCode === ErrorCode.UNSUPPORTED_VERSION) throw new UnsupportedApiError(message);
    if (!LOST_CODES.includes(errorCode)) throw new KafkaError(errorCode, message);
    this.forget();
    throw new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, message);
  }

  private failed(error: Error): void {
    if (isRetriableError(error)) {
      this.trouble = { sinceMs: this.trouble?.sinceMs ?? this.nowMs, error };
      const { settings, environment } = this.cluster;
      this.beatAfter(backoffMs(settings.backoff, ++this.failures, environment.random));
      return;
    }
    this.stop();
    this.events.failed(error instanceof UnsupportedApiError ? notServed(error) : error);
  }

  private forget(): void {
    this.epoch = JOIN_EPOCH;
    this.isTold = false;
    this.target = [];
    this.assign([]);
  }

  /** The part of the target whose topics have names here. */
  private resolved(): ShareTarget[] {
    return this.target.flatMap(({ topicId, partitions }) => {
      const topic = this.cluster.metadata.topicName(topicId);
      return topic === undefined ? [] : partitions.map((partition) => ({ topic, topicId, partition }));
    });
  }

  private assign(targets: readonly ShareTarget[]): void {
    const isSame = shown(targets) === shown(this.assigned);
    this.assigned = targets;
    if (!isSame) this.events.assigned(targets);
  }
}

function shown(targets: readonly ShareTarget[]): string {
  return targets
    .map(({ topic, topicId, partition }) => `${topic} ${topicId} ${partition}`)
    .toSorted()
    .join();
}

function notServed(error: Error): UnsupportedApiError {
  return new UnsupportedApiError(
    `${error.message}; share groups need Apache Kafka 4.1 or later with the feature share.version: ` +
      'elsewhere use GroupConsumer, which reads with as many members as there are partitions',
  );
}

/** 128 random bits as Kafka writes ids. Never begins with a dash, which command lines take for an option. */
export function newMemberId(random: { fraction(): number }): string {
  const bytes = Buffer.from(Array.from({ length: 16 }, () => Math.floor(random.fraction() * 256)));
  const text = bytes.toString('base64url');
  return text.startsWith('-') ? `A${text.slice(1)}` : text;
}
