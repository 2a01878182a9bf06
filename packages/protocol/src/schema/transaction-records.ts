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
    field('producerEpoch', 'int16'),
    field('transactionTimeoutMs', 'int32'),
    field('transactionStatus', 'int8'),
    field(
      'transactionPartitions',
      array(struct('PartitionsSchema', [field('topic', 'string'), field('partitionIds', array('int32'))])),
      { nullable: true },
    ),
    field('transactionLastUpdateTimestampMs', 'int64'),
    field('transactionStartTimestampMs', 'int64'),
  ],
});
