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
import type { AppendResult, ReplicaManager } from '@odradek/core/replication/replica-manager.ts';
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
import { WorkQueue } from '../server/work-queue.ts';

/** After a log that could not be read, before it is tried again. Requests are told that it is loading. */
const LOAD_RETRY_MS = 1_000;
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
  /** At most as many as requests are in flight: connections bound them. */
  private readonly waiting = new Map<Ticket, (result: GroupResult) => void>();
  private readonly longWork: WorkQueue;
  private nextTicket: Ticket = 1;
  private started = false;
  private expiryTimer: Timer | null = null;

  constructor(parts: GroupRuntimeParts) {
    this.parts = parts;
    this.legacyOffsets = parts.legacyOffsets;
    this.settings = groupSettings(parts.config);
    this.topic = new OffsetsTopic(parts);
    this.longWork = new WorkQueue(parts.clock, parts.timers);
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
    this.longWork.stop();
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
      if (running.isLoading) errorCode = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
      else groups.push(...(this.ask(running, { kind: 'list-groups' }) as ListGroupsResult).groups);
    }
    return { kind: 'list-groups', errorCode, groups };
  }

  private errorBefore(request: OneGroupRequest, running: RunningShard | undefined): number {
    if (!isValidGroupId(request.kind, request.groupId)) return ErrorCode.INVALID_GROUP_ID;
    if (!this.started) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    if (running === undefined) return ErrorCode.NOT_COORDINATOR;
    return running.isLoading ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS : ErrorCode.NONE;
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

  /** Where not even the attempt succeeds, the coordinator learns of it like of any append that failed. */
  private append(running: RunningShard, write: GroupWrite): void {
    const finish = (errorCode: number): void =>
      this.runUnasked(running, { kind: 'write-finished', completion: write.completion, errorCode });
    let isFinished = false;
    try {
      this.appendRecords(running, write, ({ errorCode, info }) => {
        if (errorCode === ErrorCode.NONE) {
          for (const record of write.records) running.shard.apply(record, info?.firstOffset ?? -1);
        }
        isFinished = true;
        finish(errorCode);
      });
    } catch (error) {
      this.parts.log.error('cannot append to the consumer offsets', { partition: running.index, error });
      if (!isFinished) finish(ErrorCode.UNKNOWN_SERVER_ERROR);
    }
  }

  private appendRecords(
    running: RunningShard,
    write: GroupWrite,
    done: (result: AppendResult) => void,
  ): void {
    const { config, replicas, clock } = this.parts;
    const compression = config.offsetsTopicCompressionCodec as CompressionType;
    const options = {
      requiredAcks: -1,
      timeoutMs: config.offsetsCommitTimeoutMs,
      origin: 'coordinator',
    } as const;
    const records = encodeWrite(write, compression, clock.now());
    replicas.append(GROUP_OFFSETS_TOPIC, running.index, records, options, done);
  }

  private lead(partition: Partition): void {
    if (this.shards.has(partition.index)) return;
    const running: RunningShard = {
      index: partition.index,
      shard: this.newShard(),
      timers: new Map(),
      isLoading: true,
      closed: false,
    };
    this.shards.set(partition.index, running);
    this.startLoading(running, partition);
  }

  private newShard(): GroupShard {
    const { random, log } = this.parts;
    return new GroupShard({ settings: this.settings, random, log });
  }

  private startLoading(running: RunningShard, partition: Partition): void {
    if (partition.log.logStartOffset === partition.log.logEndOffset) {
      running.isLoading = false;
      return;
    }
    running.shard = this.newShard();
    this.longWork.add({
      steps: this.load(running, partition),
      done: () => (running.isLoading = false),
      failed: (error) => this.loadAgain(running, partition, error),
    });
  }

  /** Reads the log, then brings the groups to life. */
  private *load(running: RunningShard, partition: Partition): Generator<void> {
    const { log, config } = this.parts;
    const { shard } = running;
    const loader = new GroupPartitionLoader(partition.log, shard, log, config.offsetsLoadBufferSize);
    for (const _ of loader.steps()) {
      if (running.closed) return;
      yield;
    }
    for (const groupId of shard.store.groupIds()) {
      if (running.closed) return;
      this.carryOut(running, shard.activate([groupId], this.now()));
      yield;
    }
  }

  private loadAgain(running: RunningShard, partition: Partition, error: unknown): void {
    this.parts.log.error('cannot load the consumer offsets', { partition: running.index, error });
    cancelTimers(running);
    this.parts.timers.after(LOAD_RETRY_MS, () => {
      if (!running.closed) this.startLoading(running, partition);
    });
  }

  private resign(index: number): void {
    const running = this.shards.get(index);
    if (running === undefined) return;
    this.shards.delete(index);
    running.closed = true;
    cancelTimers(running);
    this.carryOut(running, running.shard.unload(this.now()));
  }

  private scheduleExpiry(): void {
    this.expiryTimer = this.parts.timers.after(this.parts.config.offsetsRetentionCheckIntervalMs, () => {
      this.longWork.add({
        steps: this.expire(),
        done: () => this.scheduleExpiry(),
        failed: (error) => {
          this.parts.log.error('cannot expire consumer offsets', { error });
          this.scheduleExpiry();
        },
      });
    });
  }

  private *expire(): Generator<void> {
    for (const running of [...this.activeShards()]) {
      for (const groupId of running.shard.groupIds()) {
        if (running.closed) break;
        this.runUnasked(running, { kind: 'expire-offsets', groupIds: [groupId] });
        yield;
      }
    }
  }

  private *activeShards(): Generator<RunningShard> {
    for (const running of this.shards.values()) if (!running.isLoading) yield running;
  }

  private now(): Now {
    return { wallMs: this.parts.clock.now(), monotonicMs: this.parts.clock.monotonic() };
  }
}

interface RunningShard {
  readonly index: number;
  shard: GroupShard;
  readonly timers: Map<string, Timer>;
  /** The log is being read; the shard takes no requests yet. */
  isLoading: boolean;
  closed: boolean;
}

function cancelTimers(running: RunningShard): void {
  for (const timer of running.timers.values()) timer.cancel();
  running.timers.clear();
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
