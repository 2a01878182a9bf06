/** Answers in which we differ from a version of Apache Kafka on purpose, and why. */
export interface AcceptedDifference {
  readonly kafka: readonly string[];
  /** Of the beginning of the line in the transcript: what was asked. */
  readonly asked: RegExp;
  readonly reason: string;
}

export const acceptedDifferences: readonly AcceptedDifference[] = [
  {
    kafka: ['3.9'],
    asked: /^commit with a generation: OffsetCommit v9/,
    reason:
      'v9 names an unknown group by GROUP_ID_NOT_FOUND, as its definition says and as Kafka does from 4.0 on',
  },
  {
    kafka: ['3.9', '4.4'],
    asked: /^none: OffsetFetch v\d+/,
    reason: 'Kafka never answers a request for no groups at all; we answer with none',
  },
  {
    kafka: ['4.4'],
    asked: /^describe: DescribeGroups v\d+: .*"(Preparing|Completing)Rebalance"/,
    reason:
      'the coordinator of 4.x shows assignments of the generation before while it rebalances; 3.9 shows none',
  },
  {
    kafka: ['4.4'],
    asked: /^with operations: DescribeGroups/,
    reason: 'groups of 4.x have settings to describe and alter; those of classic groups have none',
  },
];
