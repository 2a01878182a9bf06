import { api, field } from './notation.ts';

export const envelopeSchema = api(58, 'Envelope', {
  versions: '0',
  flexible: '0+',
  request: [
    field('requestData', 'bytes'),
    field('requestPrincipal', 'bytes', { nullable: true }),
    field('clientHostAddress', 'bytes'),
  ],
  response: [field('responseData', 'bytes', { nullable: true, default: null }), field('errorCode', 'int16')],
});
