import { api, array, field } from './notation.ts';

export const getTelemetrySubscriptionsSchema = api(71, 'GetTelemetrySubscriptions', {
  versions: '0',
  flexible: '0+',
  request: [field('clientInstanceId', 'uuid')],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('clientInstanceId', 'uuid'),
    field('subscriptionId', 'int32'),
    field('acceptedCompressionTypes', array('int8')),
    field('pushIntervalMs', 'int32'),
    field('telemetryMaxBytes', 'int32'),
    field('deltaTemporality', 'bool'),
    field('requestedMetrics', array('string')),
  ],
});
