import assert from 'node:assert/strict';
import type { ApiCodec } from '@odradek/protocol/api-codec.ts';
import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { offsetForLeaderEpochApi } from '@odradek/protocol/generated/apis/offset-for-leader-epoch.ts';
import type { FetchRequest } from '@odradek/protocol/generated/fetch-request.ts';
import type {
  FetchResponseInput,
  FetchResponsePartitionDataInput,
} from '@odradek/protocol/generated/fetch-response.ts';
import type { ListOffsetsRequestPartition } from '@odradek/protocol/generated/list-offsets-request.ts';
import type { OffsetForLeaderEpochRequest } from '@odradek/protocol/generated/offset-for-leader-epoch-request.ts';
import type { OffsetForLeaderEpochResponseEpochEndOffsetInput as EpochEndInput } from '@odradek/protocol/generated/offset-for-leader-epoch-response.ts';
import { Reader } from '@odradek/protocol/primitives/reader.ts';
import { Writer } from '@odradek/protocol/primitives/writer.ts';
import type { PeerDone, PeerLink, PeerRequest } from '@odradek/core/ports/peers.ts';
import { TOPIC_ID } from './replica-world.ts';

/** A request that the other broker has got, with the way to answer. */
export interface Received {
  readonly key: number;
  readonly version: number;
  readonly body: unknown;
  answer(body: unknown): void;
  fail(message: string): void;
}

/** A link whose other end is played by the test; all that passes is encoded and decoded. */
export class ScriptedLink implements PeerLink {
  readonly version: number;
  /** The newest version of OffsetForLeaderEpoch that the other broker knows: that of Apache Kafka 2.6. */
  epochVersion = 3;
  readonly received: Received[] = [];
  /** Requests wait for the connection while this is set. */
  isConnecting = false;
  isClosed = false;
  /** Requests that could not be made, to be told. */
  readonly failures: (() => void)[] = [];
  private readonly waiting: (() => unknown)[] = [];

  /** @param version the newest version of Fetch that the other broker knows */
  constructor(version = 17) {
    this.version = version;
  }

  request<RequestInput, Response>(
    request: PeerRequest<RequestInput, Response>,
    done: PeerDone<Response>,
  ): void {
    const { api, build, versionMax = api.versionMax } = request;
    const known = this.newest(api.key) ?? api.versionMax;
    const version = Math.min(known, versionMax);
    const full = api as unknown as ApiCodec<unknown, RequestInput, Response, unknown>;
    const send = (): unknown => {
      const writer = new Writer();
      const failure = attempt(() => full.writeRequest(writer, build(version), version));
      if (failure !== null) return this.failures.push(() => done(failure, null));
      return this.received.push({
        key: api.key,
        version,
        body: full.readRequest(new Reader(writer.toBuffer()), version),
        answer: (body) => {
          const answer = new Writer();
          full.writeResponse(answer, body, version);
          done(null, { version, body: full.readResponse(new Reader(answer.toBuffer()), version) });
        },
        fail: (message) => done(new Error(message), null),
      });
    };
    if (this.isConnecting) this.waiting.push(send);
    else send();
  }

  private newest(key: number): number | undefined {
    if (key === fetchApi.key) return this.version;
    return key === offsetForLeaderEpochApi.key ? this.epochVersion : undefined;
  }

  close(): void {
    this.isClosed = true;
  }

  /** Lets a request that could not be made be told of, when nothing else is under way. */
  refuse(): void {
    assert.deepEqual([this.failures.length, this.received.length], [1, 0]);
    this.failures.pop()!();
  }

  connected(): void {
    this.isConnecting = false;
    for (const send of this.waiting.splice(0)) send();
  }

  /** The one request that waits for an answer. */
  private next(key: number): Received {
    assert.equal(this.received.length, 1, `${this.received.length} requests are under way`);
    const [received] = this.received.splice(0);
    assert.equal(received!.key, key);
    return received!;
  }

  fetch(): FetchExchange {
    const received = this.next(fetchApi.key);
    return new FetchExchange(received.body as FetchRequest, received);
  }

  /** The one question where epochs end, with partition numbers and the epochs asked about. */
  epochEnds(): EpochEndsExchange {
    const received = this.next(offsetForLeaderEpochApi.key);
    const request = received.body as OffsetForLeaderEpochRequest;
    const partitions = request.topics.flatMap((topic) => topic.partitions);
    return {
      request,
      asked: Object.fromEntries(partitions.map(({ partition, leaderEpoch }) => [partition, leaderEpoch])),
      answer: (told) => {
        const ends = Object.entries(told).map(([index, end]) => ({
          partition: Number(index),
          errorCode: 0,
          ...end,
        }));
        received.answer({ topics: [{ topic: 't', partitions: ends }] });
      },
      fail: (message) => received.fail(message),
    };
  }

  listOffsets(): { asked: ListOffsetsRequestPartition; answer(offset: number, errorCode?: number): void } {
    const received = this.next(listOffsetsApi.key);
    const { topics } = received.body as { topics: { partitions: ListOffsetsRequestPartition[] }[] };
    const asked = topics[0]!.partitions[0]!;
    return {
      asked,
      answer: (offset, errorCode = 0) =>
        received.answer({
          topics: [{ name: 't', partitions: [{ partitionIndex: asked.partitionIndex, errorCode, offset }] }],
        }),
    };
  }
}

/** One question where epochs end, and its answer to be. */
export interface EpochEndsExchange {
  readonly request: OffsetForLeaderEpochRequest;
  readonly asked: Record<number, number>;
  answer(told: Record<number, Partial<EpochEndInput>>): void;
  fail(message: string): void;
}

function attempt(action: () => void): Error | null {
  try {
    action();
    return null;
  } catch (error) {
    return error as Error;
  }
}

type Told = Partial<FetchResponsePartitionDataInput>;

/** One fetch, and its answer to be. */
export class FetchExchange {
  readonly request: FetchRequest;
  private readonly received: Received;

  constructor(request: FetchRequest, received: Received) {
    this.request = request;
    this.received = received;
  }

  /** Partition numbers and their fetch offsets, as sent. */
  get offsets(): Record<number, number> {
    const partitions = this.request.topics.flatMap((topic) => topic.partitions);
    return Object.fromEntries(partitions.map(({ partition, fetchOffset }) => [partition, fetchOffset]));
  }

  get session(): { id: number; epoch: number; forgotten: number[] } {
    const { sessionId: id, sessionEpoch: epoch, forgottenTopicsData } = this.request;
    return { id, epoch, forgotten: forgottenTopicsData.flatMap(({ partitions }) => partitions) };
  }

  /** @param told by partition; sets high watermark and log start to 0 where nothing else is said */
  answer(told: Record<number, Told>, whole: Partial<FetchResponseInput> = {}): void {
    const partitions = Object.entries(told).map(([index, data]) => ({
      partitionIndex: Number(index),
      errorCode: 0,
      highWatermark: 0,
      lastStableOffset: 0,
      logStartOffset: 0,
      records: null,
      ...data,
    }));
    const name = this.received.version >= 13 ? { topicId: TOPIC_ID } : { topic: 't' };
    const responses = partitions.length === 0 ? [] : [{ ...name, partitions }];
    this.received.answer({ sessionId: 7, responses, ...whole });
  }

  fail(message: string): void {
    this.received.fail(message);
  }
}
