import { api, array, field, struct } from './notation.ts';

export const writeTxnMarkersSchema = api(27, 'WriteTxnMarkers', {
  versions: '0-2',
  flexible: '1+',
  request: [
    field(
      'markers',
      array(
        struct('WritableTxnMarker', [
          field('producerId', 'int64'),
          field('producerEpoch', 'int16'),
          field('transactionResult', 'bool'),
          field(
            'topics',
            array(
              struct('WritableTxnMarkerTopic', [
                field('name', 'string'),
                field('partitionIndexes', array('int32')),
              ]),
            ),
          ),
          field('coordinatorEpoch', 'int32'),
          field('transactionVersion', 'int8', { versions: '2+', default: 0, ignorable: true }),
        ]),
      ),
    ),
  ],
  response: [
    field(
      'markers',
      array(
        struct('WritableTxnMarkerResult', [
          field('producerId', 'int64'),
          field(
            'topics',
            array(
              struct('WritableTxnMarkerTopicResult', [
                field('name', 'string'),
                field(
                  'partitions',
                  array(
                    struct('WritableTxnMarkerPartitionResult', [
                      field('partitionIndex', 'int32'),
                      field('errorCode', 'int16'),
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
});
