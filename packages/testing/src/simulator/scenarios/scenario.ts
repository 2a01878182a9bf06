import type { NewTopic } from '@odradek/client';
import type { Properties } from '@odradek/broker/config/server-properties.ts';
import type { Director } from './director.ts';

/** A fault that systems of this kind really had, step by step: what must not come of it is for the checkers to see. */
export interface Scenario {
  /** The row of the catalogue of faults, or rows: 'F05'. */
  readonly row: string;
  readonly name: string;
  readonly brokers: number;
  readonly topic?: Partial<NewTopic>;
  readonly properties?: Properties;
  play(director: Director): Promise<void>;
}
