import { api, field } from './notation.ts';

export const pushTelemetrySchema = api(72, 'PushTelemetry', {
  versions: '0',
  flexible: '0+',
  request: [
    field('clientInstanceId', 'uuid'),
    field('subscriptionId', 'int32'),
    field('terminating', 'bool'),
    field('compressionType', 'int8'),
    field('metrics', 'bytes'),
  ],
  response: [field('throttleTimeMs', 'int32'), field('errorCode', 'int16')],
});
