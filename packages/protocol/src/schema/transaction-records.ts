import { array, field, message, struct } from './notation.ts';

export const transactionLogKeySchema = message('TransactionLogKey', {
  versions: '0',
  recordType: 0,
  fields: [field('transactionalId', 'string')],
});

export const transactionLogValueSchema = message('TransactionLogValue', {
  versions: '0-1',
  flexible: '1+',
  fields: [
    field('producerId', 'int64'),
    field('previousProducerId', 'int64', { versions: '1+', tag: 0, default: -1 }),
    field('nextProducerId', 'int64', { versions: '1+', tag: 1, default: -1 }),
    field('producerEpoch', 'int16'),
    field('nextProducerEpoch', 'int16', { versions: '1+', tag: 3, default: -1 }),
    field('transactionTimeoutMs', 'int32'),
    field('transactionStatus', 'int8'),
    field(
      'transactionPartitions',
      array(struct('PartitionsSchema', [field('topic', 'string'), field('partitionIds', array('int32'))])),
      { nullable: true },
    ),
    field('transactionLastUpdateTimestampMs', 'int64'),
    field('transactionStartTimestampMs', 'int64'),
    field('clientTransactionVersion', 'int16', { versions: '1+', tag: 2, default: 0 }),
  ],
});
