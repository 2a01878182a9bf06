import { field, message } from './notation.ts';

export const requestHeaderSchema = message('RequestHeader', {
  versions: '0-2',
  flexible: '2+',
  fields: [
    field('requestApiKey', 'int16'),
    field('requestApiVersion', 'int16'),
    field('correlationId', 'int32'),
    field('clientId', 'string', { versions: '1+', nullable: true, compact: false }),
  ],
});

export const responseHeaderSchema = message('ResponseHeader', {
  versions: '0-1',
  flexible: '1+',
  fields: [field('correlationId', 'int32')],
});
