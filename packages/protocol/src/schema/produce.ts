import { api, array, field, struct } from './notation.ts';

export const produceSchema = api(0, 'Produce', {
  versions: '0-13',
  flexible: '9+',
  request: [
    field('transactionalId', 'string', { versions: '3+', nullable: true, default: null }),
    field('acks', 'int16'),
    field('timeoutMs', 'int32'),
    field(
      'topicData',
      array(
        struct('TopicData', [
          field('name', 'string', { versions: '0-12', ignorable: true }),
          field('topicId', 'uuid', { versions: '13+', ignorable: true }),
          field(
            'partitionData',
            array(
              struct('PartitionData', [
                field('index', 'int32'),
                field('records', 'records', { nullable: true }),
              ]),
            ),
          ),
        ]),
      ),
    ),
  ],
  response: [
    field(
      'responses',
      array(
        struct('Topic', [
          field('name', 'string', { versions: '0-12', ignorable: true }),
          field('topicId', 'uuid', { versions: '13+', ignorable: true }),
          field(
            'partitionResponses',
            array(
              struct('Partition', [
                field('index', 'int32'),
                field('errorCode', 'int16'),
                field('baseOffset', 'int64'),
                field('logAppendTimeMs', 'int64', { versions: '2+', default: -1, ignorable: true }),
                field('logStartOffset', 'int64', { versions: '5+', default: -1, ignorable: true }),
                field(
                  'recordErrors',
                  array(
                    struct('BatchIndexAndErrorMessage', [
                      field('batchIndex', 'int32'),
                      field('batchIndexErrorMessage', 'string', { nullable: true, default: null }),
                    ]),
                  ),
                  { versions: '8+', ignorable: true },
                ),
                field('errorMessage', 'string', {
                  versions: '8+',
                  nullable: true,
                  default: null,
                  ignorable: true,
                }),
                field(
                  'currentLeader',
                  struct('LeaderIdAndEpoch', [
                    field('leaderId', 'int32', { default: -1 }),
                    field('leaderEpoch', 'int32', { default: -1 }),
                  ]),
                  { versions: '10+', tag: 0 },
                ),
              ]),
            ),
          ),
        ]),
      ),
    ),
    field('throttleTimeMs', 'int32', { versions: '1+', default: 0, ignorable: true }),
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
      { versions: '10+', tag: 0 },
    ),
  ],
});
