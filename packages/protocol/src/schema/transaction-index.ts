import { field, message } from './notation.ts';

export const abortedTxnSchema = message('AbortedTxn', {
  versions: '0',
  fields: [
    field('producerId', 'int64'),
    field('firstOffset', 'int64'),
    field('lastOffset', 'int64'),
    field('lastStableOffset', 'int64'),
  ],
});
