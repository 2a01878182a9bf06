import { array, field, message, struct } from './notation.ts';

export const shareSnapshotKeySchema = message('ShareSnapshotKey', {
  versions: '0',
  recordType: 0,
  fields: [field('groupId', 'string'), field('topicId', 'uuid'), field('partition', 'int32')],
});

export const shareSnapshotValueSchema = message('ShareSnapshotValue', {
  versions: '0',
  flexible: '0+',
  fields: [
    field('snapshotEpoch', 'int32'),
    field('stateEpoch', 'int32'),
    field('leaderEpoch', 'int32'),
    field('startOffset', 'int64'),
    field('deliveryCompleteCount', 'int32', { tag: 0, default: -1 }),
    field('createTimestamp', 'int64'),
    field('writeTimestamp', 'int64'),
    field(
      'stateBatches',
      array(
        struct('StateBatch', [
          field('firstOffset', 'int64'),
          field('lastOffset', 'int64'),
          field('deliveryState', 'int8'),
          field('deliveryCount', 'int16'),
        ]),
      ),
    ),
  ],
});

export const shareUpdateKeySchema = message('ShareUpdateKey', {
  versions: '0',
  recordType: 1,
  fields: [field('groupId', 'string'), field('topicId', 'uuid'), field('partition', 'int32')],
});

export const shareUpdateValueSchema = message('ShareUpdateValue', {
  versions: '0',
  flexible: '0+',
  fields: [
    field('snapshotEpoch', 'int32'),
    field('leaderEpoch', 'int32'),
    field('startOffset', 'int64'),
    field('deliveryCompleteCount', 'int32', { tag: 0, default: -1 }),
    field(
      'stateBatches',
      array(
        struct('StateBatch', [
          field('firstOffset', 'int64'),
          field('lastOffset', 'int64'),
          field('deliveryState', 'int8'),
          field('deliveryCount', 'int16'),
        ]),
      ),
    ),
  ],
});
