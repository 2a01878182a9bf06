import { api, array, field, struct } from './notation.ts';

export const updateFeaturesSchema = api(57, 'UpdateFeatures', {
  versions: '0-2',
  flexible: '0+',
  request: [
    field('timeoutMs', 'int32', { default: 60000 }),
    field(
      'featureUpdates',
      array(
        struct('FeatureUpdateKey', [
          field('feature', 'string'),
          field('maxVersionLevel', 'int16'),
          field('allowDowngrade', 'bool', { versions: '0' }),
          field('upgradeType', 'int8', { versions: '1+', default: 1 }),
        ]),
      ),
    ),
    field('validateOnly', 'bool', { versions: '1+', default: false }),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true }),
    field(
      'results',
      array(
        struct('UpdatableFeatureResult', [
          field('feature', 'string'),
          field('errorCode', 'int16'),
          field('errorMessage', 'string', { nullable: true }),
        ]),
      ),
      { versions: '0-1', ignorable: true },
    ),
  ],
});
