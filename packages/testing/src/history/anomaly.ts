/**
 * The names of the Jepsen workload for Kafka (https://github.com/jepsen-io/redpanda, queue workload), so that
 * results can be compared.
 *
 * - `lost-write`: an acknowledged record that nobody read, though somebody read beyond it.
 * - `unseen`: an acknowledged record that nobody read, and nobody read beyond it either.
 * - `duplicate`: one record of an idempotent producer at two offsets.
 * - `inconsistent-offsets`: two records at one offset.
 * - `poll-skip`: a consumer stepped over an offset that holds a record.
 * - `nonmonotonic-poll`: a consumer was given an offset that is not above its last one.
 * - `nonmonotonic-send`: a later send of an idempotent producer got a lower offset.
 * - `precommitted-read`: a record was read before its transaction was told to commit.
 * - `G1a`: a record was read that was refused, or whose transaction was aborted.
 * - `G0`: transactions wrote over each other in a circle.
 * - `G1c`: transactions saw or wrote over each other in a circle.
 *
 * G1b of the same family, to read what a transaction overwrote itself, has no meaning in an append-only log.
 */
export const ANOMALY_NAMES = [
  'lost-write',
  'unseen',
  'duplicate',
  'inconsistent-offsets',
  'poll-skip',
  'nonmonotonic-poll',
  'nonmonotonic-send',
  'precommitted-read',
  'G1a',
  'G0',
  'G1c',
] as const;

export type AnomalyName = (typeof ANOMALY_NAMES)[number];

export interface Anomaly {
  readonly name: AnomalyName;
  /** Where, as the history names it; null for what spans several. */
  readonly partition: string | null;
  /** What happened, with processes, partitions, offsets and values. */
  readonly description: string;
}
