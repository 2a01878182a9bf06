import { api, array, field, struct } from './notation.ts';

const topic = struct('Topic', [field('name', 'string'), field('partitions', array('int32'))]);

const partitionResult = struct('PartitionResult', [
  field('partitionIndex', 'int32'),
  field('partitionErrorCode', 'int16'),
]);

const topicResult = struct('TopicResult', [
  field('name', 'string'),
  field('resultsByPartition', array(partitionResult)),
]);

export const addPartitionsToTxnSchema = api(24, 'AddPartitionsToTxn', {
  versions: '0-5',
  flexible: '3+',
  request: [
    field(
      'transactions',
      array(
        struct('Transaction', [
          field('transactionalId', 'string'),
          field('producerId', 'int64'),
          field('producerEpoch', 'int16'),
          field('verifyOnly', 'bool', { default: false }),
          field('topics', array(topic)),
        ]),
      ),
      { versions: '4+' },
    ),
    field('v3AndBelowTransactionalId', 'string', { versions: '0-3' }),
    field('v3AndBelowProducerId', 'int64', { versions: '0-3' }),
    field('v3AndBelowProducerEpoch', 'int16', { versions: '0-3' }),
    field('v3AndBelowTopics', array(topic), { versions: '0-3' }),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16', { versions: '4+', ignorable: true }),
    field(
      'resultsByTransaction',
      array(
        struct('Result', [field('transactionalId', 'string'), field('topicResults', array(topicResult))]),
      ),
      { versions: '4+' },
    ),
    field('resultsByTopicV3AndBelow', array(topicResult), { versions: '0-3' }),
  ],
});
