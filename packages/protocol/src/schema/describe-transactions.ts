import { api, array, field, struct } from './notation.ts';

export const describeTransactionsSchema = api(65, 'DescribeTransactions', {
  versions: '0',
  flexible: '0+',
  request: [field('transactionalIds', array('string'))],
  response: [
    field('throttleTimeMs', 'int32'),
    field(
      'transactionStates',
      array(
        struct('TransactionState', [
          field('errorCode', 'int16'),
          field('transactionalId', 'string'),
          field('transactionState', 'string'),
          field('transactionTimeoutMs', 'int32'),
          field('transactionStartTimeMs', 'int64'),
          field('producerId', 'int64'),
          field('producerEpoch', 'int16'),
          field(
            'topics',
            array(struct('TopicData', [field('topic', 'string'), field('partitions', array('int32'))])),
          ),
        ]),
      ),
    ),
  ],
});
