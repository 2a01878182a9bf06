import { api, array, field, struct } from './notation.ts';

export const shareAcknowledgeSchema = api(79, 'ShareAcknowledge', {
  versions: '0-2',
  flexible: '0+',
  request: [
    field('groupId', 'string', { nullable: true, default: null }),
    field('memberId', 'string', { nullable: true }),
    field('shareSessionEpoch', 'int32'),
    field('isRenewAck', 'bool', { versions: '2+', default: false }),
    field(
      'topics',
      array(
        struct('AcknowledgeTopic', [
          field('topicId', 'uuid'),
          field(
            'partitions',
            array(
              struct('AcknowledgePartition', [
                field('partitionIndex', 'int32'),
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
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true, default: null }),
    field('acquisitionLockTimeoutMs', 'int32', { versions: '2+', ignorable: true }),
    field(
      'responses',
      array(
        struct('Topic', [
          field('topicId', 'uuid'),
          field(
            'partitions',
            array(
              struct('PartitionData', [
                field('partitionIndex', 'int32'),
                field('errorCode', 'int16'),
                field('errorMessage', 'string', { nullable: true, default: null }),
                field(
                  'currentLeader',
                  struct('LeaderIdAndEpoch', [field('leaderId', 'int32'), field('leaderEpoch', 'int32')]),
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
