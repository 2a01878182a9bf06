import { api, array, field, struct } from './notation.ts';

export const controllerRegistrationSchema = api(70, 'ControllerRegistration', {
  versions: '0',
  flexible: '0+',
  request: [
    field('controllerId', 'int32'),
    field('incarnationId', 'uuid'),
    field('zkMigrationReady', 'bool'),
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
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true }),
  ],
});
