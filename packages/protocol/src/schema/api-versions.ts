import { api, array, field, struct } from './notation.ts';

export const apiVersionsSchema = api(18, 'ApiVersions', {
  versions: '0-5',
  flexible: '3+',
  request: [
    field('clientSoftwareName', 'string', { versions: '3+', ignorable: true }),
    field('clientSoftwareVersion', 'string', { versions: '3+', ignorable: true }),
    field('clusterId', 'string', { versions: '5+', nullable: true, default: null, ignorable: true }),
    field('nodeId', 'int32', { versions: '5+', default: -1, ignorable: true }),
  ],
  response: [
    field('errorCode', 'int16'),
    field(
      'apiKeys',
      array(
        struct('ApiVersion', [
          field('apiKey', 'int16'),
          field('minVersion', 'int16'),
          field('maxVersion', 'int16'),
        ]),
      ),
    ),
    field('throttleTimeMs', 'int32', { versions: '1+', ignorable: true }),
    field(
      'supportedFeatures',
      array(
        struct('SupportedFeatureKey', [
          field('name', 'string'),
          field('minVersion', 'int16'),
          field('maxVersion', 'int16'),
        ]),
      ),
      { versions: '3+', tag: 0, ignorable: true },
    ),
    field('finalizedFeaturesEpoch', 'int64', { versions: '3+', tag: 1, default: -1, ignorable: true }),
    field(
      'finalizedFeatures',
      array(
        struct('FinalizedFeatureKey', [
          field('name', 'string'),
          field('maxVersionLevel', 'int16'),
          field('minVersionLevel', 'int16'),
        ]),
      ),
      { versions: '3+', tag: 2, ignorable: true },
    ),
    field('zkMigrationReady', 'bool', { versions: '3+', tag: 3, default: false, ignorable: true }),
  ],
});
