import { api, array, field, struct } from './notation.ts';

export const controlledShutdownSchema = api(7, 'ControlledShutdown', {
  versions: '0-3',
  flexible: '3+',
  request: [
    field('brokerId', 'int32'),
    field('brokerEpoch', 'int64', { versions: '2+', default: -1, ignorable: true }),
  ],
  response: [
    field('errorCode', 'int16'),
    field(
      'remainingPartitions',
      array(struct('RemainingPartition', [field('topicName', 'string'), field('partitionIndex', 'int32')])),
    ),
  ],
});
