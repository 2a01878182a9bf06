import { api, array, field, struct } from './notation.ts';

export const brokerRegistrationSchema = api(62, 'BrokerRegistration', {
  versions: '0-4',
  flexible: '0+',
  request: [
    field('brokerId', 'int32'),
    field('clusterId', 'string'),
    field('incarnationId', 'uuid'),
    field(
      'listeners',
      array(
        struct('Listener', [
          field('name', 'string'),
          field('host', 'string'),
          field('port', 'uint16'),
          field('securityProtocol', 'int16'),
        ]),
      ),
    ),
    field(
      'features',
      array(
        struct('Feature', [
          field('name', 'string'),
          field('minSupportedVersion', 'int16'),
          field('maxSupportedVersion', 'int16'),
        ]),
      ),
    ),
    field('rack', 'string', { nullable: true }),
    field('isMigratingZkBroker', 'bool', { versions: '1+', default: false }),
    field('logDirs', array('uuid'), { versions: '2+', ignorable: true }),
    field('previousBrokerEpoch', 'int64', { versions: '3+', default: -1, ignorable: true }),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('brokerEpoch', 'int64', { default: -1 }),
  ],
});
