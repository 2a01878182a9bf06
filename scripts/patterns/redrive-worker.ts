// One run that puts dead letters back; its report is a line in a file, for each process of it that came to the end.
import { appendFileSync } from 'node:fs';
import { redrive } from '@odradek/patterns/index.ts';
import { workerSettings } from './worker-process.ts';

export interface RedriveWorkerSettings {
  readonly bootstrapServers: string;
  readonly from: string;
  readonly runId: string;
  /** Only letters whose error contains this. */
  readonly error: string;
  readonly ratePerSecond: number;
  /** Where the report is written, with the time that it took: JSON. */
  readonly reports: string;
  /** Where a line is written for each letter that was put back or parked. */
  readonly moves: string;
}

const { error: text, reports, moves, ...settings } = workerSettings<RedriveWorkerSettings>();

const beginMs = performance.now();
const report = await redrive({
  ...settings,
  dryRun: false,
  filter: ({ error }) => error.includes(text),
  canaries: 3,
  settleMs: 50,
  probeIntervalMs: 20,
  // What never works dies again, all of it: how often it may is what is looked at here.
  redeathShareMax: 1,
  redrivesMax: 2,
  onEvent: ({ type }) => {
    if (type === 'moved' || type === 'parked') appendFileSync(moves, `${type}\n`);
  },
});
appendFileSync(reports, `${JSON.stringify({ ...report, tookMs: performance.now() - beginMs })}\n`);
