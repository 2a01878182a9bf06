import { fetchApi } from '@odradek/protocol/generated/apis/fetch.ts';
import type {
  FetchRequestInput,
  FetchRequestPartitionInput,
} from '@odradek/protocol/generated/fetch-request.ts';
import type { FetchResponse } from '@odradek/protocol/generated/fetch-response.ts';
import type { Conversation } from '../wire/compare-with-kafka.ts';
import type { RawConnection } from '../wire/raw-connection.ts';
import type { Transcript } from '../wire/transcript.ts';
import { FETCH_IDS_SINCE, UNKNOWN_ID, topicIds } from './world.ts';

const END = 12;
/** Older versions carry older formats. */
const CONVERTED_BELOW = 4;
const MESSAGE_OVERHEAD = 12;
const SESSION_SINCE = 7;
const EPOCH_SINCE = 9;
const FETCHED_EPOCH_SINCE = 12;

type PartitionChanges = Partial<FetchRequestPartitionInput>;

function topicOf(version: number, ids: ReadonlyMap<string, string>, name: string) {
  return version < FETCH_IDS_SINCE ? { topic: name } : { topicId: ids.get(name) ?? UNKNOWN_ID };
}

function partitionOf(changes: PartitionChanges = {}): FetchRequestPartitionInput {
  return { partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000, ...changes };
}

/**
 * Kafka converts as much as the batches took up before, and fills up what is left with a message that is cut short;
 * ours ends behind a message. So only first messages are compared; conversion has a proof of its own.
 */
function withFirstMessages(response: FetchResponse): unknown {
  return {
    ...response,
    responses: response.responses.map((topic) => ({
      ...topic,
      partitions: topic.partitions.map(({ records, ...partition }) => ({
        ...partition,
        records: records === null ? null : firstMessage(records),
      })),
    })),
  };
}

function firstMessage(records: Buffer): string {
  if (records.length < MESSAGE_OVERHEAD) return `${records.length} bytes`;
  const end = MESSAGE_OVERHEAD + records.readInt32BE(8);
  return end > records.length ? 'cut short' : records.subarray(0, end).toString('hex');
}

const basics = { maxWaitMs: 0, minBytes: 1 };

const requests: Conversation = async (t) => {
  const ids = await topicIds(t);
  for (const version of t.versionsOf(fetchApi)) {
    const ask = (
      label: string,
      name: string,
      partition: PartitionChanges = {},
      changes: Partial<FetchRequestInput> = {},
    ) =>
      t.ask(
        label,
        fetchApi,
        version,
        {
          ...basics,
          topics: [{ ...topicOf(version, ids, name), partitions: [partitionOf(partition)] }],
          ...changes,
        },
        undefined,
        version < CONVERTED_BELOW ? withFirstMessages : undefined,
      );
    await ask('all', 'read');
    await ask('from the middle of a batch', 'read', { fetchOffset: 4 });
    await ask('from the end', 'read', { fetchOffset: END });
    await ask('from behind the end', 'read', { fetchOffset: END + 1 });
    await ask('from a negative offset', 'read', { fetchOffset: -1 });
    await ask('from the least offset', 'read', { fetchOffset: Number.MIN_SAFE_INTEGER });
    await ask('from what was deleted', 'trimmed', { fetchOffset: 4 });
    await ask('from where it starts', 'trimmed', { fetchOffset: 5 });
    await ask('an empty partition', 'read', { partition: 1 });
    await ask('an unknown partition', 'read', { partition: 9 });
    await ask('a negative partition', 'read', { partition: -1 });
    await ask('an unknown topic', 'absent');
    await ask('one byte', 'read', { partitionMaxBytes: 1 });
    await ask('no bytes', 'read', { partitionMaxBytes: 0 });
    await ask('negative bytes', 'read', { partitionMaxBytes: -1 });
    await ask('half of it', 'read', { partitionMaxBytes: 250 });
    await ask('at least nothing', 'read', { fetchOffset: END }, { minBytes: 0 });
    await ask('at least a negative size', 'read', { fetchOffset: END }, { minBytes: -1 });
    await ask('at least more than there is', 'read', {}, { minBytes: 1_000_000, maxWaitMs: 50 });
    await ask('a negative wait', 'read', { fetchOffset: END }, { maxWaitMs: -1 });
    await ask('no topics', 'read', {}, { topics: [] });
    await ask(
      'no partitions',
      'read',
      {},
      { topics: [{ ...topicOf(version, ids, 'read'), partitions: [] }] },
    );
    const twice = [partitionOf(), partitionOf({ fetchOffset: 6 })];
    await ask(
      'a partition twice',
      'read',
      {},
      {
        topics: [{ ...topicOf(version, ids, 'read'), partitions: twice }],
      },
    );
    const two = ['read', 'trimmed'].map((name) => ({
      ...topicOf(version, ids, name),
      partitions: [partitionOf({ fetchOffset: 6 }), partitionOf({ partition: 1 })],
    }));
    await ask('two topics', 'read', {}, { topics: two });
    if (version >= 3) {
      await ask('one byte in all', 'read', {}, { maxBytes: 1 });
      await ask('no bytes in all', 'read', {}, { maxBytes: 0 });
      await ask('negative bytes in all', 'read', {}, { maxBytes: -1 });
      await ask('a limit in all', 'read', {}, { topics: two, maxBytes: 250 });
    }
    if (version >= 4) {
      await ask('committed', 'read', {}, { isolationLevel: 1 });
      await ask('an unknown isolation', 'read', {}, { isolationLevel: 7 });
    }
    if (version >= EPOCH_SINCE) {
      await ask('of this epoch', 'read', { currentLeaderEpoch: 0 });
      await ask('of a later epoch', 'read', { currentLeaderEpoch: 1 });
      await ask('of an epoch below none', 'read', { currentLeaderEpoch: -2 });
    }
    if (version >= FETCHED_EPOCH_SINCE) {
      await ask('fetched in this epoch', 'read', { lastFetchedEpoch: 0, fetchOffset: 3 });
      await ask('fetched in this epoch behind the end', 'read', { lastFetchedEpoch: 0, fetchOffset: 50 });
      await ask('fetched in a later epoch', 'read', { lastFetchedEpoch: 3, fetchOffset: 3 });
    }
    if (version >= 11) await ask('a rack', 'read', { fetchOffset: END }, { rackId: 'a' });
    if (version < 15) {
      await ask('as replica 77', 'read', { fetchOffset: END }, { replicaId: 77 });
      await ask('for debugging', 'read', {}, { replicaId: -2 });
    } else {
      const replicaState = { replicaId: 77, replicaEpoch: -1 };
      await ask('as replica 77', 'read', { fetchOffset: END }, { replicaState });
    }
  }
};

/** KIP-227. */
const sessions: Conversation = async (t) => {
  const ids = await topicIds(t);
  for (const version of t.versionsOf(fetchApi).filter((candidate) => candidate >= SESSION_SINCE)) {
    const connection = await t.connection();
    const ask = sessionAsking(t, version, connection);
    const both = [
      {
        ...topicOf(version, ids, 'read'),
        partitions: [0, 1].map((p) => partitionOf({ partition: p, fetchOffset: p === 0 ? 6 : 0 })),
      },
    ];
    const sessionId = await ask('a new session', both, 0, 0);
    await ask('nothing new', [], sessionId, 1);
    const moved = [{ ...topicOf(version, ids, 'read'), partitions: [partitionOf({ fetchOffset: END })] }];
    await ask('moved on', moved, sessionId, 2);
    await ask('still nothing new', [], sessionId, 3);
    await ask('an epoch again', [], sessionId, 3);
    await ask('an epoch left out', [], sessionId, 9);
    await ask(
      'back to the start',
      [{ ...topicOf(version, ids, 'read'), partitions: [partitionOf()] }],
      sessionId,
      4,
    );
    const forgotten = [{ ...topicOf(version, ids, 'read'), partitions: [0] }];
    await ask('without the first', [], sessionId, 5, forgotten);
    await ask(
      'with an unknown topic',
      [{ ...topicOf(version, ids, 'absent'), partitions: [partitionOf()] }],
      sessionId,
      6,
    );
    await ask('the unknown again', [], sessionId, 7);
    await ask(
      'with an unknown partition',
      [{ ...topicOf(version, ids, 'read'), partitions: [partitionOf({ partition: 9 })] }],
      sessionId,
      8,
    );
    await ask('closing', [], sessionId, -1);
    await ask('after the close', [], sessionId, 9);
    await ask('an unknown session', [], 12_345, 1);
    await ask('closing an unknown session', both, 12_345, -1);
    await ask('a new one in place of an unknown', both, 12_345, 0);
    await ask('without a session', both, 0, -1);
    await ask('no session, an epoch', both, 0, 5);
    await ask('a new session of nothing', [], 0, 0);
    await ask('a negative session', both, -1, 3);
  }
};

function sessionAsking(t: Transcript, version: number, connection: RawConnection) {
  return async (
    label: string,
    topics: FetchRequestInput['topics'],
    sessionId: number,
    sessionEpoch: number,
    forgottenTopicsData: FetchRequestInput['forgottenTopicsData'] = [],
  ): Promise<number> => {
    const request = { ...basics, topics, sessionId, sessionEpoch, forgottenTopicsData };
    const response = await t.ask(label, fetchApi, version, request, connection);
    return response?.sessionId ?? 0;
  };
}

export const fetchConversations: Readonly<Record<string, Conversation>> = {
  'fetch requests': requests,
  'fetch sessions': sessions,
};
