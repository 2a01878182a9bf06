import { api, array, field, struct } from './notation.ts';

export const shareFetchSchema = api(78, 'ShareFetch', {
  versions: '0-2',
  flexible: '0+',
  request: [
    field('groupId', 'string', { nullable: true, default: null }),
    field('memberId', 'string', { nullable: true }),
    field('shareSessionEpoch', 'int32'),
    field('maxWaitMs', 'int32'),
    field('minBytes', 'int32'),
    field('maxBytes', 'int32', { default: 2147483647 }),
    field('maxRecords', 'int32', { versions: '1+' }),
    field('batchSize', 'int32', { versions: '1+' }),
    field('shareAcquireMode', 'int8', { versions: '2+', default: 0, ignorable: true }),
    field('isRenewAck', 'bool', { versions: '2+', default: false }),
    field(
      'topics',
      array(
        struct('FetchTopic', [
          field('topicId', 'uuid'),
          field(
            'partitions',
            array(
              struct('FetchPartition', [
                field('partitionIndex', 'int32'),
                field('partitionMaxBytes', 'int32', { versions: '0' }),
                field(
                  'acknowledgementBatches',
                  array(
                    struct('AcknowledgementBatch', [
                      field('firstOffset', 'int64'),
                      field('lastOffset', 'int64'),
                      field('acknowledgeTypes', array('int8')),
                    ]),
                  ),
                ),
              ]),
            ),
          ),
        ]),
      ),
    ),
    field(
      'forgottenTopicsData',
      array(struct('ForgottenTopic', [field('topicId', 'uuid'), field('partitions', array('int32'))])),
    ),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true, default: null }),
    field('acquisitionLockTimeoutMs', 'int32', { versions: '1+' }),
    field(
      'responses',
      array(
        struct('ShareFetchableTopic', [
          field('topicId', 'uuid'),
          field(
            'partitions',
            array(
              struct('PartitionData', [
                field('partitionIndex', 'int32'),
                field('errorCode', 'int16'),
                field('errorMessage', 'string', { nullable: true, default: null }),
                field('acknowledgeErrorCode', 'int16'),
                field('acknowledgeErrorMessage', 'string', { nullable: true, default: null }),
                field(
                  'currentLeader',
                  struct('LeaderIdAndEpoch', [field('leaderId', 'int32'), field('leaderEpoch', 'int32')]),
                ),
                field('records', 'records', { nullable: '0' }),
                field(
                  'acquiredRecords',
                  array(
                    struct('AcquiredRecords', [
                      field('firstOffset', 'int64'),
                      field('lastOffset', 'int64'),
                      field('deliveryCount', 'int16'),
                    ]),
                  ),
                ),
              ]),
            ),
          ),
        ]),
      ),
    ),
    field(
      'nodeEndpoints',
      array(
        struct('NodeEndpoint', [
          field('nodeId', 'int32'),
          field('host', 'string'),
          field('port', 'int32'),
          field('rack', 'string', { nullable: true, default: null }),
        ]),
      ),
    ),
  ],
});
