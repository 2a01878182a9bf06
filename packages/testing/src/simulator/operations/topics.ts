import type { NewTopic } from '@odradek/client';

/** What is acknowledged here may never be lost. Grows. */
export const ORDERS = { name: 'orders', partitions: 2, replicationFactor: 3 } satisfies NewTopic;

/** Is deleted and made anew, and records of it are deleted. */
export const FLEETING = { name: 'fleeting', partitions: 1, replicationFactor: 3 } satisfies NewTopic;

/** Availability before everything: it may lose records, and its replicas agree all the same. */
export const LOOSE = {
  name: 'loose',
  partitions: 1,
  replicationFactor: 3,
  configs: { 'min.insync.replicas': '1', 'unclean.leader.election.enable': 'true' },
} satisfies NewTopic;
