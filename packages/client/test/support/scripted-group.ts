import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import { findCoordinatorApi } from '@odradek/protocol/generated/apis/find-coordinator.ts';
import { heartbeatApi } from '@odradek/protocol/generated/apis/heartbeat.ts';
import { joinGroupApi } from '@odradek/protocol/generated/apis/join-group.ts';
import { leaveGroupApi } from '@odradek/protocol/generated/apis/leave-group.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { offsetCommitApi } from '@odradek/protocol/generated/apis/offset-commit.ts';
import { offsetFetchApi } from '@odradek/protocol/generated/apis/offset-fetch.ts';
import { syncGroupApi } from '@odradek/protocol/generated/apis/sync-group.ts';
import type { FetchRequest } from '@odradek/protocol/generated/fetch-request.ts';
import type { OffsetCommitRequest } from '@odradek/protocol/generated/offset-commit-request.ts';
import { encodeRecordBatch } from '@odradek/protocol/records/record-batch.ts';
import { ErrorCode } from '@odradek/protocol/errors.ts';
import type { ScriptedBroker } from './scripted-broker.ts';

/**
 * A coordinator for one member, and a log of one record per offset in partition 0 of topic t. Every answer may be
 * replaced by a script of its own.
 */
export class ScriptedGroup {
  generation = 0;
  /** As committed, in order of arrival. */
  readonly commits: { offset: number; generation: number; memberId: string }[] = [];
  logEnd = 5;
  /** Records in the answer to a fetch. */
  fetchCount = 1;
  private members = 0;
  private readonly broker: ScriptedBroker;

  constructor(broker: ScriptedBroker) {
    this.broker = broker;
    broker.on(findCoordinatorApi, () => this.coordinator());
    broker.on(joinGroupApi, ({ memberId, protocols }) => {
      if (memberId === '') return joinRefused(ErrorCode.MEMBER_ID_REQUIRED, `m${++this.members}`);
      return this.joined(memberId, protocols[0]!);
    });
    broker.on(syncGroupApi, ({ memberId, assignments }) => ({
      errorCode: 0,
      assignment: assignments.find((each) => each.memberId === memberId)?.assignment ?? Buffer.alloc(0),
    }));
    broker.on(heartbeatApi, () => ({ errorCode: 0 }));
    broker.on(leaveGroupApi, () => ({ errorCode: 0, members: [] }));
    broker.on(offsetFetchApi, () => this.committed(-1));
    broker.on(offsetCommitApi, (request) => this.commit(request));
    broker.on(listOffsetsApi, () => ({
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: 0, timestamp: -1, offset: 0 }] }],
    }));
    broker.on(fetchApi, (request) => this.records(request));
  }

  /** The answer to the only member, which leads. */
  joined(memberId: string, { name, metadata }: { name: string; metadata: Buffer }): object {
    return {
      errorCode: 0,
      generationId: ++this.generation,
      protocolType: 'consumer',
      protocolName: name,
      leader: memberId,
      memberId,
      members: [{ memberId, groupInstanceId: null, metadata }],
    };
  }

  coordinator(): object {
    const { port } = this.broker;
    return {
      coordinators: [{ key: 'g', nodeId: 1, host: '127.0.0.1', port, errorCode: 0, errorMessage: null }],
    };
  }

  committed(offset: number, errorCode = 0): object {
    const partitions = [
      { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: -1, metadata: '', errorCode },
    ];
    return { groups: [{ groupId: 'g', topics: [{ name: 't', partitions }], errorCode: 0 }] };
  }

  commit(request: OffsetCommitRequest, errorCode = 0): object {
    for (const { partitions } of request.topics) {
      for (const { committedOffset } of partitions) {
        if (errorCode !== 0) continue;
        const { memberId, generationIdOrMemberEpoch: generation } = request;
        this.commits.push({ offset: committedOffset, generation, memberId });
      }
    }
    const partitions = [{ partitionIndex: 0, errorCode }];
    return { topics: [{ name: 't', partitions }] };
  }

  private records(request: FetchRequest): object {
    return {
      errorCode: 0,
      sessionId: 0,
      responses: request.topics.map(({ topic, topicId, partitions }) => ({
        topic,
        topicId,
        partitions: partitions.map(({ partition, fetchOffset }) => ({
          partitionIndex: partition,
          errorCode: 0,
          highWatermark: this.logEnd,
          records: this.batchAt(fetchOffset),
        })),
      })),
    };
  }

  private batchAt(offset: number): Buffer | null {
    const count = Math.min(this.fetchCount, this.logEnd - offset);
    if (count <= 0) return null;
    const records = Array.from({ length: count }, (_, i) => ({
      key: null,
      value: Buffer.from(`v${offset + i}`),
      timestamp: 1,
    }));
    return encodeRecordBatch({ baseOffset: offset, records });
  }
}

export function joinRefused(errorCode: number, memberId = ''): object {
  return {
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: '',
    leader: '',
    memberId,
    members: [],
  };
}
