import { ErrorCode } from '@odradek/protocol/errors.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { offsetForLeaderEpochApi } from '@odradek/protocol/generated/apis/offset-for-leader-epoch.ts';
import type { OffsetForLeaderEpochResponse } from '@odradek/protocol/generated/offset-for-leader-epoch-response.ts';
import type { EpochEnd } from '../log/leader-epoch-cache.ts';
import type { FetcherParts } from './fetcher-parts.ts';
import type { Partition } from './partition.ts';

/** A partition that is asked about, as of the leader epoch in which it is followed. */
export interface AskedPartition {
  readonly partition: Partition;
  readonly leaderEpoch: number;
}

export interface ToldEpochEnd {
  readonly errorCode: number;
  /** See `cutFor`; means nothing with an error code. */
  readonly end: EpochEnd;
}

export interface ToldOffset {
  readonly errorCode: number;
  readonly offset: number;
}

type Done<Answer> = (...result: [error: Error, answer: null] | [error: null, answer: Answer]) => void;

/** What a leader left out of its answer. */
const NOT_TOLD = ErrorCode.UNKNOWN_SERVER_ERROR;
const NOTHING: EpochEnd = { epoch: -1, endOffset: -1 };

/** What a follower asks its leader beside fetching. Each `done` is called once, never within the call. */
export class LeaderQuestions {
  private readonly parts: Pick<FetcherParts, 'nodeId' | 'link' | 'settings'>;

  constructor(parts: Pick<FetcherParts, 'nodeId' | 'link' | 'settings'>) {
    this.parts = parts;
  }

  /**
   * Where, in the leader's log, the last epoch of each of these logs ends (KIP-101, KIP-279).
   * @param done with an answer for each of `asked`
   */
  epochEnds<Asked extends AskedPartition>(
    asked: readonly Asked[],
    done: Done<ReadonlyMap<Asked, ToldEpochEnd>>,
  ): void {
    const { nodeId, link, settings } = this.parts;
    const byTopic = Map.groupBy(asked, ({ partition }) => partition.topic);
    const topics = [...byTopic].map(([topic, ofTopic]) => ({
      topic,
      partitions: ofTopic.map(({ partition, leaderEpoch }) => ({
        partition: partition.index,
        currentLeaderEpoch: leaderEpoch,
        leaderEpoch: partition.log.latestLeaderEpoch,
      })),
    }));
    link.request(
      {
        api: offsetForLeaderEpochApi,
        build: () => ({ replicaId: nodeId, topics }),
        timeoutMs: settings().timeoutMs,
      },
      (error, answer) => {
        if (error !== null) return done(error, null);
        const told = epochEndsIn(answer.body);
        const nothing = { errorCode: NOT_TOLD, end: NOTHING };
        done(null, new Map(asked.map((each) => [each, told.get(keyOf(each.partition)) ?? nothing])));
      },
    );
  }

  /** @param timestamp EARLIEST_TIMESTAMP or LATEST_TIMESTAMP */
  offset({ partition, leaderEpoch }: AskedPartition, timestamp: number, done: Done<ToldOffset>): void {
    const { topic: name, index: partitionIndex } = partition;
    const { nodeId, link, settings } = this.parts;
    const partitions = [{ partitionIndex, currentLeaderEpoch: leaderEpoch, timestamp }];
    link.request(
      {
        api: listOffsetsApi,
        build: () => ({ replicaId: nodeId, topics: [{ name, partitions }] }),
        timeoutMs: settings().timeoutMs,
      },
      (error, answer) => {
        if (error !== null) return done(error, null);
        done(null, answer.body.topics[0]?.partitions[0] ?? { errorCode: NOT_TOLD, offset: -1 });
      },
    );
  }
}

function epochEndsIn({ topics }: OffsetForLeaderEpochResponse): Map<string, ToldEpochEnd> {
  return new Map(
    topics.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition: index, errorCode, leaderEpoch: epoch, endOffset }) => [
        keyOf({ topic, index }),
        { errorCode, end: { epoch, endOffset } },
      ]),
    ),
  );
}

function keyOf({ topic, index }: { topic: string; index: number }): string {
  return `${topic} ${index}`;
}
