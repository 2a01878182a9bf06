import { api, array, field } from './notation.ts';

export const brokerHeartbeatSchema = api(63, 'BrokerHeartbeat', {
  versions: '0-2',
  flexible: '0+',
  request: [
    field('brokerId', 'int32'),
    field('brokerEpoch', 'int64', { default: -1 }),
    field('currentMetadataOffset', 'int64'),
    field('wantFence', 'bool'),
    field('wantShutDown', 'bool'),
    field('offlineLogDirs', array('uuid'), { versions: '1+', tag: 0 }),
    field('cordonedLogDirs', array('uuid'), { versions: '2+', nullable: true, tag: 1, default: null }),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('isCaughtUp', 'bool', { default: false }),
    field('isFenced', 'bool', { default: true }),
    field('shouldShutDown', 'bool'),
  ],
});
