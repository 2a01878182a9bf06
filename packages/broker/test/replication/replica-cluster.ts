import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import { batchesOf } from '@odradek/protocol/records/batch-header.ts';
import { decodeBatch } from '@odradek/protocol/records/convert.ts';
import { DEFAULT_LOG_CONFIG } from '@odradek/core/log/log-config.ts';
import type { LogSlice } from '@odradek/core/log/log-slice.ts';
import { DEFAULT_LOG_INTERVALS, LogManager } from '@odradek/core/log/log-manager.ts';
import type { PeerDone, PeerLink, PeerRequest } from '@odradek/core/ports/peers.ts';
import { FetchSessions } from '@odradek/core/replication/fetch-sessions.ts';
import type { InSyncOutcome, InSyncProposal } from '@odradek/core/replication/leader-role.ts';
import type { LeadershipChange } from '@odradek/core/replication/leadership.ts';
import type { Partition } from '@odradek/core/replication/partition.ts';
import { ReplicaFetchers } from '@odradek/core/replication/replica-fetchers.ts';
import { type AppendResult, ReplicaManager } from '@odradek/core/replication/replica-manager.ts';
import { MemoryDisk } from '../../src/adapters/memory-disk.ts';
import { fetchHandler } from '../../src/handlers/fetch.ts';
import type { Handler, RequestContext } from '../../src/handlers/handler.ts';
import { listOffsetsHandler } from '../../src/handlers/list-offsets.ts';
import { batch, countingRandom, ManualTime, SILENT } from '../../../core/test/log/log-world.ts';

export const TOPIC = 't';
const TOPIC_ID = 'abcdefghijklmnopqrstuQ';
const LATENCY_MS = 2;
export const LAG_MAX_MS = 4_000;
const HANDLERS = [fetchHandler, listOffsetsHandler] as unknown as Handler<unknown, unknown>[];

/** What the controller has written for the one partition. */
interface State {
  leader: number;
  leaderEpoch: number;
  partitionEpoch: number;
  isr: readonly number[];
}

interface Life {
  readonly logs: LogManager;
  readonly replicas: ReplicaManager;
  readonly fetchers: ReplicaFetchers;
  readonly fetchSessions: FetchSessions;
  /** Called when this life ends: what hangs on its connections fails. */
  readonly onEnd: Set<() => void>;
  isOver: boolean;
}

export interface ClusterOptions {
  readonly brokers?: number;
  readonly minInsyncReplicas?: number;
  readonly fetchVersion?: number;
}

/**
 * Brokers that hold one partition, joined by links over which real messages go, with a controller that works as
 * Kafka's does as far as one partition needs it. All of it on one clock that the test moves.
 */
export class ReplicaCluster {
  readonly time = new ManualTime();
  readonly ids: readonly number[];
  readonly state: State;
  private readonly options: Required<ClusterOptions>;
  private readonly disks = new Map<number, MemoryDisk>();
  private readonly lives = new Map<number, Life>();
  /** Reachable neither for the others nor for the controller. */
  private readonly isolated = new Set<number>();

  constructor({ brokers = 3, minInsyncReplicas = 1, fetchVersion = 17 }: ClusterOptions = {}) {
    this.options = { brokers, minInsyncReplicas, fetchVersion };
    this.ids = Array.from({ length: brokers }, (_, i) => i + 1);
    this.state = { leader: 1, leaderEpoch: 0, partitionEpoch: 0, isr: this.ids };
    for (const id of this.ids) {
      this.disks.set(id, new MemoryDisk(() => this.time.now()));
      this.start(id);
    }
  }

  isUp(id: number): boolean {
    return this.lives.has(id);
  }

  /** Up and seen by the controller. */
  isLive(id: number): boolean {
    return this.isUp(id) && !this.isolated.has(id);
  }

  partition(id: number): Partition {
    return this.lives.get(id)!.replicas.partition(TOPIC, 0)!;
  }

  /** The process begins; its disk is as the last life left it. */
  start(id: number): void {
    if (this.isUp(id)) return;
    const life = this.newLife(id);
    this.lives.set(id, life);
    life.logs.open();
    life.logs.start();
    life.replicas.start();
    this.tell(id);
    this.electIfNone();
  }

  /** A partition without a leader gets the first in-sync replica that is alive. */
  private electIfNone(): void {
    const leader = this.state.isr.find((id) => this.isLive(id));
    if (this.state.leader === -1 && leader !== undefined) this.elect(leader);
  }

  /** The process dies: its files stay as they are, high watermark checkpoints included. */
  kill(id: number): void {
    const life = this.lives.get(id);
    if (life === undefined) return;
    life.isOver = true;
    this.lives.delete(id);
    life.fetchers.close();
    for (const end of life.onEnd) end();
    this.brokerGone(id);
  }

  isolate(id: number): void {
    if (this.isolated.has(id)) return;
    this.isolated.add(id);
    for (const end of this.lives.get(id)?.onEnd ?? []) end();
    this.brokerGone(id);
  }

  heal(): void {
    for (const id of this.ids) {
      if (this.isolated.delete(id)) this.tell(id);
      this.start(id);
    }
    this.electIfNone();
  }

  /** A leader by the rules: alive and in sync; or, when unclean, whoever is named. */
  elect(leader: number, unclean = false): boolean {
    if (!this.isLive(leader) || !(unclean || this.state.isr.includes(leader))) return false;
    const isr = this.state.isr.filter((id) => this.isLive(id));
    this.write({ leader, isr: unclean ? [leader] : isr });
    return true;
  }

  /** As a client that sends the value to this broker. */
  produce(
    id: number,
    value: string,
    requiredAcks: -1 | 1 = -1,
    done: (result: AppendResult) => void = () => {},
  ): AppendResult[] {
    const results: AppendResult[] = [];
    const options = { requiredAcks, timeoutMs: 60_000, origin: 'client', requestVersion: 9 } as const;
    const { replicas } = this.lives.get(id)!;
    replicas.append(TOPIC, 0, batch([value]), options, (result) => {
      results.push(result);
      done(result);
    });
    replicas.wakeWaiting();
    return results;
  }

  /** All values on a broker's disk, with their offsets and epochs. */
  contents(id: number): string[] {
    const values: string[] = [];
    const { log } = this.partition(id);
    for (let at = log.logStartOffset; at < log.logEndOffset;) {
      const { slice } = log.read(at, { maxBytes: 1_000_000, minOneBatch: true, upTo: 'log-end' });
      const bytes = slice!.toBuffer();
      slice!.release();
      for (const header of batchesOf(bytes)) {
        at = header.lastOffset + 1;
        for (const { offset, value } of decodeBatch(header, 1_000_000)) {
          values.push(`${offset} ${header.partitionLeaderEpoch} ${value?.toString()}`);
        }
      }
    }
    return values;
  }

  /** Time passes, and what is due happens. */
  async run(ms: number): Promise<void> {
    const endMs = this.time.now() + ms;
    for (;;) {
      // A parked fetch is answered by a promise, and what waits for that by one more turn.
      for (let turn = 0; turn < 3 && this.promises > 0; turn++) await Promise.resolve();
      const { nextDueMs } = this.time;
      this.time.advance(Math.max(0, Math.min(endMs, nextDueMs) - this.time.now()));
      if (nextDueMs > endMs) return;
    }
  }

  private promises = 0;

  private newLife(id: number): Life {
    const { time } = this;
    const random = countingRandom();
    const onEnd = new Set<() => void>();
    // Timers of a life that is over do not fire.
    const timers = {
      after: (delayMs: number, fire: () => void) => time.after(delayMs, () => (life.isOver ? null : fire())),
    };
    const logs = new LogManager(
      { disk: this.disks.get(id)!, clock: time, timers, random, log: SILENT },
      { ...DEFAULT_LOG_INTERVALS, directories: ['/data'], configOf: () => DEFAULT_LOG_CONFIG },
    );
    const fetchers = new ReplicaFetchers({
      nodeId: id,
      peers: { link: (peer) => this.link(id, peer, life) },
      clock: time,
      timers,
      log: SILENT,
      brokerEpoch: () => -1,
      settings: () => ({
        waitMaxMs: 500,
        minBytes: 1,
        maxBytes: 400,
        partitionMaxBytes: 300,
        backoffMs: 1_000,
        timeoutMs: 30_000,
      }),
      fetchersPerLeader: () => 1,
      progressed: () => life.replicas.wakeWaiting(),
    });
    const replicas = new ReplicaManager({
      nodeId: id,
      logs,
      clock: time,
      timers,
      log: SILENT,
      settingsOf: () => ({ minInsyncReplicas: this.options.minInsyncReplicas }),
      lagMaxMs: () => LAG_MAX_MS,
      peers: {
        isLive: (peer) => this.isLive(peer),
        proposeInSync: (proposal, done) => this.propose(id, life, proposal, done),
        follow: (partition) => fetchers.follow(partition),
        unfollow: (partition) => fetchers.unfollow(partition),
      },
    });
    const life: Life = {
      logs,
      replicas,
      fetchers,
      fetchSessions: new FetchSessions(10, time, random),
      onEnd,
      isOver: false,
    };
    return life;
  }

  /** AlterPartition, with the checks of Kafka's controller. */
  private propose(
    id: number,
    life: Life,
    proposal: InSyncProposal,
    done: (outcome: InSyncOutcome) => void,
  ): void {
    const answer = (outcome: InSyncOutcome): void => {
      this.time.after(LATENCY_MS, () => life.isOver || done(outcome));
    };
    this.time.after(LATENCY_MS, () => {
      const { state } = this;
      if (life.isOver) return;
      if (this.isolated.has(id)) {
        this.time.after(1_000, () => life.isOver || done({ errorCode: ErrorCode.NETWORK_EXCEPTION }));
      } else if (proposal.leaderEpoch < state.leaderEpoch)
        answer({ errorCode: ErrorCode.FENCED_LEADER_EPOCH });
      else if (proposal.partitionEpoch < state.partitionEpoch)
        answer({ errorCode: ErrorCode.INVALID_UPDATE_VERSION });
      else if (!proposal.isr.every((member) => this.isLive(member)))
        answer({ errorCode: ErrorCode.INELIGIBLE_REPLICA });
      else {
        state.partitionEpoch += 1;
        state.isr = proposal.isr;
        answer({ ...state });
      }
    });
  }

  private brokerGone(id: number): void {
    const { leader, isr } = this.state;
    const left = isr.filter((member) => member !== id);
    const live = left.filter((member) => this.isLive(member));
    const nextLeader = leader === id ? (live[0] ?? -1) : leader;
    if (leader !== id && !isr.includes(id)) return;
    this.write({ leader: nextLeader, isr: left.length === 0 ? isr : left });
  }

  private write(change: { leader: number; isr: readonly number[] }): void {
    Object.assign(this.state, change);
    this.state.leaderEpoch += 1;
    this.state.partitionEpoch += 1;
    for (const id of this.ids) this.tell(id);
  }

  /** LeaderAndIsr, one after the other to each broker. */
  private tell(id: number): void {
    const { leader, leaderEpoch, partitionEpoch, isr } = this.state;
    const change: LeadershipChange = {
      topic: TOPIC,
      topicId: TOPIC_ID,
      partition: 0,
      leader,
      leaderEpoch,
      partitionEpoch,
      isr,
      replicas: this.ids,
      isNew: leaderEpoch === 0,
    };
    const life = this.lives.get(id);
    if (life === undefined) return;
    this.time.after(LATENCY_MS * id, () => {
      if (!life.isOver && !this.isolated.has(id)) life.replicas.applyLeadership([change]);
    });
  }

  private link(from: number, to: number, life: Life): PeerLink {
    const failing = new Set<() => void>();
    return {
      request: (request, done) => {
        let isDone = false;
        const finish = (action: () => void): void => {
          if (isDone || life.isOver) return;
          isDone = true;
          failing.delete(fail);
          life.onEnd.delete(fail);
          this.lives.get(to)?.onEnd.delete(fail);
          action();
        };
        const fail = (): void => {
          this.time.after(LATENCY_MS, () => finish(() => done(new Error('connection lost'), null)));
        };
        failing.add(fail);
        this.time.after(LATENCY_MS, () => {
          const target = this.lives.get(to);
          if (target === undefined || this.isolated.has(to) || this.isolated.has(from)) return fail();
          target.onEnd.add(fail);
          life.onEnd.add(fail);
          this.serve(target, request, (answer) =>
            this.time.after(LATENCY_MS, () => finish(() => answer(done))),
          );
        });
      },
      close: () => {
        for (const fail of failing) fail();
      },
    };
  }

  private serve<RequestInput, Response>(
    target: Life,
    request: PeerRequest<RequestInput, Response>,
    respond: (answer: (done: PeerDone<Response>) => void) => void,
  ): void {
    const api = request.api as unknown as ApiCodec<unknown, RequestInput, Response, unknown>;
    const handler = HANDLERS.find((each) => each.api.key === api.key)!;
    const known = api.key === fetchHandler.api.key ? this.options.fetchVersion : 9;
    const version = Math.min(known, request.versionMax ?? known);
    const writer = new Writer();
    api.writeRequest(writer, request.build(version), version);
    const body = api.readRequest(new Reader(writer.toBuffer()), version);
    const closing = new Set<() => void>();
    const endConnection = (): void => {
      for (const close of closing) close();
    };
    target.onEnd.add(endConnection);
    const answer = (response: unknown): void => {
      target.onEnd.delete(endConnection);
      if (response === null || target.isOver) return;
      const bytes = encoded(api, response, version);
      respond((done) => done(null, { version, body: api.readResponse(new Reader(bytes), version) }));
    };
    const response = handler.handle(body, this.contextOf(target, version, closing));
    if (!(response instanceof Promise)) return answer(response);
    this.promises += 1;
    void response.then((value) => {
      this.promises -= 1;
      answer(value);
    });
  }

  private contextOf(life: Life, apiVersion: number, closing: Set<() => void>): RequestContext {
    const broker = {
      config: { fetchMaxBytes: 1_000_000 },
      fetchSessions: life.fetchSessions,
      metadata: {
        topicName: (id: string) => (id === TOPIC_ID ? TOPIC : undefined),
        partition: () => undefined,
        brokers: () => [],
      },
      replicas: life.replicas,
    };
    const connection = {
      onClose: (callback: () => void) => {
        closing.add(callback);
        return () => closing.delete(callback);
      },
    };
    return { apiVersion, listenerName: 'PLAINTEXT', broker, connection } as unknown as RequestContext;
  }
}

/** Slices of files are brought in as the server does when it sends. */
function encoded(
  api: ApiCodec<unknown, unknown, unknown, unknown>,
  response: unknown,
  version: number,
): Buffer {
  const writer = new Writer();
  api.writeResponse(writer, response, version);
  return Buffer.concat(
    writer.finish().map((chunk) => {
      if (Buffer.isBuffer(chunk)) return chunk;
      const slice = chunk as LogSlice;
      const bytes = slice.toBuffer();
      slice.release();
      return bytes;
    }),
  );
}
