import { api, array, field, struct } from './notation.ts';

export const describeClusterSchema = api(60, 'DescribeCluster', {
  versions: '0-2',
  flexible: '0+',
  request: [
    field('includeClusterAuthorizedOperations', 'bool'),
    field('endpointType', 'int8', { versions: '1+', default: 1 }),
    field('includeFencedBrokers', 'bool', { versions: '2+' }),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true, default: null }),
    field('endpointType', 'int8', { versions: '1+', default: 1 }),
    field('clusterId', 'string'),
    field('controllerId', 'int32', { default: -1 }),
    field(
      'brokers',
      array(
        struct('Broker', [
          field('brokerId', 'int32'),
          field('host', 'string'),
          field('port', 'int32'),
          field('rack', 'string', { nullable: true, default: null }),
          field('isFenced', 'bool', { versions: '2+' }),
        ]),
      ),
    ),
    field('clusterAuthorizedOperations', 'int32', { default: -2147483648 }),
  ],
});
