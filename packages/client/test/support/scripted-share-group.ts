import { ErrorCode } from '@odradek/protocol/errors.ts';
import { findCoordinatorApi } from '@odradek/protocol/generated/apis/find-coordinator.ts';
import { shareAcknowledgeApi } from '@odradek/protocol/generated/apis/share-acknowledge.ts';
import { shareFetchApi } from '@odradek/protocol/generated/apis/share-fetch.ts';
import { shareGroupHeartbeatApi } from '@odradek/protocol/generated/apis/share-group-heartbeat.ts';
import type { ShareAcknowledgeRequest } from '@odradek/protocol/generated/share-acknowledge-request.ts';
import type { ShareFetchRequest } from '@odradek/protocol/generated/share-fetch-request.ts';
import type { ShareGroupHeartbeatRequest } from '@odradek/protocol/generated/share-group-heartbeat-request.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import type { ScriptedBroker } from './scripted-broker.ts';

export const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';

type Topics = ShareFetchRequest['topics'];
type State = 'available' | 'acquired' | 'gone';

/**
 * One broker with one share group of one member, and topic t: offsets are acquired, acknowledged and released as Kafka
 * does it, with its rules for sessions. Answers may be replaced by tests.
 */
export class ScriptedShareGroup {
  /** Partitions of topic t that the member is told to read with the next heartbeat; null when nothing has changed. */
  news: number[] | null = [0];
  memberEpoch = 0;
  lockMs = 30_000;
  /** Whether every answer is followed by the next number. 0: there is no session. */
  sessionEpoch = 0;
  /** What a whole request is refused with, once. */
  refusal = 0;
  /** What acknowledgements of partition 0 are refused with, while it lasts. */
  acknowledgeRefusal = 0;
  /** What partition 0 is refused with in answers to fetches, while it lasts. */
  fetchRefusal = 0;
  /** Held back until this resolves. */
  gate: Promise<void> = Promise.resolve();
  /** `accept 0:3` and so on, by partition and offset, in order of arrival. */
  readonly log: string[] = [];
  /** Most requests of the session that were under way at a time. */
  concurrentMax = 0;
  private concurrent = 0;
  private readonly states = new Map<string, { state: State; count: number }>();
  private readonly ends = new Map<number, number>();
  private readonly session = new Set<number>();

  constructor(broker: ScriptedBroker) {
    broker.on(findCoordinatorApi, () => ({
      coordinators: [
        { key: 'g', nodeId: 1, host: '127.0.0.1', port: broker.port, errorCode: 0, errorMessage: null },
      ],
    }));
    broker.on(shareGroupHeartbeatApi, (request) => this.heartbeat(request));
    broker.on(shareFetchApi, (request) => this.alone(() => this.answerFetch(request)));
    broker.on(shareAcknowledgeApi, (request) => this.alone(() => this.acknowledge(request)));
  }

  /** So many more records. */
  append(count: number, partition = 0): void {
    this.ends.set(partition, this.end(partition) + count);
  }

  heartbeat({ memberId, memberEpoch }: ShareGroupHeartbeatRequest): object {
    const partitions = this.news;
    this.news = null;
    if (memberEpoch < 0) this.log.push('leave');
    this.memberEpoch = memberEpoch < 0 ? 0 : Math.max(memberEpoch, 1);
    return {
      errorCode: 0,
      errorMessage: null,
      memberId,
      memberEpoch: memberEpoch < 0 ? memberEpoch : this.memberEpoch,
      heartbeatIntervalMs: 15,
      assignment: partitions === null ? null : { topicPartitions: [{ topicId: TOPIC_ID, partitions }] },
    };
  }

  /** The first of the states given to those of partition 0 that are in it. */
  offsetsIn(state: State, partition = 0): number[] {
    return Array.from({ length: this.end(partition) }, (_, offset) => offset).filter(
      (offset) => this.at(partition, offset).state === state,
    );
  }

  /** As when the lock of everything that is acquired has run out. */
  releaseAll(): void {
    for (const each of this.states.values()) if (each.state === 'acquired') each.state = 'available';
  }

  /** Changes a byte of the first record in an answer. @returns false when there is none */
  breakFirstRecord(answer: object): boolean {
    const { responses } = answer as { responses: { partitions: { records: Buffer }[] }[] };
    const records = responses[0]!.partitions[0]?.records;
    if (records === undefined || records.length === 0) return false;
    const sizeBytes = records.readInt32BE(8) + 12;
    records[sizeBytes - 1]! ^= 0xff;
    return true;
  }

  private async alone(answer: () => Promise<object>): Promise<object> {
    this.concurrentMax = Math.max(this.concurrentMax, ++this.concurrent);
    try {
      await this.gate;
      return await answer();
    } finally {
      this.concurrent--;
    }
  }

  /** Tests may put something in its place. */
  async answerFetch(request: ShareFetchRequest): Promise<object> {
    const isFirst = request.shareSessionEpoch === 0;
    const hasAcknowledgements = request.topics.some(({ partitions }) =>
      partitions.some(({ acknowledgementBatches }) => acknowledgementBatches.length > 0),
    );
    const code = isFirst && hasAcknowledgements ? ErrorCode.INVALID_REQUEST : this.sessionError(request);
    if (code !== 0) return this.fetchAnswer(code, new Map(), new Set());
    if (isFirst) {
      this.session.clear();
      this.sessionEpoch = 0;
    }
    this.sessionEpoch++;
    for (const { partitions } of request.topics) {
      for (const { partitionIndex } of partitions) this.session.add(partitionIndex);
    }
    for (const { partitions } of request.forgottenTopicsData) {
      for (const partition of partitions) this.session.delete(partition);
    }
    const acknowledged = this.apply(request.topics);
    const acquired = await this.acquire(request.maxRecords, request.maxWaitMs);
    return this.fetchAnswer(0, acquired, acknowledged);
  }

  private async acknowledge(request: ShareAcknowledgeRequest): Promise<object> {
    const code = this.sessionError(request);
    if (code === 0) this.sessionEpoch++;
    const acknowledged = code === 0 ? this.apply(request.topics) : new Set<number>();
    if (request.shareSessionEpoch === -1 && code === 0) {
      this.log.push('end');
      this.sessionEpoch = 0;
      this.releaseAll();
    }
    return {
      errorCode: code,
      acquisitionLockTimeoutMs: this.lockMs,
      responses: [
        {
          topicId: TOPIC_ID,
          partitions: [...acknowledged].map((partitionIndex) => ({
            partitionIndex,
            errorCode: partitionIndex === 0 ? this.acknowledgeRefusal : 0,
            currentLeader: { leaderId: -1, leaderEpoch: -1 },
          })),
        },
      ],
      nodeEndpoints: [],
    };
  }

  private sessionError({ shareSessionEpoch: epoch }: { shareSessionEpoch: number }): number {
    const { refusal } = this;
    this.refusal = 0;
    if (refusal === ErrorCode.SHARE_SESSION_NOT_FOUND) {
      this.sessionEpoch = 0;
      this.releaseAll();
    }
    if (refusal !== 0) return refusal;
    if (epoch === 0) return 0;
    if (this.sessionEpoch === 0) return ErrorCode.SHARE_SESSION_NOT_FOUND;
    return epoch === -1 || epoch === this.sessionEpoch ? 0 : ErrorCode.INVALID_SHARE_SESSION_EPOCH;
  }

  private apply(topics: Topics | ShareAcknowledgeRequest['topics']): Set<number> {
    const acknowledged = new Set<number>();
    for (const { partitionIndex, acknowledgementBatches } of topics.flatMap(({ partitions }) => partitions)) {
      for (const { firstOffset, lastOffset, acknowledgeTypes } of acknowledgementBatches) {
        acknowledged.add(partitionIndex);
        const type = ['gap', 'accept', 'release', 'reject', 'renew'][acknowledgeTypes[0]!]!;
        for (let offset = firstOffset; offset <= lastOffset; offset++) {
          this.log.push(`${type} ${partitionIndex}:${offset}`);
          const isRefused = partitionIndex === 0 && this.acknowledgeRefusal !== 0;
          if (type === 'renew' || isRefused) continue;
          this.at(partitionIndex, offset).state = type === 'release' ? 'available' : 'gone';
        }
      }
    }
    return acknowledged;
  }

  private async acquire(maxRecords: number, maxWaitMs: number): Promise<Map<number, number[]>> {
    const deadlineMs = performance.now() + maxWaitMs;
    for (;;) {
      const acquired = new Map<number, number[]>();
      for (const partition of this.session) {
        if (partition === 0 && this.fetchRefusal !== 0) continue;
        const offsets = this.offsetsIn('available', partition).slice(0, maxRecords);
        for (const offset of offsets) {
          const at = this.at(partition, offset);
          at.state = 'acquired';
          at.count++;
        }
        if (offsets.length > 0) acquired.set(partition, offsets);
      }
      const isRefused = this.fetchRefusal !== 0 && this.session.has(0);
      if (acquired.size > 0 || isRefused || performance.now() >= deadlineMs) return acquired;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  private fetchAnswer(errorCode: number, acquired: Map<number, number[]>, acknowledged: Set<number>): object {
    const refused = this.fetchRefusal !== 0 && this.session.has(0) ? [0] : [];
    const partitions = new Set([...acquired.keys(), ...acknowledged, ...refused]);
    return {
      errorCode,
      acquisitionLockTimeoutMs: this.lockMs,
      responses: [
        {
          topicId: TOPIC_ID,
          partitions: [...partitions].map((partition) =>
            this.partitionData(partition, acquired.get(partition) ?? []),
          ),
        },
      ],
      nodeEndpoints: [],
    };
  }

  private partitionData(partition: number, offsets: readonly number[]): object {
    const isRefused = partition === 0;
    return {
      partitionIndex: partition,
      errorCode: isRefused ? this.fetchRefusal : 0,
      acknowledgeErrorCode: isRefused ? this.acknowledgeRefusal : 0,
      currentLeader: { leaderId: -1, leaderEpoch: -1 },
      records: offsets.length === 0 ? Buffer.alloc(0) : Buffer.concat(offsets.map(oneRecord)),
      acquiredRecords: offsets.map((offset) => ({
        firstOffset: offset,
        lastOffset: offset,
        deliveryCount: this.at(partition, offset).count,
      })),
    };
  }

  private end(partition: number): number {
    return this.ends.get(partition) ?? 0;
  }

  private at(partition: number, offset: number): { state: State; count: number } {
    const key = `${partition}:${offset}`;
    let found = this.states.get(key);
    if (found === undefined) {
      found = { state: 'available', count: 0 };
      this.states.set(key, found);
    }
    return found;
  }
}

function oneRecord(offset: number): Buffer {
  const record = { key: null, value: Buffer.from(`v${offset}`), timestamp: 1 };
  return encodeRecordBatch({ baseOffset: offset, records: [record] });
}
