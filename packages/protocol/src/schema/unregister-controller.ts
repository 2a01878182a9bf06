import { api, field } from './notation.ts';

export const unregisterControllerSchema = api(94, 'UnregisterController', {
  versions: '0',
  flexible: '0+',
  request: [field('controllerId', 'int32')],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true }),
  ],
});
