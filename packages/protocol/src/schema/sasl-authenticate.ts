import { api, field } from './notation.ts';

export const saslAuthenticateSchema = api(36, 'SaslAuthenticate', {
  versions: '0-2',
  flexible: '2+',
  request: [field('authBytes', 'bytes')],
  response: [
    field('errorCode', 'int16'),
    field('errorMessage', 'string', { nullable: true }),
    field('authBytes', 'bytes'),
    field('sessionLifetimeMs', 'int64', { versions: '1+', default: 0, ignorable: true }),
  ],
});
