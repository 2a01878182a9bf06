/** What an answer holds when the client did not ask for its rights. */
export const NOT_ASKED = -2147483648;

/** Operations as ACLs number them; a set of them is a bit field. */
const Operation = {
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
} as const;

function bitsOf(...operations: (keyof typeof Operation)[]): number {
  return operations.reduce((bits, name) => bits | (1 << Operation[name]), 0);
}

/** Without an authorizer everybody may do all that there is to do with a resource of the kind (KIP-430). */
export const ALL_TOPIC_OPERATIONS = bitsOf(
  'READ',
  'WRITE',
  'CREATE',
  'DESCRIBE',
  'DELETE',
  'ALTER',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
);

export const ALL_CLUSTER_OPERATIONS = bitsOf(
  'CREATE',
  'CLUSTER_ACTION',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
  'IDEMPOTENT_WRITE',
  'ALTER',
  'DESCRIBE',
);

export const ALL_GROUP_OPERATIONS = bitsOf('READ', 'DESCRIBE', 'DELETE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS');
