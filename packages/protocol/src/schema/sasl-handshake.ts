import { api, array, field } from './notation.ts';

export const saslHandshakeSchema = api(17, 'SaslHandshake', {
  versions: '0-1',
  request: [field('mechanism', 'string')],
  response: [field('errorCode', 'int16'), field('mechanisms', array('string'))],
});
