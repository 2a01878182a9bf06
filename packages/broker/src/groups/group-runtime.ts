import type {
  Decision,
  GroupCommand,
  GroupRequest,
  GroupRequestCommand,
  GroupResult,
  GroupResultOf,
  GroupTimer,
  GroupWrite,
  ListGroupsResult,
  Now,
  Ticket,
} from '@odradek/core/group/group-commands.ts';
import type { GroupSettings } from '@odradek/core/group/group-settings.ts';
import { GROUP_OFFSETS_TOPIC } from '@odradek/core/controller/topic-name.ts';
import { GroupShard } from '@odradek/core/group/group-shard.ts';
import { isValidGroupId, refusal } from '@odradek/core/group/refusal.ts';
import type { Clock, Timer, Timers } from '@odradek/core/ports/clock.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import type { Random } from '@odradek/core/ports/random.ts';
import type { Partition } from '@odradek/core/replication/partition.ts';
import type { ReplicaManager } from '@odradek/core/replication/replica-manager.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { CompressionType } from '@odradek/protocol/records/batch-header.ts';
import type { BrokerConfig } from '../config/broker-config.ts';
import type { MetadataView } from '../topics/metadata-view.ts';
import type { TopicService } from '../topics/topic-service.ts';
import { GroupPartitionLoader } from './group-partition-loader.ts';
import { encodeWrite } from './group-record-batches.ts';
import type { GroupService, OneGroupRequest } from './group-service.ts';
import type { LegacyOffsets } from './legacy-offsets.ts';
import { OffsetsTopic } from './offsets-topic.ts';

/** After a log that could not be read, before it is tried again. Requests are told that it is loading. */
const LOAD_RETRY_MS = 1_000;
/** Groups that are looked through for expired offsets at a time. */
const EXPIRY_SLICE = 50;
const MINUTE_MS = 60_000;

export interface GroupRuntimeParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: LogSink;
  readonly config: BrokerConfig;
  readonly replicas: Pick<ReplicaManager, 'append' | 'onLeadershipChange' | 'partition' | 'partitions'>;
  readonly topics: Pick<TopicService, 'ensureInternalTopic' | 'onTopicsDeleted'>;
  readonly metadata: Pick<MetadataView, 'partition' | 'topic'>;
  readonly legacyOffsets: LegacyOffsets;
}

/**
 * Runs the coordinators of the partitions of `__consumer_offsets` that this broker leads: loads them, brings
 * them requests and timers, appends what they decide, and answers.
 *
 * Crash: whatever was answered is in the log; whoever waited finds the coordinator anew.
 */
export class GroupRuntime implements GroupService {
  readonly legacyOffsets: LegacyOffsets;
  private readonly parts: GroupRuntimeParts;
  private readonly settings: GroupSettings;
  private readonly topic: OffsetsTopic;
  private readonly shards = new Map<number, RunningShard>();
  private readonly waiting = new Map<Ticket, (result: GroupResult) => void>();
  private nextTicket: Ticket = 1;
  private started = false;
  private expiryTimer: Timer | null = null;

  constructor(parts: GroupRuntimeParts) {
    this.parts = parts;
    this.legacyOffsets = parts.legacyOffsets;
    this.settings = groupSettings(parts.config);
    this.topic = new OffsetsTopic(parts);
    parts.replicas.onLeadershipChange(({ partition, isLeader }) => {
      if (!this.started || partition.topic !== GROUP_OFFSETS_TOPIC) return;
      if (isLeader) this.lead(partition);
      else this.resign(partition.index);
    });
    parts.topics.onTopicsDeleted((topics) => {
      for (const running of this.activeShards()) this.runUnasked(running, { kind: 'topics-deleted', topics });
    });
  }

  start(): void {
    this.started = true;
    for (const partition of this.parts.replicas.partitions()) {
      if (partition.topic === GROUP_OFFSETS_TOPIC && partition.isLeader) this.lead(partition);
    }
    this.scheduleExpiry();
  }

  stop(): void {
    this.started = false;
    this.expiryTimer?.cancel();
    for (const index of this.shards.keys()) this.resign(index);
  }

  coordinatorFor(groupId: string): number | Promise<number> {
    return this.topic.coordinatorFor(groupId);
  }

  request<Request extends OneGroupRequest>(
    request: Request,
  ): GroupResultOf<Request['kind']> | Promise<GroupResultOf<Request['kind']>> {
    type Result = GroupResultOf<Request['kind']>;
    const running = this.shards.get(this.topic.partitionOf(request.groupId));
    const errorCode = this.errorBefore(request, running);
    if (running === undefined || errorCode !== ErrorCode.NONE) return refusal(request, errorCode) as Result;
    return this.ask(running, request) as Result | Promise<Result>;
  }

  listGroups(): ListGroupsResult {
    const groups: ListGroupsResult['groups'][number][] = [];
    let errorCode: number = this.started ? ErrorCode.NONE : ErrorCode.COORDINATOR_NOT_AVAILABLE;
    for (const running of this.shards.values()) {
      if (running.loadingTimer !== null) errorCode = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
      else groups.push(...(this.ask(running, { kind: 'list-groups' }) as ListGroupsResult).groups);
    }
    return { kind: 'list-groups', errorCode, groups };
  }

  private errorBefore(request: OneGroupRequest, running: RunningShard | undefined): number {
    if (!isValidGroupId(request.kind, request.groupId)) return ErrorCode.INVALID_GROUP_ID;
    if (!this.started) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    if (running === undefined) return ErrorCode.NOT_COORDINATOR;
    return running.loadingTimer === null ? ErrorCode.NONE : ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
  }

  private ask(running: RunningShard, request: GroupRequest): GroupResult | Promise<GroupResult> {
    const ticket = this.nextTicket++;
    let early: GroupResult | null = null;
    this.waiting.set(ticket, (result) => (early = result));
    try {
      this.run(running, { ...request, ticket } as GroupRequestCommand);
    } catch (error) {
      this.waiting.delete(ticket);
      this.parts.log.error('a group request failed', { kind: request.kind, error });
      return refusal(request, ErrorCode.UNKNOWN_SERVER_ERROR);
    }
    return early ?? new Promise((resolve) => this.waiting.set(ticket, resolve));
  }

  private run(running: RunningShard, command: GroupCommand): void {
    this.carryOut(running, running.shard.handle(command, this.now()));
  }

  /** A command that no request waits for: where it fails the others go on. */
  private runUnasked(running: RunningShard, command: GroupCommand): void {
    try {
      this.run(running, command);
    } catch (error) {
      this.parts.log.error('a command to the group coordinator failed', { kind: command.kind, error });
    }
  }

  private carryOut(running: RunningShard, { effects, writes }: Decision): void {
    for (const effect of effects) {
      if (effect.kind === 'answer') this.answer(effect.ticket, effect.result);
      else if (effect.kind === 'set-timer') this.setTimer(running, effect.timer, effect.delayMs);
      else cancelTimer(running, effect.timer);
    }
    for (const write of writes) this.append(running, write);
  }

  private answer(ticket: Ticket, result: GroupResult): void {
    const resolve = this.waiting.get(ticket);
    this.waiting.delete(ticket);
    resolve?.(result);
  }

  private setTimer(running: RunningShard, timer: GroupTimer, delayMs: number): void {
    if (running.closed) return;
    const name = timerName(timer);
    running.timers.get(name)?.cancel();
    const pending = this.parts.timers.after(delayMs, () => {
      running.timers.delete(name);
      this.runUnasked(running, { kind: 'timer-fired', timer });
    });
    running.timers.set(name, pending);
  }

  private append(running: RunningShard, write: GroupWrite): void {
    const { config, replicas } = this.parts;
    const compression = config.offsetsTopicCompressionCodec as CompressionType;
    const records = encodeWrite(write, compression, this.parts.clock.now());
    const options = {
      requiredAcks: -1,
      timeoutMs: config.offsetsCommitTimeoutMs,
      origin: 'coordinator',
    } as const;
    replicas.append(GROUP_OFFSETS_TOPIC, running.index, records, options, ({ errorCode, info }) => {
      if (errorCode === ErrorCode.NONE) {
        for (const record of write.records) running.shard.apply(record, info?.firstOffset ?? -1);
      }
      this.runUnasked(running, { kind: 'write-finished', completion: write.completion, errorCode });
    });
  }

  private lead(partition: Partition): void {
    if (this.shards.has(partition.index)) return;
    const { random, log } = this.parts;
    const running: RunningShard = {
      index: partition.index,
      shard: new GroupShard({ settings: this.settings, random, log }),
      timers: new Map(),
      loadingTimer: null,
      closed: false,
    };
    this.shards.set(partition.index, running);
    this.startLoading(running, partition);
  }

  private startLoading(running: RunningShard, partition: Partition): void {
    const { log, config } = this.parts;
    running.shard = new GroupShard({ settings: this.settings, random: this.parts.random, log });
    const loader = new GroupPartitionLoader(partition.log, running.shard, log, config.offsetsLoadBufferSize);
    if (loader.isDone) this.activate(running);
    else this.loadLater(running, partition, loader);
  }

  private loadLater(running: RunningShard, partition: Partition, loader: GroupPartitionLoader): void {
    running.loadingTimer = this.parts.timers.after(0, () => {
      try {
        loader.step();
      } catch (error) {
        this.parts.log.error('cannot load the consumer offsets', { partition: running.index, error });
        running.loadingTimer = this.parts.timers.after(LOAD_RETRY_MS, () =>
          this.startLoading(running, partition),
        );
        return;
      }
      if (loader.isDone) this.activate(running);
      else this.loadLater(running, partition, loader);
    });
  }

  private activate(running: RunningShard): void {
    running.loadingTimer = null;
    this.carryOut(running, running.shard.activate(this.now()));
  }

  private resign(index: number): void {
    const running = this.shards.get(index);
    if (running === undefined) return;
    this.shards.delete(index);
    running.closed = true;
    running.loadingTimer?.cancel();
    for (const timer of running.timers.values()) timer.cancel();
    running.timers.clear();
    this.carryOut(running, running.shard.unload(this.now()));
  }

  private scheduleExpiry(): void {
    this.expiryTimer = this.parts.timers.after(this.parts.config.offsetsRetentionCheckIntervalMs, () => {
      const slices = [...this.activeShards()].flatMap(slicesOfGroups);
      this.expireNext(slices);
    });
  }

  /** A slice per turn of the loop, then the next round is due. */
  private expireNext(
    slices: { readonly running: RunningShard; readonly groupIds: readonly string[] }[],
  ): void {
    const slice = slices.shift();
    if (slice === undefined) return this.scheduleExpiry();
    if (!slice.running.closed)
      this.runUnasked(slice.running, { kind: 'expire-offsets', groupIds: slice.groupIds });
    this.expiryTimer = this.parts.timers.after(0, () => this.expireNext(slices));
  }

  private *activeShards(): Generator<RunningShard> {
    for (const running of this.shards.values()) if (running.loadingTimer === null) yield running;
  }

  private now(): Now {
    return { wallMs: this.parts.clock.now(), monotonicMs: this.parts.clock.monotonic() };
  }
}

interface RunningShard {
  readonly index: number;
  shard: GroupShard;
  readonly timers: Map<string, Timer>;
  /** Set while the log is being read; null once the shard takes requests. */
  loadingTimer: Timer | null;
  closed: boolean;
}

function slicesOfGroups(running: RunningShard): { running: RunningShard; groupIds: string[] }[] {
  const groupIds = running.shard.groupIds();
  const count = Math.ceil(groupIds.length / EXPIRY_SLICE);
  return Array.from({ length: count }, (_, i) => ({
    running,
    groupIds: groupIds.slice(i * EXPIRY_SLICE, (i + 1) * EXPIRY_SLICE),
  }));
}

function cancelTimer(running: RunningShard, timer: GroupTimer): void {
  const name = timerName(timer);
  running.timers.get(name)?.cancel();
  running.timers.delete(name);
}

function timerName({ kind, groupId, memberId }: GroupTimer): string {
  return `${kind}\0${groupId}\0${memberId}`;
}

function groupSettings(config: BrokerConfig): GroupSettings {
  return {
    sessionTimeoutMinMs: config.groupMinSessionTimeoutMs,
    sessionTimeoutMaxMs: config.groupMaxSessionTimeoutMs,
    initialRebalanceDelayMs: config.groupInitialRebalanceDelayMs,
    sizeMax: config.groupMaxSize,
    offsetMetadataSizeMax: config.offsetMetadataMaxBytes,
    offsetsRetentionMs: config.offsetsRetentionMinutes * MINUTE_MS,
  };
}
