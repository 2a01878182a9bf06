import type { AcceptedDifference } from '../wire/compare-with-kafka.ts';

const BOTH = ['3.9', '4.4'];

export const acceptedDifferences: readonly AcceptedDifference[] = [
  {
    kafka: ['4.4'],
    theirs: /^no partitions: ListOffsets .*"topics":\[\]/,
    ours: /"topics":\[\{"name":"read","partitions":\[\]\}\]/,
    reason: 'a topic without partitions is answered, as by Kafka 3.9',
  },
  {
    kafka: ['4.4'],
    theirs: /^a partition twice: ListOffsets .*"INVALID_REQUEST"/,
    ours: /"INVALID_REQUEST".*"INVALID_REQUEST"/,
    reason: 'each of the two is refused, as by Kafka 3.9',
  },
  {
    kafka: ['4.4'],
    theirs: /^as replica 77: Fetch .*"nodeEndpoints":\[\]/,
    ours: /"nodeEndpoints":\[\{"nodeId":0,"rack":null\}\]/,
    reason: 'who is told that we lead is also told where we are, as by Kafka 3.9',
  },
  {
    kafka: BOTH,
    theirs: /^negative bytes( in all)?: Fetch .*"UNKNOWN_SERVER_ERROR"/,
    ours: /"errorCode":"NONE"/,
    reason: 'Kafka fails on limits below 0 by accident; they count as 0 here',
  },
  {
    kafka: BOTH,
    theirs: /^an unknown isolation: .*"UNKNOWN_SERVER_ERROR"/,
    ours: /"errorCode":"NONE"/,
    reason: 'Kafka fails on isolation levels but 0 and 1 by accident; they count as 0 here',
  },
  {
    kafka: BOTH,
    theirs: /^-1 offsets.*: ListOffsets v0: .*"UNKNOWN_SERVER_ERROR"/,
    ours: /"errorCode":"NONE"/,
    reason: 'Kafka fails on a negative number of offsets by accident; there are none of them here',
  },
  {
    kafka: BOTH,
    theirs: /: Fetch v.*"errorCode":"UNKNOWN_TOPIC(_OR_PARTITION|_ID)".*"abortedTransactions":\[\]/,
    ours: /"errorCode":"UNKNOWN_TOPIC(_OR_PARTITION|_ID)".*"abortedTransactions":null/,
    reason: 'what is not there has no list of aborted transactions, rather than an empty one',
  },
  {
    kafka: BOTH,
    theirs: /: Produce v.*"errorCode":"(INVALID_RECORD|UNSUPPORTED_COMPRESSION_TYPE)".*"logStartOffset":-1/,
    ours: /"errorCode":"(INVALID_RECORD|UNSUPPORTED_COMPRESSION_TYPE)".*"logStartOffset":0/,
    reason: 'Kafka looks at some of this before it asks the log; here the log does, and tells its start',
  },
  {
    kafka: BOTH,
    theirs: /^of codec 5: .*"UNKNOWN_SERVER_ERROR"/,
    ours: /"UNSUPPORTED_COMPRESSION_TYPE"/,
    reason: 'the code that says it, in place of the one of unexpected failures',
  },
  {
    kafka: BOTH,
    theirs: /^null: Produce .*no answer$/,
    ours: /"INVALID_RECORD"/,
    reason: 'Kafka never answers null in place of records; we refuse it',
  },
  {
    kafka: BOTH,
    theirs: /^transactional, with its id: .*"NOT_ENOUGH_REPLICAS"/,
    ours: /"(INVALID_TXN_STATE|TRANSACTION_ABORTABLE)"/,
    reason: 'Kafka asks a coordinator of transactions, which is not there; we know that nobody began any',
  },
  {
    kafka: BOTH,
    theirs: /^a length of -2: answered/,
    ours: /: closed$/,
    reason: 'lengths below -1 mean nothing: we close the connection, Kafka takes them for null',
  },
  {
    kafka: BOTH,
    theirs: /^produce: records of length -2: silence/,
    ours: /: closed$/,
    reason: 'lengths below -1 mean nothing: we close the connection, Kafka takes them for null',
  },
];
