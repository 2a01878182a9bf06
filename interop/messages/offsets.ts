import { deleteRecordsApi } from '@odradek/protocol/generated/apis/delete-records.ts';
import { listOffsetsApi } from '@odradek/protocol/generated/apis/list-offsets.ts';
import { offsetForLeaderEpochApi } from '@odradek/protocol/generated/apis/offset-for-leader-epoch.ts';
import type { ListOffsetsRequestInput } from '@odradek/protocol/generated/list-offsets-request.ts';
import type { OffsetForLeaderEpochRequestInput } from '@odradek/protocol/generated/offset-for-leader-epoch-request.ts';
import type { Conversation } from '../wire/compare-with-kafka.ts';
import { TIME_MS } from './world.ts';

const lists: Conversation = async (t) => {
  for (const version of t.versionsOf(listOffsetsApi)) {
    const ask = (
      label: string,
      name: string,
      timestamp: number,
      partition: object = {},
      changes: Partial<ListOffsetsRequestInput> = {},
    ) =>
      t.ask(label, listOffsetsApi, version, {
        replicaId: -1,
        topics: [
          {
            name,
            partitions: [
              { partitionIndex: 0, timestamp, ...(version === 0 ? { maxNumOffsets: 1 } : {}), ...partition },
            ],
          },
        ],
        ...(version >= 10 ? { timeoutMs: 5000 } : {}),
        ...changes,
      });
    for (const name of ['read', 'trimmed', 'plain']) {
      await ask(`${name}, latest`, name, -1);
      await ask(`${name}, earliest`, name, -2);
      for (const special of [-3, -4, -5, -6, -7, -99])
        await ask(`${name}, special ${special}`, name, special);
      await ask(`${name}, the first time`, name, TIME_MS);
      await ask(`${name}, long before`, name, 0);
      await ask(`${name}, within a batch`, name, TIME_MS + 3500);
      await ask(`${name}, the last time`, name, TIME_MS + 11_000);
      await ask(`${name}, later than all`, name, TIME_MS + 11_001);
      await ask(`${name}, empty partition`, name, TIME_MS, { partitionIndex: 1 });
      await ask(`${name}, empty partition, latest`, name, -1, { partitionIndex: 1 });
    }
    await ask('an unknown topic', 'absent', -1);
    await ask('an unknown partition', 'read', -1, { partitionIndex: 9 });
    await ask('a negative partition', 'read', -1, { partitionIndex: -1 });
    await ask('a topic of no name', '', -1);
    await ask('no topics', 'read', -1, {}, { topics: [] });
    await ask('no partitions', 'read', -1, {}, { topics: [{ name: 'read', partitions: [] }] });
    const twice = [-1, -2].map((timestamp) => ({
      partitionIndex: 0,
      timestamp,
      ...(version === 0 ? { maxNumOffsets: 1 } : {}),
    }));
    await ask('a partition twice', 'read', -1, {}, { topics: [{ name: 'read', partitions: twice }] });
    await ask('as replica 77', 'read', -1, {}, { replicaId: 77 });
    await ask('for debugging', 'read', -1, {}, { replicaId: -2 });
    if (version === 0) {
      for (const maxNumOffsets of [0, 2, 5, -1]) {
        await ask(`${maxNumOffsets} offsets`, 'read', -1, { maxNumOffsets });
        await ask(`${maxNumOffsets} offsets, earliest`, 'read', -2, { maxNumOffsets });
        await ask(`${maxNumOffsets} offsets, before now`, 'read', Date.now() + 60_000, { maxNumOffsets });
      }
    }
    if (version >= 2) {
      await ask('committed', 'read', -1, {}, { isolationLevel: 1 });
      await ask('an unknown isolation', 'read', -1, {}, { isolationLevel: 7 });
    }
    if (version >= 4) {
      await ask('of this epoch', 'read', -1, { currentLeaderEpoch: 0 });
      await ask('of a later epoch', 'read', -1, { currentLeaderEpoch: 1 });
      await ask('of a later epoch, by time', 'read', TIME_MS, { currentLeaderEpoch: 1 });
      await ask('of an epoch below none', 'read', -1, { currentLeaderEpoch: -2 });
    }
  }
};

const epochs: Conversation = async (t) => {
  for (const version of t.versionsOf(offsetForLeaderEpochApi)) {
    const ask = (
      label: string,
      topic: string,
      leaderEpoch: number,
      partition: object = {},
      changes: Partial<OffsetForLeaderEpochRequestInput> = {},
    ) =>
      t.ask(label, offsetForLeaderEpochApi, version, {
        ...(version >= 3 ? { replicaId: -1 } : {}),
        topics: [{ topic, partitions: [{ partition: 0, leaderEpoch, ...partition }] }],
        ...changes,
      });
    for (const epoch of [0, 1, 7, -1, -2]) await ask(`epoch ${epoch}`, 'read', epoch);
    await ask('epoch 0, trimmed', 'trimmed', 0);
    await ask('epoch 0, empty', 'read', 0, { partition: 1 });
    await ask('an unknown topic', 'absent', 0);
    await ask('an unknown partition', 'read', 0, { partition: 9 });
    await ask('a negative partition', 'read', 0, { partition: -1 });
    await ask('no topics', 'read', 0, {}, { topics: [] });
    await ask('no partitions', 'read', 0, {}, { topics: [{ topic: 'read', partitions: [] }] });
    if (version >= 2) {
      await ask('of this epoch', 'read', 0, { currentLeaderEpoch: 0 });
      await ask('of a later epoch', 'read', 0, { currentLeaderEpoch: 1 });
      await ask('of an epoch below none', 'read', 0, { currentLeaderEpoch: -2 });
    }
    if (version >= 3) await ask('as replica 77', 'read', 0, {}, { replicaId: 77 });
  }
};

const deletions: Conversation = async (t) => {
  for (const version of t.versionsOf(deleteRecordsApi)) {
    const ask = (label: string, name: string, offset: number, partitionIndex = 0, changes: object = {}) =>
      t.ask(label, deleteRecordsApi, version, {
        topics: [{ name, partitions: [{ partitionIndex, offset }] }],
        timeoutMs: 5000,
        ...changes,
      });
    await ask('before the start', 'trimmed', 2);
    await ask('nothing', 'trimmed', 5);
    await ask('one', 'trimmed', 6 + version);
    await ask('beyond the end', 'trimmed', 13);
    await ask('a negative offset', 'trimmed', -2);
    await ask('an empty partition', 'trimmed', 0, 1);
    await ask('an empty partition, all', 'trimmed', -1, 1);
    await ask('an empty partition, beyond', 'trimmed', 1, 1);
    await ask('an unknown topic', 'absent', 0);
    await ask('an unknown partition', 'trimmed', 0, 9);
    await ask('a negative partition', 'trimmed', 0, -1);
    await ask('a compacted topic', 'compacted', 0);
    await ask('the offsets topic', '__consumer_offsets', 0);
    await ask('no topics', 'trimmed', 0, 0, { topics: [] });
    await ask('no partitions', 'trimmed', 0, 0, { topics: [{ name: 'trimmed', partitions: [] }] });
    await ask('no timeout', 'trimmed', 5, 0, { timeoutMs: 0 });
    await ask('a negative timeout', 'trimmed', 5, 0, { timeoutMs: -1 });
  }
  await t.ask('all', deleteRecordsApi, t.newest(deleteRecordsApi), {
    topics: [{ name: 'trimmed', partitions: [{ partitionIndex: 0, offset: -1 }] }],
    timeoutMs: 5000,
  });
};

export const offsetConversations: Readonly<Record<string, Conversation>> = {
  'offsets listed': lists,
  'ends of leader epochs': epochs,
  'records deleted': deletions,
};
