import type { HistoryEvent } from '../../history/history.ts';

/** What clients of one simulation work on, and where they note what they do. */
export interface Load {
  readonly bootstrapServers: string;
  readonly topic: string;
  /** As many as there are at this moment. */
  readonly partitions: number;
  readonly history: HistoryEvent[];
}

/** So often clients ask anew where everything is, milliseconds: topics grow within runs of seconds. */
export const METADATA_MAX_AGE_MS = 3_000;
