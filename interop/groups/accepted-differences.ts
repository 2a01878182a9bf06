import type { AcceptedDifference } from '../wire/compare-with-kafka.ts';

export const acceptedDifferences: readonly AcceptedDifference[] = [
  {
    kafka: ['3.9'],
    theirs: /^commit with a generation: OffsetCommit v9: .*"ILLEGAL_GENERATION"/,
    ours: /"errorCode":"GROUP_ID_NOT_FOUND"/,
    reason:
      'v9 names an unknown group by GROUP_ID_NOT_FOUND, as its definition says and as Kafka does from 4.0 on',
  },
  {
    kafka: ['3.9', '4.4'],
    theirs: /^none: OffsetFetch v\d+: no answer$/,
    ours: /"errorCode":"NONE","groups":\[\]/,
    reason: 'Kafka never answers a request for no groups at all; we answer with none',
  },
  {
    kafka: ['4.4'],
    theirs: /^describe: DescribeGroups v\d+: .*"(Preparing|Completing)Rebalance"/,
    ours: /"(Preparing|Completing)Rebalance".*"memberAssignment":""/,
    reason:
      'the coordinator of 4.x shows assignments of the generation before while it rebalances; 3.9 shows none',
  },
  {
    kafka: ['4.4'],
    theirs: /^with operations: DescribeGroups v\d+: .*"authorizedOperations":3400\}/,
    ours: /"authorizedOperations":328\}/,
    reason: 'groups of 4.x have settings to describe and alter; those of classic groups have none',
  },
];
