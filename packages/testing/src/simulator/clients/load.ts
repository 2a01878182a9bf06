import type { HistoryEvent } from '../../history/history.ts';

/** What the clients of one simulation work on, and where they note what they do. */
export interface Load {
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly partitions: number;
  readonly history: HistoryEvent[];
}
