import { api, array, field, struct } from './notation.ts';

export const listTransactionsSchema = api(66, 'ListTransactions', {
  versions: '0-2',
  flexible: '0+',
  request: [
    field('stateFilters', array('string')),
    field('producerIdFilters', array('int64')),
    field('durationFilter', 'int64', { versions: '1+', default: -1 }),
    field('transactionalIdPattern', 'string', { versions: '2+', nullable: true, default: null }),
  ],
  response: [
    field('throttleTimeMs', 'int32'),
    field('errorCode', 'int16'),
    field('unknownStateFilters', array('string')),
    field(
      'transactionStates',
      array(
        struct('TransactionState', [
          field('transactionalId', 'string'),
          field('producerId', 'int64'),
          field('transactionState', 'string'),
        ]),
      ),
    ),
  ],
});
